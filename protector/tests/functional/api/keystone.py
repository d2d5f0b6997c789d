# SPDX-License-Identifier: Apache-2.0
"""A Keystone of a few users, spoken to over HTTP, for what is said between it and Protector."""

import datetime
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import webob

from protector.api.wsgi import Wsgi


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Served:
    """An application behind a port of 127.0.0.1, until it is closed."""

    def __init__(self, app: Wsgi) -> None:
        self.server: WSGIServer = make_server("127.0.0.1", 0, app, handler_class=_Silent)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


class Keystone:
    """``users``: name -> password, roles; ``endpoint``: Protector's in the catalog, if any.

    A token is its user's name.
    """

    def __init__(self) -> None:
        self.users = {"protector": ("s3cret", ["service"]), "alice": ("pw", ["member", "reader"])}
        self.endpoint: str | None = None
        self.signed_in: list[str] = []
        self.served = Served(self)
        self.url = f"{self.served.url}/v3"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = webob.Request(environ)
        answer = self._tokens(request) if request.path == "/v3/auth/tokens" else self._versions()
        return answer(environ, start_response)

    def close(self) -> None:
        self.served.close()

    def _versions(self) -> webob.Response:
        version = {
            "id": "v3.14",
            "status": "stable",
            "links": [{"rel": "self", "href": self.url}],
        }
        return webob.Response(json_body={"versions": {"values": [version]}}, status=300)

    def _tokens(self, request: webob.Request) -> webob.Response:
        if request.method == "GET":
            name = request.headers["X-Subject-Token"]
            return self._token(name, 200) if name in self.users else webob.Response(status=404)
        user = request.json["auth"]["identity"]["password"]["user"]
        self.signed_in.append(user["name"])
        if self.users.get(user["name"], ("",))[0] != user["password"]:
            return webob.Response(status=401)
        return self._token(user["name"], 201)

    def _token(self, name: str, status: int) -> webob.Response:
        now = datetime.datetime.now(datetime.UTC)
        domain = {"id": "default", "name": "Default"}
        token = {
            "methods": ["password"],
            "user": {"id": name, "name": name, "domain": domain},
            "project": {"id": f"{name}-project", "name": "service", "domain": domain},
            "roles": [{"id": role, "name": role} for role in self.users[name][1]],
            "issued_at": f"{now:%Y-%m-%dT%H:%M:%S.000000Z}",
            "expires_at": f"{now + datetime.timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000000Z}",
            "catalog": self._catalog(),
        }
        answer = webob.Response(json_body={"token": token}, status=status)
        answer.headers["X-Subject-Token"] = name
        return answer

    def _catalog(self) -> list[dict[str, Any]]:
        offered = {"identity": self.url, "site-recovery": self.endpoint}
        return [
            {
                "id": kind,
                "type": kind,
                "name": kind,
                "endpoints": [
                    {"id": f"{kind}-{face}", "interface": face, "region_id": "b", "url": url}
                    for face in ("public", "internal")
                ],
            }
            for kind, url in offered.items()
            if url
        ]
