# SPDX-License-Identifier: Apache-2.0
"""Faults of the fakes: whatever a test sets, the fake runs into.

cloud.faults.set("recreate_server", errors.CloudError(...))      each call fails
cloud.faults.set("recreate_server", error, after=True, times=1)  done once, answer lost
cloud.faults.set("recreate_server", lambda request: ...)         called first; it may raise
"""

import dataclasses
import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Fault = Exception | Callable[..., object]


@dataclasses.dataclass
class _Set:
    method: str
    fault: Fault
    after: bool
    times: int | None


class Faults:
    """What is set, and the names of the methods called so far, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._set: list[_Set] = []

    def set(
        self, method: str, fault: Fault, *, after: bool = False, times: int | None = None
    ) -> None:
        """Let the method meet the fault, before it acts or after; ``times`` None: each time."""
        self._set.append(_Set(method, fault, after, times))

    def clear(self) -> None:
        self._set.clear()

    def strike(self, method: str, after: bool, *args: Any, **kwargs: Any) -> None:
        for entry in list(self._set):
            if (entry.method, entry.after) != (method, after) or entry.times == 0:
                continue
            if entry.times is not None:
                entry.times -= 1
            if isinstance(entry.fault, Exception):
                raise entry.fault
            entry.fault(*args, **kwargs)


class Faulty(Protocol):
    faults: Faults
    lock: threading.RLock


P = ParamSpec("P")
R = TypeVar("R")
Self = TypeVar("Self", bound=Faulty)


def faulty(
    method: Callable[Concatenate[Self, P], R],
) -> Callable[Concatenate[Self, P], R]:
    """Make a fake's method meet its faults, and be alone while it acts.

    A private one meets those of the public one whose work it does.
    """
    name = method.__name__.lstrip("_")

    @functools.wraps(method)
    def call(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self.faults.calls.append(name)
        self.faults.strike(name, False, *args, **kwargs)
        with self.lock:
            result = method(self, *args, **kwargs)
        self.faults.strike(name, True, *args, **kwargs)
        return result

    return call
