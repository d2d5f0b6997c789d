# SPDX-License-Identifier: Apache-2.0
"""What TaskFlow writes down, and when that is asked for leave."""

from collections.abc import Iterator

import pytest
import sqlalchemy
from taskflow import states
from taskflow.persistence import models

from protector import errors
from protector.engine.persistence import Persistence

OPERATION = "op-11111111-2222-4333-8444-555555555555"


class Guard:
    """Counts those who ask whether they may write; ``lost``: they may not."""

    def __init__(self) -> None:
        self.asked = 0
        self.lost = False

    def __call__(self) -> None:
        self.asked += 1
        if self.lost:
            raise errors.ClaimLost(operation=OPERATION)


@pytest.fixture
def persistence() -> Iterator[Persistence]:
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
    yield Persistence(engine)
    engine.dispose()


@pytest.fixture
def guard() -> Guard:
    return Guard()


@pytest.fixture
def mine(persistence: Persistence, guard: Guard) -> Persistence:
    return persistence.guarded(guard)


@pytest.fixture
def step(mine: Persistence) -> models.TaskDetail:
    """Return a step that runs, and is written down."""
    _, flow = mine.diary(OPERATION)
    step = models.TaskDetail("promote", "aaaaaaaa-2222-4333-8444-555555555555")
    step.state = states.RUNNING
    flow.add(step)
    mine.get_connection().update_flow_details(flow)
    mine.get_connection().update_atom_details(step)
    return step


def written(persistence: Persistence) -> models.AtomDetail:
    _, flow = persistence.diary(OPERATION)
    (step,) = flow
    return step


def test_what_a_step_has_come_to_is_written(
    mine: Persistence, persistence: Persistence, step: models.TaskDetail
) -> None:
    step.put(states.SUCCESS, {"detail": "2 volumes made"})
    mine.get_connection().update_atom_details(step)
    there = written(persistence)
    assert (there.state, there.results) == (states.SUCCESS, {"detail": "2 volumes made"})


def test_how_far_a_step_has_come_is_not(
    mine: Persistence, guard: Guard, step: models.TaskDetail
) -> None:
    before = guard.asked
    step.meta["progress"] = 0.5
    assert mine.get_connection().update_atom_details(step) is step
    assert guard.asked == before


def test_whoever_has_lost_the_claim_writes_nothing(
    mine: Persistence, persistence: Persistence, guard: Guard, step: models.TaskDetail
) -> None:
    guard.lost = True
    step.put(states.SUCCESS, {})
    for _ in range(2):
        with pytest.raises(errors.ClaimLost):
            mine.get_connection().update_atom_details(step)
    assert written(persistence).state == states.RUNNING
