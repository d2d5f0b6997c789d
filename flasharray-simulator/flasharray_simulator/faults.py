# SPDX-License-Identifier: Apache-2.0
"""Rules by which an array misbehaves."""

import dataclasses
import re
import threading

from flasharray_simulator.errors import BadSettings

ACTIONS = ("answer", "drop", "reset", "delay", "hang")


@dataclasses.dataclass
class Fault:
    """From the ``nth`` request that matches on, ``count`` times (0: always), do ``action``:

    answer  with ``status`` and ``error``, and ``retry_after`` seconds in its header
    drop    the connection, without an answer
    reset   the connection, by TCP's RST
    delay   the answer by ``seconds``
    hang    until the fault is cleared, then drop the connection

    ``after`` the request has been carried out, or else instead of it (``delay``: before it).
    ``path`` and ``agent`` are expressions: an array has several clients, who say who they are.
    """

    array: str = ""
    method: str = ""
    path: str = ""
    agent: str = ""
    action: str = "answer"
    after: bool = False
    status: int = 500
    error: str = "Internal error"
    retry_after: int | None = None
    seconds: float = 0.0
    nth: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise BadSettings(f"action must be one of {', '.join(ACTIONS)}, not {self.action}")
        for name in ("path", "agent"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise BadSettings(f"{name} is not a regular expression: {error}") from None
        self.seen = 0
        self.cleared = threading.Event()

    def matches(self, array: str, method: str, path: str, agent: str) -> bool:
        return (
            self.array in ("", array)
            and self.method.upper() in ("", method)
            and re.search(self.path, path) is not None
            and re.search(self.agent, agent) is not None
        )

    def strikes(self) -> bool:
        """Count a request that matches, and return whether it is hit."""
        self.seen += 1
        return self.seen >= self.nth and (self.count == 0 or self.seen < self.nth + self.count)


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            cleared, self._faults = self._faults, []
        for fault in cleared:
            fault.cleared.set()

    def striking(self, array: str, method: str, path: str, agent: str) -> Fault | None:
        """Return the fault this request meets, if any."""
        with self._lock:
            matching = [f for f in self._faults if f.matches(array, method, path, agent)]
            struck = [fault for fault in matching if fault.strikes()]
        return struck[0] if struck else None
