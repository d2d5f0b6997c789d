# SPDX-License-Identifier: Apache-2.0
"""A port that answers HTTP, and can stop answering from one moment to the next.

http.server's own servers poll before they end, and shake hands in the thread that accepts; here
closing wakes the thread that accepts, and every connection has a thread from its first byte.
"""

import contextlib
import dataclasses
import http.server
import json
import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from typing import Any

LOG = logging.getLogger(__name__)

# With this, closing a socket resets the connection.
RESET = struct.pack("ii", 1, 0)
# Seconds a connection may be idle, or take to shake hands.
IDLE = 300.0
# For whom it may be: an array's client or the control port's.
INTERNAL_ERROR = json.dumps(
    {
        "errors": [{"message": (said := "Internal error of the simulator; see its log.")}],
        "error": said,
    }
).encode()


@dataclasses.dataclass(frozen=True)
class Request:
    """A request; names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Response:
    """An answer; ``dropped`` and ``reset`` ones are never sent."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    dropped: bool = False
    reset: bool = False


Application = Callable[[Request], Response]


class Listener:
    def __init__(
        self,
        address: str,
        port: int,
        application: Application,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._place = (address, port)
        self.application = application
        self._tls = tls
        self._socket: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def open(self) -> None:
        with self._lock:
            if self._socket:
                return
            self._socket = socket.create_server(self._place, backlog=128)
            threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()

    def close(self) -> None:
        """Stop listening and break every connection, now."""
        with self._lock:
            listening, self._socket = self._socket, None
            connections, self._connections = self._connections, set()
        if listening:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, address = listening.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(listening, connection, address), daemon=True
            ).start()

    def _serve(self, listening: socket.socket, connection: socket.socket, address: Any) -> None:
        connection.settimeout(IDLE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            if listening is not self._socket:
                connection.close()
                return
            self._connections.add(connection)
        try:
            if self._tls:
                connection = self._encrypted(connection, self._tls)
                connection.do_handshake()
            _Handler(connection, address, self)  # type: ignore[arg-type]
        except OSError as error:
            LOG.debug("connection from %s ended: %s", address, error)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _encrypted(self, connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """Return the socket that takes the place of this one, also for ``close``."""
        with self._lock:
            encrypted = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            still_open = connection in self._connections
            self._connections.discard(connection)
            if still_open:
                self._connections.add(encrypted)
        if not still_open:
            encrypted.close()
        return encrypted


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Any

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers, self.rfile.read(length))
        response = self._apply(request)
        if response.dropped or response.reset:
            self._break(reset=response.reset)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    def _apply(self, request: Request) -> Response:
        try:
            return self.server.application(request)
        except Exception:
            LOG.exception("%s %s", request.method, request.path)
            return Response(500, INTERNAL_ERROR)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _break(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug(format, *args)
