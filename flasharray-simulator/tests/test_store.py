# SPDX-License-Identifier: Apache-2.0
"""What passes by itself is looked for only when something may have come."""

import pathlib

import pytest

from flasharray_simulator import replication
from flasharray_simulator.model.tables import Array
from flasharray_simulator.settings import ArraySettings, Settings
from flasharray_simulator.store import Store


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return until when nothing was to happen, at each look."""
    looks: list[float] = []
    look = replication.pass_time

    def counted(*arguments: object) -> float:
        looks.append(look(*arguments))  # type: ignore[arg-type]
        return looks[-1]

    monkeypatch.setattr(replication, "pass_time", counted)
    return looks


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Store:
    return Store(Settings(tmp_path, (ArraySettings("fa-a", "127.0.0.1", "token"),)))


def test_whoever_only_reads_leaves_it_quiet(store: Store, looks: list[float]) -> None:
    for _ in range(3):
        with store.transaction() as world:
            assert world.session.get(Array, "fa-a")
    assert len(looks) == 1


def test_after_a_change_anything_may_come(store: Store, looks: list[float]) -> None:
    store.pass_time()
    with store.transaction() as world:
        world.array("fa-a").mediator = False
    for _ in range(3):
        store.pass_time()
    assert len(looks) == 2


def test_what_was_changed_and_then_refused_may_have_come_to_something(
    store: Store, looks: list[float]
) -> None:
    def refused() -> None:
        with store.transaction() as world:
            world.array("fa-a").mediator = False
            raise ZeroDivisionError

    store.pass_time()
    with pytest.raises(ZeroDivisionError):
        refused()
    store.pass_time()
    assert len(looks) == 2


def test_what_is_old_is_looked_for_in_time(store: Store, looks: list[float]) -> None:
    store.pass_time()
    with store.transaction() as world:
        assert looks[-1] - world.now <= replication.SWEEP
