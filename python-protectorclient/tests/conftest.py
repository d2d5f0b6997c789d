# SPDX-License-Identifier: Apache-2.0
"""The real ``openstack`` command in one process with two sites.

A site is a Keystone, as far as signing in goes, and whatever application the fixture ``make_api``
returns: a test that wants Protector's own overrides that one fixture.
"""

import contextlib
import dataclasses
import io
import json
import logging
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from openstackclient import shell
from werkzeug import serving
from werkzeug.middleware import dispatcher
from werkzeug.wrappers import Request, Response


class Keystone:
    """Lets alice in by her password, and anyone into the project acme."""

    def __init__(self) -> None:
        self.url = ""
        self.protector_url: str | None = None
        self.has_protector = True
        self.project_id = "acme-id"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        answer = {
            "/auth/tokens": self.token,
            "/projects": self.projects,
            "/projects/acme": lambda request: Response(status=404),
            "/projects/nosuch": lambda request: Response(status=404),
        }.get(request.path, self.version)
        return answer(request)(environ, start_response)

    def version(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{self.url}/v3/"}]
        return _json({"version": {"id": "v3.14", "status": "stable", "links": links}})

    def projects(self, request: Request) -> Response:
        acme = {"id": self.project_id, "name": "acme"}
        found = [acme] if request.args.get("name") == "acme" else []
        return _json({"projects": found, "links": {}})

    def token(self, request: Request) -> Response:
        user = request.get_json()["auth"]["identity"]["password"]["user"]
        if user["password"] != "secret":
            return _json({"error": {"code": 401, "message": "Not you", "title": "No"}}, 401)
        catalog = [_service("identity", "keystone", f"{self.url}/v3")]
        if self.has_protector:
            url = self.protector_url or self.url
            catalog.append(_service("site-recovery", "protector", url))
        token = {
            "methods": ["password"],
            "user": {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": self.project_id, "name": "acme", "domain": {"id": "default"}},
            "catalog": catalog,
            "roles": [{"id": "r1", "name": "member"}],
            "issued_at": "2025-06-15T03:00:00.000000Z",
            "expires_at": "2999-06-15T03:00:00.000000Z",
        }
        response = _json({"token": token}, 201)
        response.headers["X-Subject-Token"] = "t"
        return response


def _service(type: str, name: str, url: str) -> dict[str, Any]:
    endpoint = {"interface": "public", "region": "RegionOne", "region_id": "RegionOne"}
    return {"type": type, "name": name, "endpoints": [endpoint | {"url": url, "id": name}]}


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


class Site:
    """A cloud on a port of its own."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.keystone = Keystone()
        app = dispatcher.DispatcherMiddleware(api, {"/v3": self.keystone})
        self._server = serving.make_server("127.0.0.1", 0, app, request_handler=_Quiet)
        self.url = self.keystone.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def down(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def cloud(self) -> dict[str, Any]:
        """Return the site's entry of clouds.yaml."""
        auth = {
            "auth_url": f"{self.url}/v3",
            "username": "alice",
            "password": "secret",
            "project_name": "acme",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        return {"auth": auth, "region_name": "RegionOne"}


class _Quiet(serving.WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """The output, indentation and blank lines aside."""
        assert self.code == 0, self.err
        return [line.strip() for line in self.out.splitlines() if line.strip()]

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The rows of a table of fields and values; a value of several lines is joined."""
        found: list[tuple[str, str]] = []
        for line in self.lines:
            if not line.startswith("|"):
                continue
            field, value = (cell.strip() for cell in line.strip("|").split("|", 1))
            if field:
                found.append((field, value))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]} {value}")
        return found[1:]


@pytest.fixture
def sites(make_api: Callable[[str], Any]) -> Iterator[dict[str, Site]]:
    both = {name: Site(make_api(name)) for name in ("site-a", "site-b")}
    yield both
    for site in both.values():
        site.down()


@pytest.fixture
def openstack(
    sites: dict[str, Site], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Return a function that runs a command as an operator would, signed in to site-b."""
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {n: site.cloud() for n, site in sites.items()}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))

    def run(*command: str, cloud: str = "site-b") -> Ran:
        monkeypatch.setenv("OS_CLOUD", cloud)
        out, err = io.StringIO(), io.StringIO()
        with redirected(out, err):
            try:
                code = shell.main([word for part in command for word in part.split()])
            except SystemExit as leaving:  # argparse leaves like this
                code = int(leaving.code or 0)
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@contextlib.contextmanager
def redirected(out: io.StringIO, err: io.StringIO) -> Iterator[None]:
    """Catch the output, and drop the log handlers that each run of the shell adds."""
    root = logging.getLogger()
    before = list(root.handlers)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
