# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import threading
import time
from collections.abc import Mapping

import pytest

from protector import errors
from protector.cloud import waiting
from protector.cloud.waiting import Listing, Overdue, moment_before

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
        pytest.param(0.0625, 0.9375, id="a short list is looked at once an interval"),
        pytest.param(0.25, 2.0, id="a long list is left alone for eight times as long as it took"),
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


class Nova:
    """A long list, of which only the changes can be had too; counts the looks at either."""

    def __init__(self, **servers: str) -> None:
        self.servers = servers
        self.changes: list[dict[str, str]] = []
        self.looks: list[str] = []

    def all(self) -> Mapping[str, str]:
        self.looks.append("all")
        return dict(self.servers)

    def changed(self, seen: Mapping[str, str]) -> Mapping[str, str]:
        self.looks.append("changes")
        changes = self.changes.pop(0) if self.changes else {}
        self.servers |= changes
        return changes


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def ended(status: str | None) -> str | None:
    return "gone" if status is None else active(status)


def test_those_who_wait_look_at_what_has_changed(clock: Clock) -> None:
    nova = Nova(s1="BUILD", s2="BUILD")
    nova.changes = [{}, {"s2": "ACTIVE"}, {"s1": "ACTIVE"}]
    listing = Listing(nova.all, 1, nova.changed)
    assert listing.wait_for_each({"s1": active, "s2": active}, 60) == {
        "s1": "ACTIVE",
        "s2": "ACTIVE",
    }
    assert nova.looks == ["all", "changes", "changes", "changes"]
    assert listing.known() == {"s1": "ACTIVE", "s2": "ACTIVE"}


def test_what_is_not_among_the_changes_is_not_gone(clock: Clock) -> None:
    nova = Nova(s1="ACTIVE")
    listing = Listing(nova.all, 1, nova.changed)
    listing.fresh()
    nova.changes = [{}, {}, {"made_since": "BUILD"}, {}, {"made_since": "ACTIVE"}]
    assert listing.wait("made_since", ended, 60) == "ACTIVE"
    assert nova.looks == ["all", *["changes"] * 5]


def test_what_the_changes_do_not_tell_is_seen_now_and_then(clock: Clock) -> None:
    """As when a host's clock is minutes behind."""
    nova = Nova(s1="BUILD")
    listing = Listing(nova.all, 1, nova.changed)
    listing.fresh()
    nova.servers["s1"] = "ACTIVE"
    assert listing.wait("s1", active, 60) == "ACTIVE"
    assert nova.looks.count("all") == 2
    assert clock.now == pytest.approx(waiting.WHOLE_EVERY)


def test_what_is_gone_is_seen_with_all_of_the_list(clock: Clock) -> None:
    nova = Nova(s1="BUILD", s2="BUILD")
    listing = Listing(nova.all, 1, nova.changed)
    listing.fresh()
    del nova.servers["s1"]
    assert listing.wait("s1", ended, 60) == "gone"
    assert clock.now == pytest.approx(waiting.WHOLE_EVERY)


def test_nothing_is_overdue_before_all_of_the_list_was_seen(clock: Clock) -> None:
    nova = Nova(s1="BUILD")
    listing = Listing(nova.all, 1, nova.changed)
    listing.fresh()
    nova.servers["s1"] = "ACTIVE"
    assert listing.wait("s1", active, timeout=3) == "ACTIVE"
    assert clock.now < waiting.WHOLE_EVERY


def test_whoever_asks_for_all_of_it_gets_that_while_others_wait() -> None:
    nova = Nova(s1="BUILD")
    listing = Listing(nova.all, 0.01, nova.changed)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waits = pool.submit(listing.wait, "s1", active, PATIENCE)
        while nova.looks.count("changes") < 3:
            time.sleep(0.01)
        nova.servers["made_meanwhile"] = "ACTIVE"
        assert "made_meanwhile" in listing.fresh()
        nova.changes = [{"s1": "ACTIVE"}]
        assert waits.result(PATIENCE) == "ACTIVE"


def test_a_list_of_after_that_moment_is_not_asked_for_again(clock: Clock) -> None:
    nova = Nova(s1="ACTIVE")
    listing = Listing(nova.all, 1, nova.changed)
    moment = clock.monotonic()
    assert listing.fresh(since=moment) == listing.fresh(since=moment) == {"s1": "ACTIVE"}
    assert nova.looks == ["all"]
    clock.sleep(5)
    listing.fresh(since=clock.monotonic())
    assert nova.looks == ["all", "all"]


def test_changes_are_asked_for_from_a_little_before_the_last_one() -> None:
    """Nova writes its moments with a Z and Cinder with microseconds; both are UTC."""
    assert moment_before(["2026-11-30T21:00:00Z", "2026-11-30T21:00:09Z"]) == "2026-11-30T21:00:07"
    assert moment_before(["2026-11-30T21:00:09.000000"]) == "2026-11-30T21:00:07"


def test_what_is_added_while_others_are_awaited_is_waited_for_as_well(clock: Clock) -> None:
    nova = Nova(s1="ACTIVE", s2="BUILD")
    nova.changes = [{}, {"s2": "ACTIVE"}]
    awaited = {"s1": active}
    come = []
    for some in Listing(nova.all, 1, nova.changed).as_they_come(
        awaited, 60, more=lambda: len(awaited) < 2
    ):
        come.append(some)
        awaited["s2"] = active
    assert come == [{"s1": "ACTIVE"}, {"s2": "ACTIVE"}]


def test_nothing_is_overdue_as_long_as_more_is_added(clock: Clock) -> None:
    nova = Nova(s1="BUILD")
    adding = Listing(nova.all, 1).as_they_come({"s1": active}, 5, more=lambda: clock.now < 60)
    (overdue,) = [outcome for some in adding for outcome in some.values()]
    assert isinstance(overdue, Overdue)
    assert clock.now > 64
