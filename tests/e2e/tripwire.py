# SPDX-License-Identifier: Apache-2.0
"""Listeners in place of a dead site: whoever knocks is written down, and never answered."""

import contextlib
import dataclasses
import selectors
import socket
import threading
import time
from collections.abc import Iterable, Iterator


@dataclasses.dataclass(frozen=True)
class Knock:
    """A connection to the dead site: when (seconds since the epoch), and to which port."""

    at: float
    port: int


class Tripwire:
    def __init__(self, address: str, ports: Iterable[int]) -> None:
        self.knocks: list[Knock] = []
        self._held: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._selector.register(self._stop_reader, selectors.EVENT_READ)
        for port in ports:
            self._selector.register(
                socket.create_server((address, port)), selectors.EVENT_READ, data=port
            )
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                listener = key.fileobj
                assert isinstance(listener, socket.socket)
                self._held.append(listener.accept()[0])
                self.knocks.append(Knock(time.time(), key.data))

    @contextlib.contextmanager
    def armed(self) -> Iterator["Tripwire"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop_writer.send(b".")
            self._thread.join()
            for key in list(self._selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
            for held in [*self._held, self._stop_writer]:
                held.close()
            self._selector.close()
