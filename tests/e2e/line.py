# SPDX-License-Identifier: Apache-2.0
"""The line to a site's protector-api, with somebody on it who can strike at a message.

Whoever looks Protector up in the site's catalog comes here, and is passed on. A strike happens when
the message has arrived and was not passed on yet, or when the site has done what it asks and the
answer is on its way back.
"""

import contextlib
import dataclasses
import http.client
import http.server
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from testbed.testbed import Testbed

SERVICE_TYPE = "site-recovery"
PORT = 8788
# Seconds: longer than a Protector waits for the other.
PATIENCE = 60
# What concerns one connection, and not what is carried.
OF_A_CONNECTION = (
    *("connection", "keep-alive", "transfer-encoding", "content-length"),
    *("date", "server"),
)

When = Literal["before", "after"]


@dataclasses.dataclass(frozen=True)
class Message:
    """``path``: an expression that the whole of it matches."""

    name: str
    method: str
    path: str

    def is_meant(self, method: str, path: str) -> bool:
        return method == self.method and re.fullmatch(self.path, path) is not None


# What an edit says to the peer, in this order.
INTRODUCE = Message("introduce", "GET", "/v1/peer/site")
PREPARE = Message("prepare", "PUT", "/v1/peer/documents/[^/]+/prepared")
COMMIT = Message("commit", "POST", "/v1/peer/documents/[^/]+/commit")
EDIT = (INTRODUCE, PREPARE, COMMIT)
# What the creation of a group says besides.
ALLOW = Message("allow replication", "POST", "/v1/peer/replicated-groups")


@dataclasses.dataclass
class Strike:
    """Done once, at the first such message; ``over`` is set when that message is dealt with."""

    message: Message
    when: When
    act: Callable[[], None]
    answer_is_lost: bool
    struck: bool = False
    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    def fall(self) -> None:
        self.struck = True
        self.act()


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Line:
    """Carries every message to where it is meant to go; those of a strike as that wants it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._strike: Strike | None = None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def strike_at(
        self, message: Message, when: When, act: Callable[[], None], *, answer_is_lost: bool
    ) -> Strike:
        self._strike = Strike(message, when, act, answer_is_lost)
        return self._strike

    def carry(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """Return the site's answer; None: there is none, or it is lost."""
        strike = self._strike
        if not strike or strike.struck or not strike.message.is_meant(method, path.split("?")[0]):
            return self._pass_on(method, path, headers, body)
        try:
            if strike.when == "before":
                strike.fall()
            answer = self._pass_on(method, path, headers, body)
            if strike.when == "after":
                strike.fall()
            return None if strike.answer_is_lost else answer
        finally:
            strike.over.set()

    def _pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Answer | None:
        connection = http.client.HTTPConnection(self._address, PORT, timeout=PATIENCE)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, body or None, headers)
                answer = connection.getresponse()
                return Answer(answer.status, answer.getheaders(), answer.read())
            except (OSError, http.client.HTTPException):
                return None

    @contextlib.contextmanager
    def open(self) -> Iterator["Line"]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


@contextlib.contextmanager
def line_to(testbed: Testbed, site: str) -> Iterator[Line]:
    """Put a line into the site's catalog for a while.

    Protector looks there when it signs in, so both are started again.
    """
    admin = testbed.cloud(f"{site}-admin")
    service = admin.identity.find_service("protector", ignore_missing=False)
    (public,) = admin.identity.endpoints(service_id=service.id, interface="public")
    own_url = public.url
    with Line(testbed.address(site)).open() as line:
        try:
            admin.identity.update_endpoint(public, url=line.url)
            _start_again(testbed)
            yield line
        finally:
            admin.identity.update_endpoint(public, url=own_url)
            _start_again(testbed)


def _start_again(testbed: Testbed) -> None:
    with contextlib.ExitStack() as stopped:
        for site in testbed.sites:
            stopped.enter_context(testbed.protector_stopped(site))


def _handler_of(line: Line) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = line.carry(self.command, self.path, _carried(self.headers.items()), body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in _carried(answer.headers).items():
                self.send_header(name, value)
            if answer.status != http.HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _carry

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what is carried concerns nobody."""

    return Handler


def _carried(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in OF_A_CONNECTION}
