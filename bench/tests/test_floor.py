# SPDX-License-Identifier: Apache-2.0
"""The bare script, against services that are there for it alone."""

import collections
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from protector_bench.floor import Floor


class Cloud(http.server.ThreadingHTTPServer):
    """All services in one: what is managed is available at once, what is booted is ACTIVE."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.made: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
        self.refuses = ""
        self.lock = threading.Lock()

    def answer(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.made[kind].append(body)
            id = f"{kind}-{len(self.made[kind])}"
        return {"volume": {"id": id}, "port": {"id": id}, "server": {"id": id}}

    def listed(self, kind: str, made: str) -> dict[str, Any]:
        with self.lock:
            count = len(self.made[made])
        return {kind: [{"id": f"{made}-{number + 1}"} for number in range(count)]}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Cloud
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        kind = self.path.split("?")[0].rpartition("/")[2]
        status = 500 if kind == self.server.refuses else 200
        self._answer(self.server.answer(kind, body), status)

    def do_GET(self) -> None:
        kind = self.path.split("?")[0].rpartition("/")[2]
        made = "manageable_volumes" if kind == "volumes" else kind
        self._answer(self.server.listed(kind, made))

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-Subject-Token", "of-keystone")
        self.send_header("X-Auth-Token", "of-the-array")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


@pytest.fixture
def floor(cloud: Cloud, wanted: dict[str, Any]) -> Floor:
    services = ("keystone", "array", "cinder", "neutron", "nova")
    where = f"http://127.0.0.1:{cloud.server_port}"
    return Floor({**wanted, **dict.fromkeys(services, where)}, 4)


def test_each_vm_is_booted_from_its_own_volumes_and_port(cloud: Cloud, floor: Floor) -> None:
    floor.run()
    managed = [one["volume"]["ref"]["source-name"] for one in cloud.made["manageable_volumes"]]
    ports = [one["port"]["name"] for one in cloud.made["ports"]]
    for server in (one["server"] for one in cloud.made["servers"]):
        root, data = (_number(disk["uuid"]) for disk in server["block_device_mapping_v2"])
        first = 0 if server["name"] == "one" else 2
        assert [managed[root][-1], managed[data][-1]] == [str(first), str(first + 1)]
        assert ports[_number(server["networks"][0]["port"])] == server["name"]


def test_its_calls_are_counted(floor: Floor) -> None:
    floor.run()
    assert floor.calls["array"] == 1 + 4
    assert floor.calls["keystone"] == 1
    assert floor.calls["neutron"] == 2
    assert floor.calls["cinder"] >= 4 + 1


def test_it_ends_when_something_is_refused(cloud: Cloud, floor: Floor) -> None:
    cloud.refuses = "ports"
    with pytest.raises(RuntimeError, match="/ports: 500"):
        floor.run()


def _number(id: str) -> int:
    return int(id.rpartition("-")[2]) - 1
