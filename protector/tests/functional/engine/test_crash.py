# SPDX-License-Identifier: Apache-2.0
"""A failover ends the same wherever the engine dies: one of everything for each VM."""

import contextlib
import datetime
import functools
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from functional.engine.world import Killed, World

from protector import errors
from protector.db import claims, groups, operations, steps
from protector.db.models import RecoveryDocument
from protector.domain.document import moment
from protector.engine.execution import Execution
from protector.engine.step import Step
from protector.engine.steps import finalization
from protector.engine.steps.finalization import Finalization
from protector.engine.steps.instances import RecreateVm
from protector.engine.steps.preparation import CreateDrOperationRecord, ValidateTargetSite
from protector.engine.steps.storage import (
    IdentifyLatestSnapshot,
    ManageVolumesIntoCinder,
    PromoteVolumesFromSnapshot,
)
from protector.sync import edit

STEPS = [
    ValidateTargetSite,
    CreateDrOperationRecord,
    IdentifyLatestSnapshot,
    PromoteVolumesFromSnapshot,
    ManageVolumesIntoCinder,
    RecreateVm,
    Finalization,
]
# What changes the array or the cloud, and whether the engine dies before or after it did.
CHANGES = [
    (method, after)
    for method in ("promote", "manage_volumes", "recreate_server")
    for after in (False, True)
]
UNDOINGS = [
    (method, after)
    for method in ("discard", "unmanage_volumes", "remove_server")
    for after in (False, True)
]


@pytest.fixture
def lost(world: World) -> World:
    world.protect("web1", "web2")
    world.lose_a()
    return world


def once(action: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """Return the action, killing the engine before or after it acts the first time."""
    killed = []

    def act(*args: Any, **kwargs: Any) -> Any:
        if killed:
            return action(*args, **kwargs)
        if after:
            action(*args, **kwargs)
        killed.append(True)
        raise Killed

    return act


def kill_when_called(world: World, method: str, *, after: bool) -> None:
    def kill(*args: Any, **kwargs: Any) -> None:
        raise Killed

    for fake in (world.b.array, world.b.cloud):
        fake.faults.set(method, kill, after=after, times=1)


def die_and_resume(world: World, **arguments: Any) -> str:
    operation_id = world.submit(**arguments)
    with contextlib.suppress(Killed):
        world.run(operation_id)
        pytest.fail("the engine was to be killed")
    assert world.b.operation(operation_id).status == "running"
    world.restart()
    return operation_id


def assert_one_of_everything(world: World, operation_id: str) -> None:
    operation = world.b.operation(operation_id)
    assert (operation.status, operation.error_message) == ("completed", None)
    assert operation.progress == 100
    assert world.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}
    assert len(world.b.cloud.made_servers) == 2
    assert len(world.b.cloud.made_volumes) == 4
    assert len(world.b.array.volumes) == 4
    used = [
        device.volume_id
        for server in world.b.cloud.made_servers.values()
        for device in server.request.volumes
    ]
    assert sorted(used) == sorted(volume.id for volume in world.b.cloud.made_volumes.values())
    steps = world.b.steps(operation_id)
    assert {step.status for step in steps.values()} == {"completed"}
    group = world.group
    assert (group.status, group.version, group.epoch) == ("failed_over", 4, 1)
    assert group.failover_count == 1


def assert_nothing_left(world: World, operation_id: str) -> None:
    assert world.b.operation(operation_id).status == "failed"
    assert world.leftovers() == []
    assert world.group.status == "active"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_dying_around_a_steps_effect_changes_nothing_in_the_end(
    lost: World, monkeypatch: pytest.MonkeyPatch, step: type[Step], after: bool
) -> None:
    monkeypatch.setattr(step, "execute", kept_signature(step, after=after))
    assert_one_of_everything(lost, die_and_resume(lost))


@pytest.mark.parametrize(("method", "after"), CHANGES)
def test_dying_around_a_change_inside_a_step_changes_nothing_in_the_end(
    lost: World, method: str, after: bool
) -> None:
    kill_when_called(lost, method, after=after)
    assert_one_of_everything(lost, die_and_resume(lost))


@pytest.mark.parametrize(("method", "after"), UNDOINGS)
def test_dying_while_undoing_leaves_nothing_behind(lost: World, method: str, after: bool) -> None:
    error = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    lost.b.cloud.faults.set("recreate_server", error, after=True)
    kill_when_called(lost, method, after=after)
    assert_nothing_left(lost, die_and_resume(lost))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_dying_around_the_new_version_counts_one_failover(
    lost: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    times = itertools.count()
    monkeypatch.setattr(
        finalization, "moment", lambda: moment() + datetime.timedelta(hours=next(times))
    )
    monkeypatch.setattr(Finalization, "_commit", once(Finalization._commit, after=after))
    assert_one_of_everything(lost, die_and_resume(lost))
    with lost.b.sessions.begin() as session:
        versions = session.scalars(sa.select(RecoveryDocument.version).order_by("version"))
        assert list(versions) == [1, 2, 3, 4]


def test_dying_while_the_peer_is_told_is_dying_after_the_failover(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit, "deliver", once(edit.deliver, after=False))
    assert_one_of_everything(lost, die_and_resume(lost))


def test_dying_before_the_operation_is_settled_only_settles_it(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Execution, "_settle", once(Execution._settle, after=False))
    calls = lost.b.cloud.faults.calls
    operation_id = lost.submit()
    with pytest.raises(Killed):
        lost.run(operation_id)
    asked = len(calls)
    lost.restart()
    assert len(calls) == asked
    assert_one_of_everything(lost, operation_id)


def test_dying_after_all_was_undone_does_not_start_anew(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost.b.cloud.manages = False
    monkeypatch.setattr(Execution, "_settle", once(Execution._settle, after=False))
    operation_id = lost.submit()
    with pytest.raises(Killed):
        lost.run(operation_id)
    lost.b.cloud.manages = True
    lost.restart()
    assert_nothing_left(lost, operation_id)


def test_the_flow_goes_on_by_what_it_began_with(lost: World) -> None:
    """Mappings given for this failover, and the document it began with, outlive the engine."""
    other = lost.b.cloud.add_network("elsewhere", "10.10.0.0/24")
    kill_when_called(lost, "recreate_server", after=False)
    assert_one_of_everything(lost, die_and_resume(lost, networks={"web": "elsewhere"}))
    ports = [p for s in lost.b.cloud.made_servers.values() for p in s.request.ports]
    assert {port.network_id for port in ports} == {other.id}


def test_an_engine_that_lost_its_claim_makes_and_undoes_nothing_more(lost: World) -> None:
    """A paused engine wakes up after the operation was reset."""
    operation_id = lost.submit()

    def reset(*args: Any, **kwargs: Any) -> None:
        with lost.b.sessions.begin() as session:
            operations.end(session, operations.get(session, operation_id), "Reset by alice.")
            groups.get(session, lost.group_id).status = "active"

    lost.b.cloud.faults.set("manage_volumes", reset, after=True)
    with pytest.raises(errors.ClaimLost):
        lost.run(operation_id)
    assert lost.servers() == {}
    assert len(lost.b.cloud.made_volumes) == 4
    assert lost.b.operation(operation_id).error_message == "Reset by alice."
    assert lost.group.status == "active"

    # What it had made is found again by the next failover, and used.
    lost.b.cloud.faults.clear()
    assert lost.fail_over().status == "completed"
    assert len(lost.b.cloud.made_volumes) == 4
    assert len(lost.b.array.volumes) == 4


def test_a_claim_that_is_overtaken_between_look_and_take_is_none(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation_id = lost.submit()
    with lost.b.sessions.begin() as session:
        look = session.scalar

        def look_and_be_overtaken(query: Any) -> Any:
            found = look(query)
            monkeypatch.undo()
            assert claims.take(session, operation_id, "engine-2")
            return found

        monkeypatch.setattr(session, "scalar", look_and_be_overtaken)
        assert claims.take(session, operation_id, "engine-1") is None
    assert lost.b.operation(operation_id).owner == "engine-2"


def test_of_two_engines_that_claim_an_operation_one_gets_it(lost: World) -> None:
    operation_id = lost.submit()
    with lost.b.sessions.begin() as session:
        first = claims.take(session, operation_id, "engine-1")
    with lost.b.sessions.begin() as session:
        second = claims.take(session, operation_id, "engine-2")
    assert first is not None
    assert second is None
    operation = lost.b.operation(operation_id)
    assert (operation.owner, operation.status, operation.progress) == ("engine-1", "running", 5)


def kept_signature(step: type[Step], *, after: bool) -> Callable[..., Any]:
    """Return the step's execute, killing once; TaskFlow reads from it what the step needs."""
    execute = step.execute
    return functools.wraps(execute)(once(execute, after=after))


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_step_whose_beginning_was_never_written_down_is_on_record_all_the_same(
    lost: World, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """An engine died, or its database was away, between the flow's diary and the record."""
    begun, missed = steps.begun, []

    def miss(session: Any, operation_id: str, name: str, phase: str) -> None:
        if name == "recreate_vm_web2" and not missed:
            missed.append(name)
            raise OSError("the database is away")
        begun(session, operation_id, name, phase)

    if end == "failed":
        error = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
        lost.b.cloud.faults.set("recreate_server", refuse("web2", error))
    monkeypatch.setattr(steps, "begun", miss)
    operation = lost.run(lost.submit())
    assert missed
    assert operation.status == end
    assert lost.b.steps(operation.id)["recreate_vm_web2"].status == end


def refuse(name: str, error: errors.ProtectorError) -> Callable[[Any], None]:
    def look(request: Any) -> None:
        if request.name == name:
            raise error

    return look
