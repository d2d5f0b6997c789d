# SPDX-License-Identifier: Apache-2.0
import http.server
import json
import threading
from typing import Any

import pytest

from protector_bench import api
from protector_bench.http import Get


@pytest.mark.parametrize(
    ("body", "things"),
    [
        ({"protection_groups": [{}, {}], "protection_groups_links": [{}]}, 2),
        ({"links": {"next": None}, "users": [{}, {}, {}]}, 3),
        ({"protection_group": {"members": [{}]}}, 1),
    ],
)
def test_things_are_those_of_the_list(body: dict[str, Any], things: int) -> None:
    assert api.count(body) == things


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"things": [self.path, self.headers["X-Auth-Token"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("clients", api.CLIENTS)
def test_each_kind_of_request_has_its_figures(
    clients: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "REQUESTS", 8)
    monkeypatch.setattr(api, "TURN", 4)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    gets = {kind: Get(f"{base}/{kind}", {"X-Auth-Token": "token"}) for kind in ("list", "show")}
    figures = api.interleaved(gets, clients, 2)
    server.shutdown()
    server.server_close()
    assert figures.keys() == gets.keys()
    assert figures["list"]["things"] == 2
    assert len(figures["list"]["runs"]) == 2
    assert 0 < figures["show"]["p50_ms"] <= figures["show"]["p99_ms"]
    assert figures["show"]["per_second"] > 0
