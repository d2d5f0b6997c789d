# SPDX-License-Identifier: Apache-2.0
"""Faults that pass: a step asks again, within its budget, and makes nothing twice."""

import functools
import itertools
import threading
import time

import pytest
from functional.engine.world import World
from sqlalchemy.exc import OperationalError

from protector import errors
from protector.db import claims, operations
from protector.domain.operation import Cancel
from protector.engine.step import Step
from protector.engine.steps.finalization import Finalization
from protector.engine.steps.instances import RecreateVm
from protector.engine.steps.storage import PromoteVolumesFromSnapshot

UNANSWERED = {
    "promote": ("array", errors.ArrayUnreachable(array="array-b", reason="Connection timeout")),
    "manage_volumes": ("cloud", errors.CloudUnavailable(service="C", site="b", reason="503")),
    "recreate_server": ("cloud", errors.CloudUnavailable(service="N", site="b", reason="503")),
    "points": ("array", errors.ArrayBusy(array="array-b", reason="HTTP 503")),
    "inventory": ("cloud", errors.CloudUnavailable(service="Neutron", site="b", reason="429")),
}


@pytest.fixture
def patient(world: World) -> World:
    world.b.conf.set_override("step_budget", 20, group="engine")
    world.protect("web1", "db1")
    world.lose_a()
    return world


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", UNANSWERED)
def test_what_is_not_answered_is_asked_again_and_made_once(
    patient: World, method: str, after: bool
) -> None:
    where, fault = UNANSWERED[method]
    getattr(patient.b, where).faults.set(method, fault, after=after, times=2)
    operation = patient.fail_over()
    assert operation.error_message is None
    assert patient.servers() == {"web1": "ACTIVE", "db1": "ACTIVE"}
    assert len(patient.b.cloud.made_volumes) == 4
    assert len(patient.b.array.volumes) == 4


def test_what_does_not_pass_is_told_with_what_was_tried(patient: World) -> None:
    patient.b.conf.set_override("step_budget", 1.5, group="engine")
    fault = errors.CloudUnavailable(service="Nova", site="site-b", reason="Connection refused")
    patient.b.cloud.faults.set("recreate_server", fault)
    started = time.monotonic()
    operation = patient.fail_over()
    assert time.monotonic() - started < 5
    assert "Connection refused (after " in (operation.error_message or "")
    assert " attempts in " in (operation.error_message or "")


def test_an_operation_that_is_cancelled_waits_no_longer(patient: World) -> None:
    patient.b.conf.set_override("parallel_requests", 1, group="flasharray")
    operation_id = patient.submit()

    def cancelled(*args: object, **kwargs: object) -> None:
        with patient.b.sessions.begin() as session:
            operations.get(session, operation_id).cancel = Cancel.UNDO
        raise errors.ArrayBusy(array="array-b", reason="HTTP 503")

    patient.b.array.faults.set("promote", cancelled)
    assert patient.run(operation_id).status == "cancelled"
    assert patient.b.array.faults.calls.count("promote") == 1
    assert patient.leftovers() == []


def test_volumes_are_made_side_by_side(patient: World) -> None:
    patient.b.conf.set_override("parallel_requests", 2, group="flasharray")
    both = threading.Barrier(2)
    patient.b.array.faults.set("promote", lambda *args, **kwargs: both.wait(30))
    assert patient.fail_over().status == "completed"


def test_all_volumes_that_cannot_be_made_are_told_at_once(patient: World) -> None:
    refusal = errors.StorageError(array="array-b", reason="its space is used up")
    patient.b.array.faults.set("promote", refusal)
    told = patient.fail_over().error_message or ""
    disks = [disk for member in patient.document().members for disk in member.volumes]
    assert len(disks) == 4
    assert [disk.name for disk in disks if f"volume {disk.name}: " not in told] == []


def test_undoing_is_repeated_as_well(patient: World) -> None:
    refusal = errors.CloudError(service="Nova", site="site-b", reason="No valid host was found.")
    lost = errors.CloudUnavailable(service="Cinder", site="site-b", reason="HTTP 502")
    patient.b.cloud.faults.set("recreate_server", refusal)
    patient.b.cloud.faults.set("unmanage_volumes", lost, after=True, times=1)
    patient.b.array.faults.set("discard", errors.ArrayBusy(array="b", reason="503"), times=1)
    patient.fail_over()
    assert patient.leftovers() == []
    assert patient.group.status == "active"


def test_what_is_refused_is_not_asked_again(patient: World) -> None:
    refusal = errors.CloudError(service="Nova", site="site-b", reason="No valid host was found.")
    patient.b.cloud.faults.set("recreate_server", refusal)
    patient.fail_over()
    assert patient.b.cloud.faults.calls.count("recreate_server") == 2  # one for each VM


def test_a_server_that_got_no_volumes_is_made_thrice_at_most(patient: World) -> None:
    fault = errors.VolumesNotAttached(service="Nova", site="site-b", reason="went to ERROR")
    patient.b.cloud.faults.set("recreate_server", fault)
    operation = patient.fail_over()
    assert operation.status == "failed"
    assert patient.b.cloud.faults.calls.count("recreate_server") == 2 * 3


def test_only_the_volumes_whose_fault_may_pass_are_asked_for_again(patient: World) -> None:
    reclaimed: list[str] = []
    countdown = itertools.count()

    def reclaim(volume_id: str, *, key: str) -> None:
        reclaimed.append(key)
        if next(countdown) == 0:
            raise errors.ArrayBusy(array="array-b", reason="HTTP 503")

    patient.b.array.faults.set("reclaim", reclaim)
    assert patient.fail_over().error_message is None
    assert reclaimed == [*reclaimed[:4], reclaimed[0]]


@pytest.mark.parametrize(
    "fault",
    [
        errors.CloudUnavailable(service="Nova", site="site-b", reason="HTTP 503"),
        errors.CloudError(service="Nova", site="site-b", reason="the port is in use"),
    ],
    ids=["unanswered", "refused"],
)
def test_an_engine_whose_operation_was_taken_over_meanwhile_does_no_harm(
    patient: World, fault: errors.CloudError
) -> None:
    operation_id = patient.submit()

    def taken_over(*args: object, **kwargs: object) -> None:
        with patient.b.sessions.begin() as session:
            for claim in claims.orphaned(session, "another-engine", alive=()):
                claims.take_over(session, claim, "another-engine")
        raise fault

    patient.b.cloud.faults.set("recreate_server", taken_over, after=True)
    with pytest.raises(errors.ClaimLost):
        patient.run(operation_id)
    assert "ACTIVE" in patient.servers().values()
    assert len(patient.b.cloud.made_volumes) == 4
    assert patient.b.cloud.faults.calls.count("recreate_server") <= 2  # one for each VM
    assert "remove_server" not in patient.b.cloud.faults.calls
    assert "unmanage_volumes" not in patient.b.cloud.faults.calls


@pytest.mark.parametrize("moment", ["pre_execute", "execute", "pre_revert", "revert"])
@pytest.mark.parametrize("step", [PromoteVolumesFromSnapshot, RecreateVm, Finalization])
def test_a_database_that_is_away_for_a_moment_is_waited_for(
    patient: World, monkeypatch: pytest.MonkeyPatch, step: type[Step], moment: str
) -> None:
    """As when it is restarted, or lets one of two transactions go on that wait for each other."""
    undone = moment in ("pre_revert", "revert")
    if undone:
        error = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
        patient.b.cloud.faults.set("recreate_server", error)
    begin, method = patient.b.sessions.begin, getattr(step, moment)
    under_way, missed = threading.local(), []

    def watched(self: Step, *args: object, **kwargs: object) -> object:
        under_way.now = True
        try:
            return method(self, *args, **kwargs)
        finally:
            under_way.now = False

    def away() -> object:
        if getattr(under_way, "now", False) and not missed:
            missed.append(True)
            raise OperationalError("UPDATE", {}, Exception("Deadlock found"))
        return begin()

    monkeypatch.setattr(step, moment, functools.wraps(method)(watched))
    monkeypatch.setattr(patient.b.sessions, "begin", away)
    operation = patient.fail_over()
    assert missed
    if undone:
        assert (operation.status, patient.group.status) == ("failed", "active")
        assert patient.leftovers() == []
    else:
        assert (operation.status, operation.error_message) == ("completed", None)
        assert len(patient.b.array.volumes) == 4
