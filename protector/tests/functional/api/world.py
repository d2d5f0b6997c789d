# SPDX-License-Identifier: Apache-2.0
"""Two sites in one process: real APIs, real engines behind real RPC, real tables.

The clouds and arrays are in memory, Keystone is a table of tokens, and the peers reach each other
by calling each other's WSGI application.
"""

import functools
import pathlib
import shutil
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
import webob
from keystoneauth1 import session as keystone
from keystoneauth1.token_endpoint import Token
from oslo_config import cfg

from protector import access, rpc
from protector import conf as options
from protector.api.app import make_app
from protector.api.services import Services
from protector.api.wsgi import Wsgi, pipeline
from protector.cloud.fake import FakeCloud
from protector.coordination import Members
from protector.db import schema, session
from protector.engine.conductor import Conductor
from protector.engine.persistence import Persistence
from protector.engine.service import Service
from protector.engine.work import Equipment
from protector.keys import Keys
from protector.storage.fake import FakeArray
from protector.sync.http import HttpPeer

GROUP = "prod-web-app"
PROJECTS = {"site-a": "project-a", "site-b": "project-b"}
ROLES = {
    "alice": "member,reader",
    "rita": "reader",
    "mallory": "member,reader",
    "admin": "admin,member,reader",
    "protector": "service",
}


class Tokens:
    """What keystonemiddleware says of a request; a token is its user's name."""

    def __init__(self, app: Wsgi, site: str) -> None:
        self._app = app
        self._projects = {
            "alice": PROJECTS[site],
            "rita": PROJECTS[site],
            "mallory": "rival",
            "admin": "admin",
            "protector": "service",
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        user = environ.get("HTTP_X_AUTH_TOKEN", "")
        environ["HTTP_X_IDENTITY_STATUS"] = "Confirmed" if user in ROLES else "Invalid"
        if user in ROLES:
            environ["HTTP_X_USER_ID"] = environ["HTTP_X_USER_NAME"] = user
            environ["HTTP_X_PROJECT_ID"] = self._projects[user]
            environ["HTTP_X_ROLES"] = ROLES[user]
        return self._app(environ, start_response)


class Line(requests.adapters.BaseAdapter):
    """The line to another site: ``down``, it brings nothing there.

    ``lose``: answers from paths with this in them get lost; ``cut``: it is down after one of these.
    """

    def __init__(self, site: "Site") -> None:
        super().__init__()
        self.down = False
        self.lose: str | None = None
        self.cut: str | None = None
        self.asked: list[str] = []
        self._site = site

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        if self.down:
            raise requests.exceptions.ConnectTimeout
        self.asked.append(f"{request.method} {request.path_url}")
        asked = webob.Request.blank(
            str(request.path_url), method=request.method, headers=dict(request.headers)
        )
        body = request.body or b""
        asked.body = body.encode() if isinstance(body, str) else body
        told = asked.get_response(self._site.app)
        if self.cut and self.cut in str(request.path_url):
            self.down = True
        if self.lose and self.lose in str(request.path_url):
            raise requests.exceptions.ReadTimeout
        answer = requests.Response()
        answer.status_code, answer.reason = told.status_int, told.status
        answer.headers.update(told.headers)
        answer._content = told.body
        answer.url, answer.request = str(request.url), request
        return answer

    def close(self) -> None:
        pass


class Site:
    def __init__(self, name: str, directory: pathlib.Path) -> None:
        self.name = name
        self.project = PROJECTS[name]
        self.array = FakeArray(f"array-{name[-1]}")
        self.cloud = FakeCloud(name, array=self.array)
        self.conf = configure(name, self.array.array, directory)
        shutil.copy(empty_database(), directory / f"{name}.db")
        engine = session.connect(self.conf.database.connection)
        self.sessions = session.make_sessions(engine)
        self.keys = Keys.from_conf(self.conf)
        self.keys.create()
        self.transport = rpc.transport(self.conf)
        self.persistence = Persistence(engine)
        self.app = self._app()
        self.lines: dict[str, Line] = {}

    def _app(self) -> Wsgi:
        services = Services(
            conf=self.conf,
            sessions=self.sessions,
            enforcer=access.make_enforcer(self.conf),
            engine=rpc.EngineClient(self.conf, self.transport),
            cloud=self.cloud,
            keys=self.keys,
        )
        return pipeline(Tokens(make_app(services), self.name))

    def meet(self, other: "Site") -> None:
        self.lines[other.name] = Line(other)
        self.equipment = Equipment(
            conf=self.conf,
            sessions=self.sessions,
            cloud=self.cloud,
            array=self.array,
            peer=self.peer,
        )

    def peer(self, name: str) -> HttpPeer:
        http = requests.Session()
        http.mount("http://", self.lines[name])
        auth = Token(f"http://{name}", "protector")
        return HttpPeer(name, keystone.Session(auth, session=http), here=self.name)

    # -- the engine ---------------------------------------------------------------------------

    def start_engine(self) -> None:
        conductor = Conductor(self.equipment, self.persistence)
        members = Members(self.conf, self.conf.engine.host)
        self.service = Service(self.equipment, conductor, members, self.transport)
        self._thread = threading.Thread(target=self.service.run, name=f"engine of {self.name}")
        self._thread.start()

    def stop_engine(self) -> None:
        if self._thread.is_alive():
            self.service.stop()
            self._thread.join()
            self.service.leave()

    # -- asking -------------------------------------------------------------------------------

    def ask(
        self, method: str, path: str, body: Any = None, *, who: str = "alice"
    ) -> webob.Response:
        """Ask the API; ``{project}`` in the path is the site's project of alice."""
        request = webob.Request.blank(
            path.format(project=self.project), method=method, headers={"X-Auth-Token": who}
        )
        if body is not None:
            request.json = body
        return request.get_response(self.app)

    def act(self, group_id: str, action: str, **arguments: Any) -> webob.Response:
        path = f"/v1/{{project}}/protection-groups/{group_id}/action"
        return self.ask("POST", path, {action: arguments})

    def fail_over(self, group_id: str, **arguments: Any) -> webob.Response:
        wanted = {"type": "unplanned", "force": True, **arguments}
        return self.act(group_id, "failover", **wanted)

    def act_on(self, operation_id: str, action: str, **arguments: Any) -> webob.Response:
        path = f"/v1/{{project}}/operations/{operation_id}/action"
        return self.ask("POST", path, {action: arguments})

    def show(self, group_id: str) -> Any:
        return self.get(f"/v1/{{project}}/protection-groups/{group_id}")["protection_group"]

    def sync_status(self, group_id: str) -> Any:
        path = f"/v1/{{project}}/protection-groups/{group_id}/sync-status"
        return self.get(path)["sync_status"]

    def ended(self, operation_id: str) -> Any:
        """Return the operation when it has ended."""
        path = f"/v1/{{project}}/operations/{operation_id}"
        eventually(lambda: self.get(path)["operation"]["completed_at"])
        return self.get(path)["operation"]

    def get(self, path: str, *, who: str = "alice") -> Any:
        answer = self.ask("GET", path, who=who)
        assert answer.status_int == 200, answer.text
        return answer.json


class World:
    """``a`` is the primary site of alice's group, ``b`` the other one."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.a = Site("site-a", directory)
        self.b = Site("site-b", directory)
        self.a.array.connect(self.b.array)
        for site, other in ((self.a, self.b), (self.b, self.a)):
            site.meet(other)
            site.start_engine()
        for cloud, network in ((self.a.cloud, "web"), (self.b.cloud, "dr-web")):
            cloud.add_network(network, "10.10.0.0/24")
            cloud.add_flavor("m1.small")
        self.b.cloud.flavors = self.a.cloud.flavors

    def close(self) -> None:
        with ThreadPoolExecutor() as both:
            list(both.map(Site.stop_engine, (self.a, self.b)))

    # -- what administrators and tenants do first ---------------------------------------------

    def introduce(self) -> None:
        """Register both sites on both, and pair alice's projects."""
        for site, other in ((self.a, self.b), (self.b, self.a)):
            for name, given in ((site.name, {}), (other.name, CREDENTIALS)):
                registration = {"name": name, "auth_url": f"http://{name}:5000/v3", **given}
                made = site.ask("POST", "/v1/admin/sites", {"site": registration}, who="admin")
                assert made.status_int == 201, made.text
            pair = {
                "project_id": site.project,
                "peer_site": other.name,
                "peer_project_id": other.project,
            }
            made = site.ask(
                "POST", "/v1/admin/tenant-mappings", {"tenant_mapping": pair}, who="admin"
            )
            assert made.status_int == 201, made.text

    def create_group(self, name: str = GROUP) -> str:
        wanted = {
            "name": name,
            "primary_site": "site-a",
            "secondary_site": "site-b",
            "network_mapping": {"web": "dr-web"},
        }
        made = self.a.ask("POST", "/v1/{project}/protection-groups", {"protection_group": wanted})
        assert made.status_int == 201, made.text
        group_id: str = made.json["protection_group"]["id"]
        return group_id

    def protect(self, group_id: str, server: str) -> webob.Response:
        """Boot a server and ask for it to be added."""
        self.a.cloud.add_server(self.a.project, server, networks=["web"])
        return self.a.ask(
            "POST",
            f"/v1/{{project}}/protection-groups/{group_id}/members",
            {"member": {"server": server}},
        )

    def protected(self, *servers: str) -> str:
        """Return a group of these servers, whose data is on the other site's array too."""
        group_id = self.create_group()
        for server in servers:
            assert self.protect(group_id, server).status_int == 201
        path = f"/v1/{{project}}/protection-groups/{group_id}/consistency-group"
        self.a.array.send_point(self.a.get(path)["consistency_group"]["array_group"])
        return group_id

    def lose_a(self) -> None:
        """The disaster: site-a, its array and the line to it are gone."""
        self.a.stop_engine()
        self.a.array.down = True
        self.b.lines["site-a"].down = True
        self.b.lines["site-a"].asked.clear()

    def regain_a(self) -> None:
        self.a.array.down = False
        self.b.lines["site-a"].down = False
        self.a.start_engine()


def eventually(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


CREDENTIALS = {"username": "protector", "password": "s3cret", "project_name": "service"}


@functools.cache
def empty_database() -> pathlib.Path:
    """Return a file with all tables, made once."""
    path = pathlib.Path(tempfile.mkdtemp()) / "empty.db"
    engine = session.connect(f"sqlite:///{path}")
    schema.upgrade(engine)
    Persistence(engine)
    engine.dispose()
    return path


def configure(site: str, array: str, directory: pathlib.Path) -> cfg.ConfigOpts:
    path = directory / f"{site}.conf"
    path.write_text(
        textwrap.dedent(f"""
        [DEFAULT]
        site_name = {site}
        transport_url = fake:/
        control_exchange = {site}-{directory.name}
        [database]
        connection = sqlite:///{directory}/{site}.db
        [secrets]
        key_file = {directory}/{site}.keys
        [flasharray]
        name = {array}
        [coordination]
        backend_url = file://{directory}/{site}-engines
        [engine]
        host = engine-of-{site}
        sweep_interval = 0.2
        """)
    )
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf(["--config-file", str(path)])
    return conf
