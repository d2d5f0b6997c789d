# SPDX-License-Identifier: Apache-2.0
"""An OpenStack cloud of one process: real HTTP, as much of each service as is asked for here.

    with LittleCloud() as little:
        little.faults.append(Fault("POST", "/nova/servers", status=503, after=True))
        cloud = little.protector()

A server is ACTIVE at the first look, or what ``statuses`` says, in the order of creation; Nova
shows ``states`` of all of them. A volume that is retyped is so at the ``looks``-th look at the list
of volumes; those that ``resist`` keep their type, and of those that ``hang`` nothing comes.
"""

import contextlib
import dataclasses
import http.server
import itertools
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

from protector.cloud.openstack import Credentials, OpenStackCloud
from protector.cloud.waiting import Limits

VERSIONS = {
    "nova": ("v2.1", "2.100"),
    "neutron": ("v2.0", ""),
    "cinder": ("v3", "3.71"),
    "keystone": ("v3", ""),
}
TYPES = {
    "nova": "compute",
    "neutron": "network",
    "cinder": "block-storage",
    "keystone": "identity",
}


@dataclasses.dataclass
class Fault:
    """What a request meets, ``times`` times: instead of being carried out, or ``after`` it.

    ``status`` None: the connection is reset. ``page``: HTML, as of a load balancer. ``late``: it is
    carried out once another request of the same kind has been.
    """

    method: str
    path: str
    status: int | None = None
    after: bool = False
    times: int = 1
    retry_after: str | None = None
    page: str = ""
    late: bool = False


Answer = tuple[int, dict[str, Any] | None]


class LittleCloud:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.servers: dict[str, dict[str, Any]] = {}
        self.ports: dict[str, dict[str, Any]] = {}
        self.statuses: Iterator[str] = itertools.repeat("ACTIVE")
        self.states: dict[str, str] = {}
        self.fault_message = ""
        self.volumes: dict[str, dict[str, Any]] = {}
        self.volume_types: list[dict[str, Any]] = []
        self.pools: list[dict[str, Any]] = []
        self.group_types: list[dict[str, Any]] = []
        self.looks = 1
        self.resist: set[str] = set()
        self.hang: set[str] = set()
        self.most_retyping = 0
        self.tokens: set[str] = set()
        self.trusts: list[dict[str, Any]] = [{"id": "trust"}]
        self._serial = itertools.count(1)
        self._late: list[Callable[[], Answer]] = []
        self._lock = threading.Lock()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def protector(self, *, call_budget: float = 5.0) -> OpenStackCloud:
        return OpenStackCloud(
            "site-b",
            credentials=Credentials(
                auth_url=f"{self.url}/keystone/v3",
                user={"username": "protector", "password": "pw", "user_domain_name": "Default"},
                project={"project_name": "service", "project_domain_name": "Default"},
            ),
            region_name=None,
            timeout=5,
            call_budget=call_budget,
            limits=Limits(
                server_timeout=2,
                shutdown_timeout=2,
                volume_timeout=2,
                poll_interval=0.01,
                parallel_requests=4,
            ),
        )

    def count(self, asked: str) -> int:
        return self.asked.count(asked)

    def add_server(self, **facts: Any) -> dict[str, Any]:
        server = {
            "id": f"server-{next(self._serial)}",
            "status": next(self.statuses),
            "created": f"2026-01-01T00:00:{next(self._serial):02}Z",
            "os-extended-volumes:volumes_attached": [],
            "metadata": {},
            **self.states,
            **facts,
        }
        self.servers[server["id"]] = server
        return server

    def add_port(self, **facts: Any) -> dict[str, Any]:
        number = next(self._serial)
        port = {
            "id": f"port-{number}",
            "created_at": f"2026-01-01T00:00:{number:02}Z",
            "device_id": "",
            "fixed_ips": [{"subnet_id": "subnet", "ip_address": f"10.0.0.{number}"}],
            "mac_address": f"fa:16:3e:00:00:{number:02}",
            **facts,
        }
        self.ports[port["id"]] = port
        return port

    def add_volume(self, id: str, **facts: Any) -> None:
        self.volumes[id] = {
            "id": id,
            "status": "available",
            "volume_type_id": "plain",
            "attachments": [],
            "group_id": None,
            **facts,
        }

    def add_volume_type(self, name: str, *, is_public: bool = True, **specs: str) -> None:
        public = {"os-volume-type-access:is_public": is_public}
        self.volume_types.append({"id": f"{name}-id", "name": name, "extra_specs": specs, **public})

    # -- the services -------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: dict[str, Any], token: str) -> Answer:
        service, _, rest = path.strip("/").partition("/")
        if service == "keystone":
            return self._keystone(method, rest, token, body)
        version, _, what = rest.partition("/")
        if not version:
            return 200, self._versions(service)
        if not what:
            return 200, {"version": self._versions(service)["versions"][0]}
        if token not in self.tokens:
            return 401, {"error": {"message": "The token has expired."}}
        return getattr(self, f"_{service}")(method, what.split("/"), body)

    def _keystone(self, method: str, rest: str, token: str, body: dict[str, Any]) -> Answer:
        if rest == "v3/auth/tokens" and method == "POST":
            self.tokens.add(f"token-{len(self.tokens) + next(self._serial)}")
            return 201, {"token": self._token()}
        if rest == "v3/auth/tokens":
            return 200, {"token": self._token()}
        if rest == "v3/OS-TRUST/trusts":
            return self._trusts(method, body) if token in self.tokens else (401, {})
        version = {"id": "v3.14", "status": "stable", "links": [self._link("keystone/v3")]}
        return 200, {"version": version} if rest else {"versions": {"values": [version]}}

    def _trusts(self, method: str, body: dict[str, Any]) -> Answer:
        if method == "GET":
            return 200, {"trusts": self.trusts}
        # As Keystone does: it keeps whole seconds.
        ends = f"{body['trust']['expires_at'][:19]}.000000Z"
        trust = {"id": f"trust-{next(self._serial)}", **body["trust"], "expires_at": ends}
        self.trusts.append(trust)
        return 201, {"trust": self.trusts[-1]}

    def _token(self) -> dict[str, Any]:
        return {
            "methods": ["password"],
            "user": {"id": "protector", "name": "protector", "domain": {"id": "default"}},
            "project": {"id": "service", "name": "service", "domain": {"id": "default"}},
            "roles": [],
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "catalog": [
                {
                    "type": TYPES[service],
                    "name": service,
                    "id": service,
                    "endpoints": [
                        {
                            "id": service,
                            "interface": "public",
                            "region": "one",
                            "region_id": "one",
                            "url": f"{self.url}/{service}/{version}",
                        }
                    ],
                }
                for service, (version, _) in VERSIONS.items()
            ],
        }

    def _versions(self, service: str) -> dict[str, Any]:
        version, newest = VERSIONS[service]
        shown = {"id": version, "status": "CURRENT", "version": newest, "min_version": "2.1"}
        return {"versions": [{**shown, "links": [self._link(f"{service}/{version}")]}]}

    def _link(self, path: str) -> dict[str, str]:
        return {"rel": "self", "href": f"{self.url}/{path}"}

    def _nova(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        if method == "GET" and path == ["servers"]:  # as is asked only for those that run
            running = [one for one in self.servers.values() if one["status"] == "ACTIVE"]
            return 200, {"servers": [{"id": one["id"], "name": one["name"]} for one in running]}
        if method == "GET" and path[1] in self.servers:
            return 200, {"server": self.servers[path[1]]}
        if method == "GET":
            return 200, {"servers": list(self.servers.values())}
        if path[-1] == "action":
            self.servers[path[1]]["status"] = "SHUTOFF" if "os-stop" in body else "ACTIVE"
            return 202, None
        if method == "DELETE":
            for port in self.ports.values():
                port["device_id"] = "" if port["device_id"] == path[1] else port["device_id"]
            return (204, None) if self.servers.pop(path[1], None) else (404, {})
        if method == "PUT":
            attached = self.servers[path[1]]["os-extended-volumes:volumes_attached"]
            for disk in attached:
                if disk["id"] == path[3]:
                    disk |= {"delete_on_termination": False}
            return 202, None
        return 202, {"server": self._boot(body["server"])}

    def _boot(self, wanted: dict[str, Any]) -> dict[str, Any]:
        disks = [
            {"id": disk["uuid"], "delete_on_termination": disk["delete_on_termination"]}
            for disk in wanted["block_device_mapping_v2"]
        ]
        server = self.add_server(
            name=wanted["name"],
            metadata=wanted["metadata"],
            **{"os-extended-volumes:volumes_attached": disks},
        )
        if server["status"] == "ERROR":
            server["fault"] = {"message": self.fault_message}
        for network in wanted["networks"] if wanted["networks"] != "none" else ():
            self.ports[network["port"]]["device_id"] = server["id"]
        return server

    def _neutron(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        if method == "GET":
            return 200, {"ports": list(self.ports.values())}
        if method == "DELETE":
            return (204, None) if self.ports.pop(path[1], None) else (404, {})
        wanted = body["port"]
        taken = {port["mac_address"] for port in self.ports.values()}
        addresses = {
            fixed["ip_address"]
            for port in self.ports.values()
            if port["id"] not in path
            for fixed in port["fixed_ips"]
        }
        if wanted.get("mac_address") in taken:
            return 409, {"NeutronError": {"type": "MacAddressInUse", "message": "MAC in use"}}
        if addresses & {fixed["ip_address"] for fixed in wanted.get("fixed_ips", ())}:
            return 409, {"NeutronError": {"type": "IpAddressAlreadyAllocated", "message": "IP"}}
        if method == "PUT":
            self.ports[path[1]] |= wanted
            return 200, {"port": self.ports[path[1]]}
        return 201, {"port": self.add_port(**wanted)}

    def _cinder(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        if path[0] == "types":
            return 200, {"volume_types": self.volume_types}
        if path[0] == "scheduler-stats":
            return 200, {"pools": self.pools}
        if path[0] == "group_types":
            return self._group_types(method, path[1:] or [""], body)
        if method == "POST":
            return self._retype(self.volumes[path[1]], body["os-retype"])
        for volume in self.volumes.values():
            self._look_at(volume)
        return 200, {"volumes": list(self.volumes.values())}

    def _group_types(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        if method == "GET":
            return 200, {"group_types": self.group_types}
        if path[-1] == "group_specs":
            (type,) = [one for one in self.group_types if one["id"] == path[0]]
            type["group_specs"] = body["group_specs"]
            return 202, body
        if body["group_type"]["name"] in [type["name"] for type in self.group_types]:
            return 409, {"conflictingRequest": {"code": 409, "message": "It exists."}}
        made = {"id": f"group-type-{next(self._serial)}", "group_specs": {}, **body["group_type"]}
        self.group_types.append(made)
        return 202, {"group_type": made}

    def _retype(self, volume: dict[str, Any], wanted: dict[str, str]) -> Answer:
        """Refuse, as Cinder does, what has the type by now as well."""
        busy = volume["status"] not in ("available", "in-use")
        if busy or volume["group_id"] or volume["volume_type_id"] == wanted["new_type"]:
            message = "Invalid volume: Retype needs volume to be in no consistency group."
            return 400, {"badRequest": {"code": 400, "message": message}}
        volume |= {"before": volume["status"], "status": "retyping", "looks": self.looks}
        volume |= {"wanted": wanted["new_type"], "policy": wanted["migration_policy"]}
        under_way = [one for one in self.volumes.values() if one["status"] == "retyping"]
        self.most_retyping = max(self.most_retyping, len(under_way))
        return 202, None

    def _look_at(self, volume: dict[str, Any]) -> None:
        if volume["status"] != "retyping" or volume["id"] in self.hang:
            return
        volume["looks"] -= 1
        if volume["looks"] > 0:
            return
        volume["status"] = volume["before"]
        if volume["id"] not in self.resist:
            volume["volume_type_id"] = volume["wanted"]

    # -- HTTP ---------------------------------------------------------------------------------

    def handle(self, method: str, path: str, body: dict[str, Any], token: str) -> Any:
        """Return an answer, or the fault that the request meets."""
        plain = re.sub(r"/v\d[.\d]*(?=/)", "", path.split("?")[0])
        with self._lock:
            self.asked.append(f"{method} {plain}")
            self.queries.append(path.partition("?")[2])
            fault = next((f for f in self.faults if self._strikes(f, method, plain)), None)
            if fault is None:
                answer = self.answer(method, path.split("?")[0], body, token)
                if method == "POST":
                    while self._late:
                        self._late.pop()()
                return answer
            fault.times -= 1
            if fault.late:
                self._late.append(lambda: self.answer(method, path.split("?")[0], body, token))
            elif fault.after:
                self.answer(method, path.split("?")[0], body, token)
            return fault

    def _strikes(self, fault: Fault, method: str, path: str) -> bool:
        return fault.times > 0 and (fault.method, fault.path) == (method, path)

    def _handler(little) -> type[http.server.BaseHTTPRequestHandler]:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                token = self.headers.get("X-Auth-Token", "")
                answer = little.handle(self.command, self.path, body, token)
                if not isinstance(answer, Fault):
                    self._send(*answer)
                elif answer.status is None:
                    self._reset()
                else:
                    self._send(answer.status, {"error": "no"}, answer.retry_after, answer.page)

            do_GET = do_POST = do_PUT = do_DELETE = _do

            def _send(
                self, status: int, body: Any, retry_after: str | None = None, page: str = ""
            ) -> None:
                text = page.encode() or (json.dumps(body).encode() if body is not None else b"")
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if page else "application/json")
                self.send_header("Content-Length", str(len(text)))
                if retry_after:
                    self.send_header("Retry-After", retry_after)
                if self.path.endswith("/auth/tokens"):
                    self.send_header("X-Subject-Token", max(little.tokens, default=""))
                self.end_headers()
                self.wfile.write(text)

            def _reset(self) -> None:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.connection.close()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
