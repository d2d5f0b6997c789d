# SPDX-License-Identifier: Apache-2.0
"""Waiting for many things at the price of one list call an interval."""

import dataclasses
import datetime
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from protector import errors

T = TypeVar("T")
R = TypeVar("R")

# A list is left alone for so many times as long as a look at it took: whoever waits keeps a service
# busy for a ninth of the time at most. With 3, twenty VMs took a seventh longer than with 8: the
# services that are looked at are those that do what is waited for.
LEFT_ALONE = 8
# Seconds. A look that hung is no long list: the next one is not to wait as long again.
LONGEST_PAUSE = 5.0
# Seconds by which the clocks of a service's hosts may differ: what they do later is seen at once.
AMONG_CLOCKS = 2.0
# Seconds between two looks at all of a list of which only the changes are looked at else.
WHOLE_EVERY = 15.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds: how long a server may take to run and to be off, and a volume to be available, and
    between two looks at a list. ``parallel_requests``: to a service.
    """

    server_timeout: float
    shutdown_timeout: float
    volume_timeout: float
    poll_interval: float
    parallel_requests: int


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

    Whoever finds nobody looking looks for all. Looks begin ``interval`` seconds apart; a list that
    costs the service more, as it is long or the service busy, is left alone for LEFT_ALONE times
    as long as the last look took, up to LONGEST_PAUSE.

    :param changes: given what was seen last, returns what has changed since, and may tell less of
        it. Those who wait then look at that; at all of the list only every WHOLE_EVERY seconds, as
        what is gone is no change, and the clocks of a service's hosts may differ.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, T]],
        interval: float,
        changes: Callable[[Mapping[str, T]], Mapping[str, T]] | None = None,
    ) -> None:
        self._fetch = fetch
        self._interval = interval
        self._changes = changes
        self._condition = threading.Condition()
        self._is_led = self._whole_wanted = False
        self._begun = self._ended = 0
        self._next_at, self._whole_at = 0.0, -math.inf
        self._whole: Mapping[str, T] = {}
        self._seen: _Seen[T] = _Seen({}, is_whole=False)
        self._error: errors.CloudError | None = None

    def fresh(self, *, since: float | None = None) -> Mapping[str, T]:
        """Return the list as it was at some moment after the call, so what the caller made before
        is on it; or as it was at some moment after ``since`` (:func:`time.monotonic`).
        """
        if since is None or self._whole_at < since or self._error:
            self._look(whole=True)
        if self._error:
            raise self._error
        return self._whole

    def known(self) -> Mapping[str, T]:
        """Return the list as it was seen last, with what has changed since, at no price."""
        if self._error:
            raise self._error
        return self._seen.things

    def wait(
        self,
        id: str,
        done: Callable[[T | None], R | None],
        timeout: float,
        *,
        whole: bool = False,
    ) -> R:
        """Return what ``done`` makes of the thing (None: it is not on the list), once not None.

        A list that cannot be had is asked for again: the thing itself may be well.

        :param whole: look at all of the list each time.
        :raises Overdue: ``timeout`` seconds have passed.
        """
        (outcome,) = self.wait_for_each({id: done}, timeout, whole=whole).values()
        if isinstance(outcome, Overdue):
            raise outcome
        return outcome

    def wait_for_each(
        self,
        awaited: Mapping[str, Callable[[T | None], R | None]],
        timeout: float,
        *,
        whole: bool = False,
    ) -> dict[str, R | Overdue]:
        """Return the same for several things, in their order; see :meth:`as_they_come`."""
        outcomes: dict[str, R | Overdue] = {}
        for come in self.as_they_come(awaited, timeout, whole=whole):
            outcomes |= come
        return {id: outcomes[id] for id in awaited}

    def as_they_come(
        self,
        awaited: Mapping[str, Callable[[T | None], R | None]],
        timeout: float,
        *,
        whole: bool = False,
        more: Callable[[], bool] = lambda: False,
    ) -> Iterator[dict[str, R | Overdue]]:
        """Yield the ids of some of the things and what has come of them, until all have been.

        The rest is overdue when nothing has come of any of them for ``timeout`` seconds: a service
        may do one after the other, but what it has lost is not waited for one after the other.

        :param whole: look at all of the list each time: the service may not count as a change what
            is waited for.
        :param more: whether others may still be added to ``awaited``.
        """
        ended: set[str] = set()
        seen: _Seen[T] = _Seen({}, is_whole=False)
        deadline = time.monotonic() + timeout
        while True:
            grows = more()  # first: what is added after this is looked for next time
            left = {id: done for id, done in dict(awaited).items() if id not in ended}
            if not left and not grows:
                return
            self._look(whole=whole)
            failed = self._error
            if failed is None:
                seen = self._seen
                come: dict[str, R | Overdue] = dict(_come(seen, left))
                if come:
                    ended |= come.keys()
                    yield come
                if come or grows:
                    deadline = time.monotonic() + timeout
            if time.monotonic() > deadline:
                if failed or seen.is_whole:
                    break
                whole = True  # once more, for what was never told to have changed
        yield {id: Overdue(failed, seen.things.get(id)) for id in left if id not in ended}

    # -- inside -------------------------------------------------------------------------------

    def _look(self, *, whole: bool) -> None:
        """Return when a look has ended that began after the call."""
        with self._condition:
            wanted = self._begun + 1
            self._whole_wanted |= whole
            while self._ended < wanted:
                if not self._is_led:
                    self._is_led = True
                    self._whole_wanted |= whole  # else lost with whoever broke
                    break
                self._condition.wait()
            else:
                return
        self._lead()

    def _lead(self) -> None:
        try:
            time.sleep(max(0.0, self._next_at - time.monotonic()))
            with self._condition:
                self._begun += 1
                whole, self._whole_wanted = self._whole_wanted, False
            began = time.monotonic()
            self._see(began, whole=whole or began >= self._whole_at + WHOLE_EVERY)
            came = time.monotonic()
            pause = min(LEFT_ALONE * (came - began), LONGEST_PAUSE)
            self._next_at = max(began + self._interval, came + pause)
            self._ended = self._begun
        finally:
            with self._condition:
                self._is_led = False
                self._condition.notify_all()

    def _see(self, began: float, *, whole: bool) -> None:
        before = self._seen
        try:
            if whole or self._changes is None or not before.things:
                self._whole = self._fetch()
                self._seen = _Seen(self._whole, is_whole=True)
                self._whole_at = began
            else:
                self._seen = before.changed_by(self._changes(before.things))
            self._error = None
        except errors.CloudError as error:
            self._error = error


@dataclasses.dataclass(frozen=True)
class _Seen(Generic[T]):
    """What was seen: of what is not there nothing is known, unless it is whole."""

    things: Mapping[str, T]
    is_whole: bool

    def changed_by(self, changes: Mapping[str, T]) -> "_Seen[T]":
        return _Seen({**self.things, **changes}, is_whole=False)

    def tells_of(self, id: str) -> bool:
        return self.is_whole or id in self.things


def moment_before(changes: Iterable[str]) -> str:
    """Return since when to look for changes: a little before the latest of these was made.

    :param changes: moments as OpenStack's services write them, in UTC.
    """
    latest = max(datetime.datetime.fromisoformat(one.removesuffix("Z")) for one in changes)
    return f"{latest - datetime.timedelta(seconds=AMONG_CLOCKS):%FT%T}"


def _come(seen: _Seen[T], awaited: Mapping[str, Callable[[T | None], R | None]]) -> dict[str, R]:
    """Return what has come of those of which something has."""
    made = {id: done(seen.things.get(id)) for id, done in awaited.items() if seen.tells_of(id)}
    return {id: outcome for id, outcome in made.items() if outcome is not None}
