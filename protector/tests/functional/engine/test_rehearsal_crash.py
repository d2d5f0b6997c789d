# SPDX-License-Identifier: Apache-2.0
"""A test failover, its undoing and its cleanup end the same wherever the engine dies."""

import contextlib
from typing import Any

import pytest
from functional.engine.rehearsing import Rehearsals
from functional.engine.world import Killed, World

from protector import errors
from protector.db import operations
from protector.domain.group import Status
from protector.domain.operation import CleanupArguments, Kind

CHANGES = ["promote", "manage_volumes", "make_isolated_network", "recreate_server"]
UNDOINGS = ["discard", "unmanage_volumes", "remove_isolated_network", "remove_server"]
REMOVALS = ["remove_server", "remove_volumes", "discard", "remove_isolated_network"]


@pytest.fixture
def tests(world: World) -> Rehearsals:
    world.protect("web1", "web2")
    return Rehearsals(world)


@pytest.fixture(params=[False, True], ids=["before", "after"])
def after(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def kill_when_called(world: World, method: str, *, after: bool) -> None:
    def kill(*args: Any, **kwargs: Any) -> None:
        raise Killed

    for fake in (world.b.array, world.b.cloud):
        fake.faults.set(method, kill, after=after, times=1)


def die_and_resume(world: World, operation_id: str) -> None:
    with contextlib.suppress(Killed):
        world.run(operation_id)
        pytest.fail("the engine was to be killed")
    assert world.b.operation(operation_id).status == "running"
    world.restart()


def left(world: World) -> list[object]:
    cloud = world.b.cloud
    return [*world.leftovers(), *cloud.made_ports, *cloud.made_networks]


@pytest.mark.parametrize("method", CHANGES)
def test_there_is_one_of_everything(
    tests: Rehearsals, world: World, method: str, after: bool
) -> None:
    kill_when_called(world, method, after=after)
    operation_id = tests.begin()
    die_and_resume(world, operation_id)
    operation = world.b.operation(operation_id)
    assert (operation.status, operation.error_message) == ("completed", None)
    assert world.servers() == {"test-web1": "ACTIVE", "test-web2": "ACTIVE"}
    assert len(world.b.cloud.made_volumes) == len(world.b.array.volumes) == 4
    assert len(world.b.cloud.made_networks) == 1
    assert tests.last().result == "passed"


@pytest.mark.parametrize("method", UNDOINGS)
def test_nothing_is_left_of_what_is_undone(
    tests: Rehearsals, world: World, method: str, after: bool
) -> None:
    refusal = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    world.b.cloud.faults.set("recreate_server", refusal)
    # The failed server itself is removed first, which is no undoing yet.
    kill_when_called(world, method, after=after)
    operation_id = tests.begin()
    die_and_resume(world, operation_id)
    assert world.b.operation(operation_id).status == "failed"
    assert left(world) == []
    assert world.group.status == "active"
    assert tests.left() is None


@pytest.mark.parametrize("method", REMOVALS)
def test_nothing_is_left_of_what_is_cleaned_up(
    tests: Rehearsals, world: World, method: str, after: bool
) -> None:
    test = tests.run()
    kill_when_called(world, method, after=after)
    arguments = CleanupArguments(rehearsal=test.id)
    operation_id = tests.create(Kind.TEST_CLEANUP, arguments, trusted=False)
    die_and_resume(world, operation_id)
    operation = world.b.operation(operation_id)
    assert (operation.status, operation.error_message) == ("completed", None)
    assert left(world) == []
    assert world.group.status == "active"


@pytest.mark.parametrize("method", CHANGES)
def test_what_nobody_lived_to_write_down_is_cleaned_up_too(
    tests: Rehearsals, world: World, method: str
) -> None:
    """The engine never came back, and somebody ended the operation by hand."""
    kill_when_called(world, method, after=True)
    operation_id = tests.begin()
    with contextlib.suppress(Killed):
        world.run(operation_id)
    assert left(world)
    with world.b.sessions.begin() as session:
        operations.end(session, operations.get(session, operation_id), "by hand")
    world.set_status(Status.ACTIVE)
    assert tests.clean_up().status == "completed"
    assert left(world) == []
    assert world.group.status == "active"
