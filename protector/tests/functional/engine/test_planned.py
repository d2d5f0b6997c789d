# SPDX-License-Identifier: Apache-2.0
"""A planned failover: nothing is lost; what goes wrong before the roles change is undone."""

import contextlib
from typing import Any

import pytest
from functional.engine.test_crash import kept_signature, once
from functional.engine.world import Killed, World, context

from protector import errors
from protector.db import groups, operations
from protector.db.models import Operation
from protector.domain.group import Status
from protector.domain.operation import Cancel, Kind
from protector.engine.step import Step
from protector.engine.steps.finalization import TakeOver
from protector.engine.steps.handover import StopSourceVms, TakeLastSnapshot, WaitForLastSnapshot
from protector.engine.steps.instances import RecreateVm
from protector.engine.steps.storage import ManageVolumesIntoCinder, PromoteVolumesFromSnapshot
from protector.engine.sweeps.handovers import Handovers
from protector.storage.base import ReplicaGroup
from protector.sync import edit
from protector.sync.exchange import exchange

VMS = ("web1", "web2")
NO_HOST = errors.CloudError(service="Nova", site="site-b", reason="no valid host")


@pytest.fixture
def ready(world: World) -> World:
    world.protect(*VMS)
    return world


def plan(world: World, **arguments: Any) -> Operation:
    return world.fail_over(type="planned", **arguments)


def assert_taken_over(world: World, operation: Operation, *, protected: bool = True) -> None:
    """:param protected: whether the other site protects the group by the end of it."""
    assert operation.status == "completed"
    assert (operation.error_message is None) is protected
    assert world.document(world.b).is_reversed is protected
    assert world.servers() == dict.fromkeys(VMS, "ACTIVE")
    assert len(world.b.cloud.made_servers) == 2
    assert len(world.b.cloud.made_volumes) == 4
    assert len(world.b.array.volumes) == 4
    assert world.source() == dict.fromkeys(VMS, "SHUTOFF")
    for site in (world.a, world.b):
        row = site.group(world.group_id)
        assert (row.status, row.current_primary_site, row.epoch, row.failover_count) == (
            "failed_over",
            "site-b",
            1,
            1,
        )
        assert row.remote_sync_status == "SYNCED"
    assert world.document() == world.document(world.b)


def assert_as_before(world: World) -> None:
    """All that was done is undone, on both sites."""
    for _ in range(3):
        Handovers(world.a.equipment).look()
        world.a.work()
    assert world.leftovers() == []
    assert world.source() == dict.fromkeys(VMS, "ACTIVE")
    for site in (world.a, world.b):
        row = site.group(world.group_id)
        assert (row.status, row.current_primary_site, row.epoch) == ("active", "site-a", 0)
    exchange(world.b.sessions, world.b.peer, "site-b")
    assert world.b.group(world.group_id).remote_sync_status == "SYNCED"
    world.a.edits.change_group(context(), world.group_id, {"rpo_minutes": 20})


def points(world: World) -> list[str]:
    document = world.document()
    chain = document.standby_group or document.consistency_group
    assert chain is not None
    return [one.name for one in world.b.array.points(ReplicaGroup("array-a", chain.array_group))]


def test_vms_move_with_the_last_of_their_data_and_the_roles_change_on_both_sites(
    ready: World,
) -> None:
    operation = plan(ready)
    assert_taken_over(ready, operation)
    steps = ready.b.steps(operation.id)
    assert list(operation.plan["storage_failover"]) == [
        "stop_source_vms",
        "take_last_snapshot",
        "wait_for_last_snapshot",
        "promote_volumes_from_snapshot",
        "manage_volumes_into_cinder",
    ]
    assert "web1 was off" in (steps["stop_source_vms"].detail or "")
    last = points(ready)[0]
    assert last.endswith(operation.id)
    assert (steps["wait_for_last_snapshot"].detail or "").startswith(f"Snapshot {last} of ")
    assert {step.status for step in steps.values()} == {"completed"}
    assert operation.progress == 100


def test_volumes_are_made_of_the_last_snapshot_and_no_other(ready: World) -> None:
    used: list[str] = []
    ready.b.array.faults.set("promote", lambda point, volume, key: used.append(point.name))
    operation = plan(ready)
    chain = ready.document().standby_group
    assert chain is not None
    assert set(used) == {f"array-a:{chain.array_group}.{operation.id}"}


def test_progress_of_the_last_snapshot_is_told_while_it_is_on_its_way(ready: World) -> None:
    ready.a.array.speed = 0.4
    seen: list[str | None] = []

    def look(*_: Any) -> None:
        operation = ready.b.operations(Kind.FAILOVER)[0]
        step = ready.b.steps(operation.id).get("wait_for_last_snapshot")
        if step and step.detail:
            seen.append(step.detail)
            ready.b.array.faults.clear()
            ready.b.array.arrive(points(ready)[0])

    ready.b.array.faults.set("points", look)
    assert_taken_over(ready, plan(ready))
    assert seen
    assert str(seen[0]).startswith("40.0% are on array array-b: snapshot array-a:")


def test_a_snapshot_that_does_not_come_on_is_given_up(ready: World) -> None:
    ready.a.array.speed = 0.4
    operation = plan(ready)
    assert operation.status == "failed"
    assert operation.error_message is not None
    assert operation.error_message.startswith("40.0% are on array array-b: snapshot ")
    assert "nothing of that has changed for 5 seconds" in operation.error_message
    assert_as_before(ready)


# -- it is refused ------------------------------------------------------------------------------


def refused(world: World, saying: str) -> None:
    operation = plan(world)
    assert operation.status == "failed"
    assert saying in (operation.error_message or "")
    assert "hand_over" not in world.b.peer.journal
    assert world.source() == dict.fromkeys(VMS, "ACTIVE")
    assert world.b.group(world.group_id).status == "active"


def test_without_the_other_site_nothing_is_planned(ready: World) -> None:
    ready.b.peer.down = True
    refused(ready, "site-a cannot be reached")


def test_what_is_not_synchronized_is_not_handed_over(ready: World) -> None:
    ready.a.peer.asked = lambda what: setattr(ready.a.peer, "down", what == "commit")
    ready.a.edits.change_group(context(), ready.group_id, {"rpo_minutes": 30})
    refused(ready, "site-a has another version of the recovery document")


def test_a_group_that_is_at_something_else_there_is_not_handed_over(ready: World) -> None:
    with ready.a.sessions.begin() as session:
        groups.get(session, ready.group_id).status = Status.ERROR
    refused(ready, "is error on site-a")


def test_one_vm_that_could_not_come_up_keeps_all_where_they_are(ready: World) -> None:
    ready.b.cloud.flavors.clear()
    refused(ready, "VM web1: ")


# -- something goes wrong before the roles change -----------------------------------------------


def test_a_vm_that_does_not_come_up_brings_all_back(ready: World) -> None:
    def look(request: Any) -> None:
        if request.name == "web2":
            raise NO_HOST

    ready.b.cloud.faults.set("recreate_server", look)
    operation = plan(ready)
    assert operation.status == "failed"
    assert "VM web2: Nova of site-b: no valid host" in (operation.error_message or "")
    assert_as_before(ready)


def test_an_optional_vm_may_stay_behind(world: World) -> None:
    world.create_group()
    world.add_server("web1")
    world.add_server("web2", criticality="optional")
    world.take_point()

    def look(request: Any) -> None:
        if request.name == "web2":
            raise NO_HOST

    world.b.cloud.faults.set("recreate_server", look)
    operation = plan(world)
    assert operation.status == "completed"
    assert world.group.status == "failed_over_partial"
    assert world.a.group(world.group_id).status == "failed_over_partial"

    world.b.cloud.faults.clear()
    again = plan(world)
    assert again.status == "completed"
    assert "stop_source_vms" not in world.b.steps(again.id)
    assert world.servers() == dict.fromkeys(VMS, "ACTIVE")
    assert len(world.b.cloud.made_servers) == 2


@pytest.mark.parametrize(
    ("where", "method", "fault"),
    [
        ("a.cloud", "stop_servers", errors.CloudError(service="Nova", site="site-a", reason="no")),
        ("a.array", "take_point", errors.StorageError(array="array-a", reason="no")),
        ("b.array", "points", errors.StorageError(array="array-b", reason="no")),
        ("b.array", "promote", errors.StorageError(array="array-b", reason="no")),
        ("b.cloud", "manage_volumes", errors.CloudError(service="Cinder", site="b", reason="no")),
        ("b.cloud", "recreate_server", NO_HOST),
    ],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_fault_of_either_site_before_the_roles_change_brings_all_back(
    ready: World, where: str, method: str, fault: Exception, after: bool
) -> None:
    site, part = where.split(".")
    faults = getattr(getattr(ready, site), part).faults
    begun: list[bool] = []
    ready.a.cloud.faults.set("stop_servers", lambda ids: begun.append(True))

    def once_begun(*args: Any, **kwargs: Any) -> None:
        if begun:
            raise fault

    faults.set(method, once_begun, after=after)
    operation = plan(ready)
    assert operation.status == "failed"
    assert "no" in (operation.error_message or "")
    faults.clear()
    assert_as_before(ready)


def test_a_version_that_the_other_site_refuses_brings_all_back(ready: World) -> None:
    def refuse(what: str) -> None:
        if what == "prepare":
            raise errors.PeerRefused(peer_site="site-a", reason="It has its reasons.")

    ready.b.peer.asked = refuse
    operation = plan(ready)
    assert "It has its reasons." in (operation.error_message or "")
    ready.b.peer.asked = lambda what: None
    assert_as_before(ready)


@pytest.mark.parametrize("step", ["stop_source_vms", "wait_for_last_snapshot", "recreate_vm_web1"])
@pytest.mark.parametrize("how", list(Cancel))
def test_a_cancelled_one_is_undone_however_it_is_cancelled(
    ready: World, step: str, how: Cancel
) -> None:
    """Nothing is kept for a retry: that begins with another snapshot."""

    def cancel(*args: Any, **kwargs: Any) -> None:
        with ready.b.sessions.begin() as session:
            operations.ask_to_cancel(session, operation_id, how, "alice")

    method = {"stop_source_vms": "stop_servers", "wait_for_last_snapshot": "take_point"}
    where = ready.b.cloud if step.startswith("recreate") else ready.a.cloud
    if step == "wait_for_last_snapshot":
        where = ready.a.array  # type: ignore[assignment]
        ready.a.array.speed = 0.4
    where.faults.set(method.get(step, "recreate_server"), cancel, times=1)
    operation_id = ready.submit(type="planned")
    assert ready.run(operation_id).status == "cancelled"
    assert_as_before(ready)


def test_a_hand_over_that_is_taken_back_over_there_ends_the_failover(ready: World) -> None:
    """As when somebody resets the group there, while the snapshot is on its way."""

    def reset(*args: Any, **kwargs: Any) -> None:
        ready.b.peer.hand_back(ready.group_id, ready.b.operations(Kind.FAILOVER)[0].id)
        ready.a.work()

    ready.b.cloud.faults.set("manage_volumes", reset, times=1)
    operation = plan(ready)
    assert operation.status == "failed"
    assert "site-a has taken it back meanwhile" in (operation.error_message or "")
    assert_as_before(ready)


# -- an engine dies -----------------------------------------------------------------------------

STEPS = [
    StopSourceVms,
    TakeLastSnapshot,
    WaitForLastSnapshot,
    PromoteVolumesFromSnapshot,
    ManageVolumesIntoCinder,
    RecreateVm,
    TakeOver,
]


def die_and_resume(world: World) -> Operation:
    operation_id = world.submit(type="planned")
    with contextlib.suppress(Killed):
        world.run(operation_id)
        pytest.fail("the engine was to be killed")
    world.restart()
    return world.b.operation(operation_id)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_dying_around_a_steps_effect_changes_nothing_in_the_end(
    ready: World, monkeypatch: pytest.MonkeyPatch, step: type[Step], after: bool
) -> None:
    monkeypatch.setattr(step, "execute", kept_signature(step, after=after))
    assert_taken_over(ready, die_and_resume(ready))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", ["put_in_force", "deliver", "prepare"])
def test_dying_around_the_change_of_roles_changes_them_once(
    ready: World, monkeypatch: pytest.MonkeyPatch, what: str, after: bool
) -> None:
    monkeypatch.setattr(edit, what, once(getattr(edit, what), after=after))
    assert_taken_over(ready, die_and_resume(ready))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", ["remove_server", "unmanage_volumes", "discard"])
def test_dying_while_undoing_brings_all_back(ready: World, method: str, after: bool) -> None:
    ready.b.cloud.faults.set("recreate_server", NO_HOST, after=True)

    def kill(*args: Any, **kwargs: Any) -> None:
        raise Killed

    for fake in (ready.b.array, ready.b.cloud):
        fake.faults.set(method, kill, after=after, times=1)
    assert die_and_resume(ready).status == "failed"
    assert_as_before(ready)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_dying_while_the_group_is_handed_back_brings_all_back(
    ready: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    ready.b.cloud.faults.set("recreate_server", NO_HOST)
    hand_back = type(ready.b.peer).hand_back
    monkeypatch.setattr(type(ready.b.peer), "hand_back", once(hand_back, after=after))
    assert die_and_resume(ready).status == "failed"
    assert_as_before(ready)


# -- answers are lost, or the other site goes away ----------------------------------------------


@pytest.mark.parametrize("what", ["hand_over", "hand_over_state", "prepare"])
def test_an_answer_that_is_lost_is_asked_for_again(ready: World, what: str) -> None:
    ready.b.conf.set_override("step_budget", 5, group="engine")
    ready.b.peer.lose = [what]
    assert_taken_over(ready, plan(ready))
    assert len(ready.a.operations(Kind.HAND_OVER)) == 1


def deliver(world: World) -> None:
    edit.repeat_commits(world.b.sessions, world.b.peer, world.b.equipment.editors)


@pytest.mark.parametrize("lost", [True, False], ids=["answer", "request"])
def test_once_the_roles_have_changed_it_goes_forward_whether_the_other_site_hears_or_not(
    ready: World, lost: bool
) -> None:
    def cut(what: str) -> None:
        if what == "commit":
            ready.b.peer.down = not lost

    ready.b.peer.asked = cut
    ready.b.peer.lose = ["commit"] if lost else []
    operation = plan(ready)
    assert operation.status == "completed"
    assert ready.b.group(ready.group_id).status == "failed_over"
    if not lost:
        assert ready.a.group(ready.group_id).status == "handing_over"
        Handovers(ready.a.equipment).look()
        ready.a.work()
        assert ready.source() == dict.fromkeys(VMS, "SHUTOFF")
    ready.b.peer.asked = lambda what: None
    ready.b.peer.down = False
    deliver(ready)
    assert_taken_over(ready, ready.b.operation(operation.id), protected=lost)
    if not lost:
        assert "protection-group reprotect" in (operation.error_message or "")
        assert ready.do(ready.b, Kind.REPROTECT).error_message is None
        assert ready.document().is_reversed


def test_the_source_learns_by_itself_that_the_roles_changed(ready: World) -> None:
    def cut(what: str) -> None:
        ready.b.peer.down = ready.b.peer.down or what == "commit"

    ready.b.peer.asked = cut
    plan(ready)
    exchange(ready.a.sessions, ready.a.peer, "site-a")
    row = ready.a.group(ready.group_id)
    assert (row.status, row.current_primary_site) == ("failed_over", "site-b")
    Handovers(ready.a.equipment).look()
    ready.a.work()
    assert ready.source() == dict.fromkeys(VMS, "SHUTOFF")


@pytest.mark.parametrize("when", ["hand_over", "hand_over_state", "prepare"])
def test_when_the_other_site_goes_away_it_starts_its_vms_as_soon_as_it_is_back(
    ready: World, when: str
) -> None:
    def cut(what: str) -> None:
        ready.b.peer.down = ready.b.peer.down or what == when

    ready.b.peer.asked = cut
    operation = plan(ready)
    assert operation.status == "failed"
    assert "site-a could not be told that protection group prod-web-app is not taken over" in (
        operation.error_message or ""
    )
    assert ready.leftovers() == []
    assert ready.group.status == "active"
    ready.b.peer.asked = lambda what: None
    ready.b.peer.down = False
    assert_as_before(ready)


def test_a_disaster_in_the_middle_is_answered_by_an_unplanned_failover(ready: World) -> None:
    """Site-a dies after its VMs are off; when it returns it learns who has the group."""

    def cut(what: str) -> None:
        ready.b.peer.down = ready.b.peer.down or what == "prepare"

    ready.b.peer.asked = cut
    assert plan(ready).status == "failed"
    ready.lose_a()
    assert ready.fail_over().status == "completed"

    exchange(ready.a.sessions, ready.a.peer, "site-a")
    Handovers(ready.a.equipment).look()
    ready.a.work()
    row = ready.a.group(ready.group_id)
    assert (row.status, row.current_primary_site) == ("failed_over", "site-b")
    assert ready.source() == dict.fromkeys(VMS, "SHUTOFF")


def test_what_an_undoing_could_not_remove_is_not_used_by_the_next_attempt(ready: World) -> None:
    """Its data is older than the VMs, which have run again since."""
    ready.b.cloud.faults.set("recreate_server", NO_HOST)
    stuck = errors.CloudError(service="Cinder", site="site-b", reason="it is stuck")
    ready.b.cloud.faults.set("unmanage_volumes", stuck)
    first = plan(ready)
    assert "is left on site-b" in (first.error_message or "")
    ready.b.cloud.faults.clear()
    Handovers(ready.a.equipment).look()
    ready.a.work()
    assert ready.source() == dict.fromkeys(VMS, "ACTIVE")
    ready.set_status(Status.ACTIVE)

    used: list[str] = []
    ready.b.array.faults.set("promote", lambda point, volume, key: used.append(point.name))
    again = plan(ready)
    assert len(used) == 4
    assert all(name.endswith(again.id) for name in used)
    assert_taken_over(ready, again)
