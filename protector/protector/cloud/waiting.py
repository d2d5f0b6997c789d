# SPDX-License-Identifier: Apache-2.0
"""Waiting for many things at the price of one list call an interval."""

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from protector import errors

T = TypeVar("T")
R = TypeVar("R")

# Seconds. A look that hung is no long list: the next one is not to wait as long again.
LONGEST_PAUSE = 5.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds: how long a server may take to run and to be off, and a volume to be available, and
    between two looks at a list.
    """

    server_timeout: float
    shutdown_timeout: float
    volume_timeout: float
    poll_interval: float


class Overdue(Exception):
    """It has not happened within its time.

    ``error``: why the last look failed, if it did; ``thing``: as it was seen last, if it was.
    """

    def __init__(self, error: errors.CloudError | None, thing: Any) -> None:
        super().__init__()
        self.error = error
        self.thing = thing


class Listing(Generic[T]):
    """A list shared by all threads that wait for something on it.

    Whoever finds nobody fetching it fetches it for all. :meth:`fresh` is the list as it was at
    some moment after the call, so what the caller made before is on it. Looks are ``interval``
    seconds apart; a long list, which costs the service much, is left alone for as long as the last
    look took, up to LONGEST_PAUSE.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, T]], interval: float) -> None:
        self._fetch = fetch
        self._interval = interval
        self._changed = threading.Condition()
        self._begun = 0
        self._ended = 0
        self._next_at = 0.0
        self._outcome: Mapping[str, T] | errors.CloudError = {}

    def fresh(self) -> Mapping[str, T]:
        with self._changed:
            wanted = self._begun + 1
            while self._ended < wanted:
                if self._begun == self._ended:
                    self._begun += 1
                    break
                self._changed.wait()
            else:
                return self._given()
        self._lead()
        return self._given()

    def known(self) -> Mapping[str, T]:
        """Return the list as it was seen last, at no price."""
        return self._given()

    def wait(self, id: str, done: Callable[[T | None], R | None], timeout: float) -> R:
        """Return what ``done`` makes of the thing (None: it is not on the list), once not None.

        A list that cannot be had is asked for again: the thing itself may be well.

        :raises Overdue: ``timeout`` seconds have passed.
        """
        (outcome,) = self.wait_for_each({id: done}, timeout).values()
        if isinstance(outcome, Overdue):
            raise outcome
        return outcome

    def wait_for_each(
        self, awaited: Mapping[str, Callable[[T | None], R | None]], timeout: float
    ) -> dict[str, R | Overdue]:
        """Return the same for several things, in their order.

        The rest is overdue when nothing has come of any of them for ``timeout`` seconds: a service
        may do one after the other, but what it has lost is not waited for one after the other.
        """
        outcomes: dict[str, R] = {}
        seen: Mapping[str, T] = {}
        failed: errors.CloudError | None = None
        deadline = time.monotonic() + timeout
        while len(outcomes) < len(awaited):
            failed = None
            try:
                seen = self.fresh()
            except errors.CloudError as error:
                failed = error
            else:
                come = _come(seen, {id: awaited[id] for id in awaited.keys() - outcomes.keys()})
                if come:
                    deadline = time.monotonic() + timeout
                outcomes |= come
            if time.monotonic() > deadline:
                break
        return {
            id: outcomes[id] if id in outcomes else Overdue(failed, seen.get(id)) for id in awaited
        }

    # -- inside -------------------------------------------------------------------------------

    def _lead(self) -> None:
        ended = self._ended
        try:
            time.sleep(max(0.0, self._next_at - time.monotonic()))
            began = time.monotonic()
            self._outcome = self._fetched()
            came = time.monotonic()
            pause = min(came - began, LONGEST_PAUSE)
            self._next_at = max(began + self._interval, came + pause)
            ended = self._begun
        finally:
            with self._changed:
                self._begun = self._ended = ended
                self._changed.notify_all()

    def _fetched(self) -> Mapping[str, T] | errors.CloudError:
        try:
            return self._fetch()
        except errors.CloudError as error:
            return error

    def _given(self) -> Mapping[str, T]:
        if isinstance(self._outcome, errors.CloudError):
            raise self._outcome
        return self._outcome


def _come(
    seen: Mapping[str, T], awaited: Mapping[str, Callable[[T | None], R | None]]
) -> dict[str, R]:
    """Return what has come of those of which something has."""
    made = {id: done(seen.get(id)) for id, done in awaited.items()}
    return {id: outcome for id, outcome in made.items() if outcome is not None}
