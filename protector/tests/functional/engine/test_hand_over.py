# SPDX-License-Identifier: Apache-2.0
"""What the source does when its other site takes a group over, whatever comes between."""

import pytest
from functional.engine.test_crash import kept_signature
from functional.engine.world import World, context

from protector import errors
from protector.db import operations
from protector.domain.operation import Kind
from protector.engine.step import Step
from protector.engine.steps.source import (
    GiveGroupBack,
    StartVms,
    StopVms,
    TakeLastSnapshot,
    ValidateSourceSite,
)
from protector.engine.sweeps.handovers import Handovers
from protector.storage.base import ReplicaGroup
from protector.sync.peer import HandOver

NOVA = errors.CloudError(service="Nova", site="site-a", reason="no")


@pytest.fixture
def asked(world: World) -> World:
    """Site-b's operation waits for what its peer, site-a, is asked for here."""
    world.create_group()
    world.add_server("db1", boot_priority=1)
    world.add_server("web1", boot_priority=2)
    world.add_server("off1", boot_priority=2)
    world.take_point()
    off = next(id for id, (_, f) in world.a.cloud.servers.items() if f.member.name == "off1")
    world.a.cloud.power_off(off)
    world.submit(type="planned")
    return world


def operation_of(world: World) -> str:
    (operation,) = world.b.operations(Kind.FAILOVER)
    return operation.id


def hand_over(world: World) -> None:
    checksum = world.b.peer.standing(world.group_id, None).head
    assert checksum is not None
    world.b.peer.hand_over(world.group_id, operation_of(world), checksum.checksum)


def state(world: World) -> HandOver | None:
    return world.b.peer.hand_over_state(world.group_id, operation_of(world))


def handed_over(world: World) -> HandOver:
    hand_over(world)
    state(world)
    found = state(world)
    assert found is not None
    return found


def give_back(world: World) -> None:
    for _ in range(3):
        world.b.peer.hand_back(world.group_id, operation_of(world))
        world.a.work()


def assert_as_before(world: World) -> None:
    assert world.source() == {"db1": "ACTIVE", "web1": "ACTIVE", "off1": "SHUTOFF"}
    assert world.a.group(world.group_id).status == "active"


def test_vms_are_stopped_in_reverse_boot_order_then_the_last_snapshot_is_taken(
    asked: World,
) -> None:
    stopped: list[list[str]] = []
    asked.a.cloud.faults.set("stop_servers", lambda ids: stopped.append(list(ids)))
    found = handed_over(asked)
    names = {id: f.member.name for id, (_, f) in asked.a.cloud.servers.items()}
    assert [[names[id] for id in ids] for ids in stopped] == [["web1"], ["db1"]]
    assert (found.status, found.holds, found.progress) == ("completed", True, 100)
    assert found.point is not None
    assert found.point.endswith(operation_of(asked))
    assert list(found.steps) == [
        "validate_source_site",
        "stop_vms_of_tier_2",
        "stop_vms_of_tier_1",
        "take_last_snapshot",
    ]
    assert found.steps["stop_vms_of_tier_2"] == "web1 was off after 0 seconds"
    assert asked.a.group(asked.group_id).status == "handing_over"
    assert set(asked.source().values()) == {"SHUTOFF"}


def test_asking_twice_is_asking_once(asked: World) -> None:
    first = handed_over(asked)
    assert handed_over(asked) == first
    assert len(asked.a.operations(Kind.HAND_OVER)) == 1


def test_the_group_is_nobodys_to_change_meanwhile(asked: World) -> None:
    handed_over(asked)
    with pytest.raises(errors.WrongStatus, match="handing_over") as refused:
        asked.a.edits.change_group(context(), asked.group_id, {"rpo_minutes": 30})
    assert "reset-state prod-web-app --state active" in refused.value.text


def test_what_is_given_back_runs_again_as_it_did(asked: World) -> None:
    started: list[list[str]] = []
    asked.a.cloud.faults.set("start_servers", lambda ids: started.append(list(ids)))
    handed_over(asked)
    give_back(asked)
    names = {id: f.member.name for id, (_, f) in asked.a.cloud.servers.items()}
    assert [[names[id] for id in ids] for ids in started] == [["db1"], ["web1"]]
    assert_as_before(asked)
    assert len(asked.a.operations(Kind.HAND_BACK)) == 1
    found = state(asked)
    assert found is not None
    assert (found.holds, found.left) == (False, None)


def test_what_is_given_back_before_it_began_is_left_alone(asked: World) -> None:
    asked.a.asleep = True
    hand_over(asked)
    asked.b.peer.hand_back(asked.group_id, operation_of(asked))
    asked.a.asleep = False
    asked.a.work()
    assert_as_before(asked)
    assert "stop_servers" not in asked.a.cloud.faults.calls


def test_what_is_given_back_while_vms_are_stopped_is_taken_back(asked: World) -> None:
    def meanwhile(ids: list[str]) -> None:
        asked.b.peer.hand_back(asked.group_id, operation_of(asked))

    asked.a.cloud.faults.set("stop_servers", meanwhile, times=1)
    hand_over(asked)
    asked.a.work()
    assert asked.a.operations(Kind.HAND_OVER)[0].status == "cancelled"
    asked.a.work()
    assert_as_before(asked)


def test_a_request_that_comes_late_stops_nothing(asked: World) -> None:
    with asked.b.sessions.begin() as session:
        operations.cancel_queued(session, operation_of(asked))
    hand_over(asked)
    asked.a.work()
    (row,) = asked.a.operations(Kind.HAND_OVER)
    assert row.status == "failed"
    assert "has ended" in row.error_message
    assert_as_before(asked)
    assert "stop_servers" not in asked.a.cloud.faults.calls


def test_all_that_is_in_the_way_is_named_before_anything_is_stopped(asked: World) -> None:
    web1 = next(id for id, (_, f) in asked.a.cloud.servers.items() if f.member.name == "web1")
    asked.a.cloud.pause(web1)
    chain = asked.document().consistency_group
    assert chain is not None
    for volume in list(asked.a.array.groups[chain.array_group])[:1]:
        asked.a.array.remove_from_group(chain.array_group, volume)
    hand_over(asked)
    asked.a.work()
    (row,) = asked.a.operations(Kind.HAND_OVER)
    assert f"openstack server unpause {web1}" in row.error_message
    assert "so its last snapshot would lack it" in row.error_message
    assert "stop_servers" not in asked.a.cloud.faults.calls
    assert asked.a.group(asked.group_id).status == "active"


def test_a_vm_that_cannot_be_stopped_brings_the_others_back(asked: World) -> None:
    db1 = next(id for id, (_, f) in asked.a.cloud.servers.items() if f.member.name == "db1")
    asked.a.cloud.faults.set(
        "stop_servers", lambda ids: asked.a.cloud.pause(db1) if db1 in ids else None
    )
    hand_over(asked)
    asked.a.work()
    (row,) = asked.a.operations(Kind.HAND_OVER)
    assert row.status == "failed"
    assert "VM db1: server" in row.error_message
    asked.a.work()
    assert asked.source()["web1"] == "ACTIVE"
    assert asked.a.group(asked.group_id).status == "active"


def test_a_vm_that_does_not_start_again_is_named_and_keeps_no_other(asked: World) -> None:
    handed_over(asked)
    db1 = next(id for id, (_, f) in asked.a.cloud.servers.items() if f.member.name == "db1")
    asked.a.cloud.delete_server(db1)
    give_back(asked)
    assert asked.source()["web1"] == "ACTIVE"
    assert asked.a.group(asked.group_id).status == "active"
    found = state(asked)
    assert found is not None
    assert f"openstack server start {db1}" in (found.left or "")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "step",
    [ValidateSourceSite, StopVms, TakeLastSnapshot, StartVms, GiveGroupBack],
    ids=lambda step: step.__name__,
)
def test_an_engine_may_die_around_each_step(
    asked: World, monkeypatch: pytest.MonkeyPatch, step: type[Step], after: bool
) -> None:
    monkeypatch.setattr(step, "execute", kept_signature(step, after=after))
    hand_over(asked)
    for _ in range(3):
        asked.a.work()
    found = state(asked)
    assert found is not None
    assert (found.status, found.holds) == ("completed", True)
    assert set(asked.source().values()) == {"SHUTOFF"}
    give_back(asked)
    asked.a.work()
    assert_as_before(asked)
    chain = asked.document().consistency_group
    assert chain is not None
    taken = asked.b.array.points(ReplicaGroup("array-a", chain.array_group))
    assert len([one for one in taken if one.name == found.point]) == 1


# -- the other site says nothing ----------------------------------------------------------------


def test_while_the_other_site_works_on_it_nothing_is_started(asked: World) -> None:
    handed_over(asked)
    Handovers(asked.a.equipment).look()
    asked.a.work()
    assert set(asked.source().values()) == {"SHUTOFF"}
    assert asked.a.group(asked.group_id).status_reason is None


def test_when_the_other_site_has_given_up_without_a_word_it_is_taken_back(asked: World) -> None:
    handed_over(asked)
    with asked.b.sessions.begin() as session:
        row = operations.get(session, operation_of(asked))
        operations.end(session, row, "Its engine died.")
    Handovers(asked.a.equipment).look()
    Handovers(asked.a.equipment).look()
    asked.a.work()
    assert_as_before(asked)
    assert len(asked.a.operations(Kind.HAND_BACK)) == 1


def test_when_the_other_site_is_not_to_be_reached_the_group_says_what_can_be_done(
    asked: World,
) -> None:
    handed_over(asked)
    asked.a.peer.down = True
    Handovers(asked.a.equipment).look()
    asked.a.work()
    row = asked.a.group(asked.group_id)
    assert row.status == "handing_over"
    assert set(asked.source().values()) == {"SHUTOFF"}
    assert "reset-state prod-web-app --state active, then: openstack server start " in (
        row.status_reason or ""
    )
    asked.a.peer.down = False
    Handovers(asked.a.equipment).look()
    assert asked.a.group(asked.group_id).status_reason is None
