# SPDX-License-Identifier: Apache-2.0
"""The proxy of faults, in front of a little cloud of two services."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
import requests

from testbed.faults.calls import Call, call
from testbed.faults.kinds import FAULTS
from testbed.faults.proxy import Proxy, Strike

SERVER = "6f1c2b2e-3d34-4f7a-9c1d-0a8b6f0e1d2c"
BOOT = Call("nova", "POST", "/v2.1/servers")
# Seconds.
PATIENCE = 0.5


class Cloud:
    """Says what was asked of it, and where both of its services are."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.servers = {
            name: http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
            for name in ("keystone", "nova")
        }
        self.urls = {
            name: f"http://127.0.0.1:{server.server_port}" for name, server in self.servers.items()
        }

    def _handler(cloud) -> type[http.server.BaseHTTPRequestHandler]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                cloud.heard.append(f"{self.command} {self.path} {body.decode()}".strip())
                answer = json.dumps({"catalog": cloud.urls, "host": self.headers["Host"]}).encode()
                self.send_response(200)
                self.send_header("Location", f"{cloud.urls['nova']}/servers/1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_DELETE = _answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    threads = [
        threading.Thread(target=one.serve_forever, args=(0.05,)) for one in cloud.servers.values()
    ]
    for thread in threads:
        thread.start()
    yield cloud
    for server in cloud.servers.values():
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[Proxy]:
    with Proxy(cloud.urls).open() as proxy:
        yield proxy


def boot(proxy: Proxy) -> requests.Response:
    return requests.post(f"{proxy.url('nova')}/v2.1/servers", data=b"a server", timeout=PATIENCE)


def test_whoever_signs_in_through_it_stays_with_it(cloud: Cloud, proxy: Proxy) -> None:
    answer = requests.get(f"{proxy.url('keystone')}/v3", timeout=PATIENCE)

    assert answer.json()["catalog"] == {name: proxy.url(name) for name in cloud.urls}
    assert answer.json()["host"] == proxy.url("keystone").removeprefix("http://")
    assert answer.headers["Location"] == f"{proxy.url('nova')}/servers/1"


def test_it_carries_on_what_is_not_struck(cloud: Cloud, proxy: Proxy) -> None:
    proxy.strike(Strike(Call("keystone", "POST", "/v2.1/servers"), FAULTS["503-before"]))

    assert boot(proxy).status_code == 200
    assert cloud.heard == ["POST /v2.1/servers a server"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [("503-before", 503), ("500-before", 500), ("429", 429), ("401", 401)],
)
def test_an_error_before_the_effect(cloud: Cloud, proxy: Proxy, fault: str, status: int) -> None:
    proxy.strike(Strike(BOOT, FAULTS[fault]))

    assert boot(proxy).status_code == status
    assert cloud.heard == []


@pytest.mark.parametrize(("fault", "status"), [("503-after", 503), ("500-after", 500)])
def test_an_error_after_the_effect(cloud: Cloud, proxy: Proxy, fault: str, status: int) -> None:
    proxy.strike(Strike(BOOT, FAULTS[fault]))

    assert boot(proxy).status_code == status
    assert cloud.heard == ["POST /v2.1/servers a server"]


def test_too_many_requests_says_when_to_come_again(proxy: Proxy) -> None:
    proxy.strike(Strike(BOOT, FAULTS["429"]))

    assert boot(proxy).headers["Retry-After"] == "1"


@pytest.mark.parametrize(("fault", "effects"), [("reset-before", 0), ("cut-after", 1)])
def test_the_connection_ends(cloud: Cloud, proxy: Proxy, fault: str, effects: int) -> None:
    proxy.strike(Strike(BOOT, FAULTS[fault]))

    with pytest.raises(requests.ConnectionError) as raised:
        boot(proxy)
    assert ("Connection reset by peer" in str(raised.value)) == (fault == "reset-before")
    assert len(cloud.heard) == effects


@pytest.mark.parametrize(("fault", "effects"), [("hang-before", 0), ("hang-after", 1)])
def test_no_answer_while_anybody_waits(
    cloud: Cloud, proxy: Proxy, fault: str, effects: int
) -> None:
    proxy.strike(Strike(BOOT, FAULTS[fault]))

    with pytest.raises(requests.ReadTimeout):
        boot(proxy)
    assert len(cloud.heard) == effects


def test_only_the_nth_call_is_struck(proxy: Proxy) -> None:
    proxy.strike(Strike(BOOT, FAULTS["503-before"], nth=2))

    assert [boot(proxy).status_code for _ in range(3)] == [200, 503, 200]


def test_a_fault_can_last_until_it_is_cleared(proxy: Proxy) -> None:
    proxy.strike(Strike(BOOT, FAULTS["503-lasting"]))

    assert [boot(proxy).status_code for _ in range(3)] == [503] * 3
    proxy.clear()
    assert boot(proxy).status_code == 200


def test_a_call_can_be_a_moment(cloud: Cloud, proxy: Proxy) -> None:
    heard_before: list[int] = []
    proxy.strike(Strike(BOOT, None, act=lambda: heard_before.append(len(cloud.heard))))

    assert boot(proxy).status_code == 200
    assert heard_before == [0]


def test_it_records_what_kinds_of_calls_came(proxy: Proxy) -> None:
    url = proxy.url("nova")
    requests.get(f"{url}/v2.1/servers/{SERVER}?all=1", timeout=PATIENCE)
    requests.post(f"{url}/v2.1/servers/{SERVER}/action", json={"os-stop": None}, timeout=PATIENCE)

    assert proxy.recorded() == [
        Call("nova", "GET", "/v2.1/servers/{id}"),
        Call("nova", "POST", "/v2.1/servers/{id}/action os-stop"),
    ]
    assert proxy.recorded() == []


def test_a_projects_id_is_an_id_too() -> None:
    assert call("cinder", "GET", f"/v3/{'0f' * 16}/volumes").path == "/v3/{id}/volumes"
