# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import threading
import time
from collections.abc import Mapping

import pytest

from protector import errors
from protector.cloud import waiting
from protector.cloud.waiting import Listing, Overdue

THREADS = 20
PATIENCE = 5.0


class Servers:
    """A list of servers that become ACTIVE at the third look; counts the looks."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> Mapping[str, str]:
        self.looks += 1
        status = "ACTIVE" if self.looks >= 3 else "BUILD"
        return {f"server{number}": status for number in range(THREADS)}


def active(status: str | None) -> str | None:
    return status if status == "ACTIVE" else None


def test_many_threads_that_wait_cost_one_look_an_interval() -> None:
    servers = Servers()
    listing = Listing(servers, interval=0.05)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        waiting = [
            pool.submit(listing.wait, f"server{number}", active, PATIENCE)
            for number in range(THREADS)
        ]
        assert {one.result() for one in waiting} == {"ACTIVE"}
    # One more than needed when a thread came in while the third look was on its way.
    assert servers.looks <= 4


class Clock:
    """Stands for :mod:`time`: it goes on by itself only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    ("took", "pause"),
    [
        pytest.param(0.25, 0.75, id="a short list is looked at once an interval"),
        pytest.param(3.0, 3.0, id="a long list is left alone for as long as it took"),
        pytest.param(60.0, 5.0, id="a look that hung does not hold the next one up"),
    ],
)
def test_how_long_a_list_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, took: float, pause: float
) -> None:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)

    def fetch() -> Mapping[str, str]:
        clock.now += took
        return {}

    listing = Listing(fetch, interval=1)
    listing.fresh()
    listing.fresh()
    assert clock.pauses == [0.0, pause]


def test_what_was_made_before_the_call_is_on_the_list() -> None:
    made = {"old": 1}
    fetching, go_on = threading.Event(), threading.Event()

    def fetch() -> Mapping[str, int]:
        snapshot = dict(made)
        fetching.set()
        go_on.wait(PATIENCE)
        return snapshot

    listing = Listing(fetch, interval=0)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        early = pool.submit(listing.fresh)
        fetching.wait(PATIENCE)
        made["new"] = 2
        late = pool.submit(listing.fresh)
        go_on.set()
        assert "new" not in early.result(PATIENCE)
        assert "new" in late.result(PATIENCE)


def test_a_look_that_failed_is_repeated() -> None:
    looks = iter([errors.CloudError(service="Nova", site="site-b", reason="busy"), {"s": "ACTIVE"}])

    def fetch() -> Mapping[str, str]:
        look = next(looks)
        if isinstance(look, errors.CloudError):
            raise look
        return look

    assert Listing(fetch, interval=0).wait("s", active, PATIENCE) == "ACTIVE"


def test_waiting_ends_with_why_the_last_look_failed() -> None:
    busy = errors.CloudError(service="Nova", site="site-b", reason="busy")

    def fetch() -> Mapping[str, str]:
        raise busy

    with pytest.raises(Overdue) as overdue:
        Listing(fetch, interval=0.01).wait("s", active, timeout=0.05)
    assert overdue.value.error is busy


def test_what_is_lost_is_not_waited_for_one_after_the_other() -> None:
    lost = {f"volume{number}": "managing" for number in range(THREADS)}
    listing = Listing(lambda: lost, interval=0.01)
    began = time.monotonic()
    outcomes = listing.wait_for_each(dict.fromkeys(lost, active), timeout=0.2)
    assert time.monotonic() - began < THREADS * 0.2 / 2
    assert list(outcomes) == list(lost)
    overdue = list(outcomes.values())
    assert {one.thing for one in overdue if isinstance(one, Overdue)} == {"managing"}


def test_as_long_as_something_comes_of_one_after_the_other_none_is_overdue() -> None:
    timeout, began = 0.3, time.monotonic()

    def fetch() -> Mapping[str, str]:
        """One more is ACTIVE each half of the time that there is for all."""
        done = int((time.monotonic() - began) / (timeout / 2))
        return {f"volume{n}": "ACTIVE" if n < done else "managing" for n in range(5)}

    awaited = [f"volume{number}" for number in range(5)]
    outcomes = Listing(fetch, interval=0.01).wait_for_each(dict.fromkeys(awaited, active), timeout)
    assert outcomes == dict.fromkeys(awaited, "ACTIVE")


def test_one_thread_that_breaks_leaves_the_look_to_another() -> None:
    first = threading.Event()

    def fetch() -> Mapping[str, str]:
        if not first.is_set():
            first.set()
            raise ZeroDivisionError
        return {"s": "ACTIVE"}

    listing = Listing(fetch, interval=0)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        broken = pool.submit(listing.fresh)
        assert isinstance(broken.exception(PATIENCE), ZeroDivisionError)
        assert pool.submit(listing.fresh).result(PATIENCE) == {"s": "ACTIVE"}
