# SPDX-License-Identifier: Apache-2.0
"""Somebody on the line to an HTTP service: carries each request on, or does as it likes."""

import contextlib
import dataclasses
import enum
import http
import http.client
import http.server
import socket
import struct
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Sequence

# Seconds between two looks whether to end.
POLL = 0.1
# Seconds: longer than anybody waits for an answer.
PATIENCE = 60
# What concerns one connection, and not what is carried. Nothing is to be compressed on the way:
# whoever carries it may want to read it.
OF_A_CONNECTION = (
    *("connection", "keep-alive", "transfer-encoding", "content-length"),
    *("date", "server", "accept-encoding"),
)
# SO_LINGER on, for no time: closing is a reset.
AT_ONCE = struct.pack("ii", 1, 0)


@dataclasses.dataclass(frozen=True)
class Request:
    """``path`` is as it was asked for, with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Silence(enum.Enum):
    """How a connection ends that has no answer."""

    CUT = "cut"
    RESET = "reset"


Reply = Answer | Silence


class Relay:
    """Listens on a port of its own; ``handle`` says what becomes of a request."""

    def __init__(
        self,
        service: str,
        handle: Callable[["Relay", Request], Reply],
        *,
        address: str = "127.0.0.1",
    ) -> None:
        """:param service: the URL of the service itself, of scheme, host and port."""
        self.service = service
        self._handle = handle
        self._server = _Server((address, 0), _handler_of(self))
        self.url = f"http://{address}:{self._server.server_port}"

    def reply(self, request: Request) -> Reply:
        return self._handle(self, request)

    def pass_on(self, request: Request) -> Reply:
        """Return what the service answers.

        It sees the host that the client asked for, so the links in its answers lead here.
        """
        target = urllib.parse.urlsplit(self.service).netloc
        connection = http.client.HTTPConnection(target, timeout=PATIENCE)
        with contextlib.closing(connection):
            try:
                body = request.body or None
                connection.request(request.method, request.path, body, request.headers)
                answer = connection.getresponse()
                return Answer(answer.status, answer.getheaders(), answer.read())
            except (OSError, http.client.HTTPException):
                return Silence.CUT

    @contextlib.contextmanager
    def open(self) -> Iterator["Relay"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(POLL,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    # Some clients keep connections for as long as they live.
    daemon_threads = True
    # Many ask at once.
    request_queue_size = 64

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Close it without a farewell, which would come before a reset."""
        self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that are gone before they are answered."""


def _handler_of(relay: Relay) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = _carried(self.headers.items())
            reply = relay.reply(Request(self.command, self.path, headers, body))
            if isinstance(reply, Answer):
                self._answer(reply)
                return
            self.close_connection = True
            if reply is Silence.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _carry

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in _carried(answer.headers).items():
                self.send_header(name, value)
            if answer.status != http.HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what is carried concerns nobody."""

    return Handler


def _carried(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in OF_A_CONNECTION}
