# SPDX-License-Identifier: Apache-2.0
"""A group that was failed over is protected by the site that it came from, once that is back."""

import dataclasses
import functools
from typing import Any

import pytest
from functional.engine.world import Killed, World, context

from protector import errors
from protector.cloud.base import ServerRequest
from protector.db.models import Operation
from protector.domain.operation import Kind
from protector.engine.steps import reprotection

VMS = ("web1", "db1")
STEPS = ["set_up_reverse_replication", "wait_for_first_snapshot", "reprotect"]


@pytest.fixture
def returned(world: World) -> World:
    """Site-b runs the group, site-a is back, and both have the same version."""
    world.protect(*VMS)
    world.lose_a()
    world.fail_over()
    world.return_of_a()
    return world


def reprotect(world: World) -> Operation:
    return world.do(world.b, Kind.REPROTECT)


def failed(operation: Operation) -> str:
    assert operation.status == "failed"
    return operation.error_message or ""


def test_what_runs_here_is_what_is_protected(returned: World) -> None:
    before = returned.document(returned.b)
    operation = reprotect(returned)
    assert operation.error_message is None
    assert (operation.status, operation.progress) == ("completed", 100)
    assert [name for names in operation.plan.values() for name in names] == STEPS

    after = returned.document(returned.b)
    assert after == returned.document(returned.a)
    assert (after.epoch, after.version) == (before.epoch, before.version + 1)
    assert after.status == returned.group.status == "failed_over"
    here = {one.server.name: one.server.id for one in returned.b.cloud.made_servers.values()}
    assert {member.name: member.server_id for member in after.members} == here
    assert after.members[0].volumes[0].array_volume in {
        volume.name for volume in returned.b.array.volumes.values()
    }


def test_what_it_came_from_stands_by(returned: World) -> None:
    before = returned.document(returned.b)
    reprotect(returned)
    after = returned.document(returned.b)
    assert after.standby_group == before.consistency_group
    assert [one.member for one in after.standby] == before.members
    for standby, member in zip(after.standby, after.members, strict=True):
        assert standby.server_id == member.server_id
        assert [standby.volumes[volume.id] for volume in member.volumes] == [
            volume.id for volume in standby.member.volumes
        ]


def test_all_of_it_has_arrived_once(returned: World) -> None:
    reprotect(returned)
    document = returned.document(returned.b)
    chain = document.consistency_group
    assert chain is not None
    assert chain.array == "array-b"
    replication = returned.b.array.replication(chain.array_group)
    assert replication is not None
    assert (replication.target, replication.enabled, replication.allowed) == ("array-a", True, True)
    (newest, *_) = returned.b.peer.replicated_points("array-b", chain.array_group)
    assert newest.complete
    wanted = {volume.array_volume for one in document.members for volume in one.volumes}
    assert replication.volumes == wanted


def test_mappings_lead_back(returned: World) -> None:
    reprotect(returned)
    mappings = returned.document(returned.b).mappings
    (web,) = [one for one in returned.a.cloud.networks if one.name == "web"]
    (dr_web,) = [one for one in returned.b.cloud.networks if one.name == "dr-web"]
    assert mappings.networks == {"dr-web": "web", "dr-db": "db", dr_web.id: web.id}
    assert mappings.flavors["dr.small"] == "m1.small"


def test_wishes_are_kept(world: World) -> None:
    world.create_group()
    world.add_server("web1", boot_priority=1, criticality="optional", wait_port=80)
    world.take_point()
    world.lose_a()
    world.fail_over()
    world.return_of_a()
    reprotect(world)
    (member,) = world.document(world.b).members
    wishes = (member.boot_priority, member.criticality, member.wait_port)
    assert wishes == (1, "optional", 80)


def test_a_vm_that_did_not_come_up_stands_by_for_none(world: World) -> None:
    world.protect(*VMS)
    world.lose_a()
    world.b.cloud.faults.set("recreate_server", refuse_db1)
    assert world.fail_over().status == "failed"
    world.return_of_a()
    operation = reprotect(world)
    assert operation.status == "completed"
    document = world.document(world.b)
    assert document.status == "failed_over_partial"
    assert [member.name for member in document.members] == ["web1"]
    assert {one.member.name: one.server_id is None for one in document.standby} == {
        "web1": False,
        "db1": True,
    }
    assert "db1" in (world.b.steps(operation.id)["reprotect"].detail or "")


def test_what_cannot_be_protected_is_told_all_at_once(
    returned: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = returned.b.cloud
    described = cloud.described
    monkeypatch.setattr(
        cloud, "described", lambda disk: dataclasses.replace(described(disk), encrypted=True)
    )
    said = failed(reprotect(returned))
    for name in VMS:
        assert f"Server {name} cannot be protected" in said
    assert returned.group.status == "failed_over"
    assert returned.b.cloud.volume_groups == {}


def test_nothing_is_changed_while_the_other_site_is_away(returned: World) -> None:
    returned.b.peer.down = True
    said = failed(reprotect(returned))
    assert "site-a cannot be reached" in said
    assert returned.group.status == "failed_over"
    assert returned.b.cloud.volume_groups == {}


def test_an_array_that_sends_nothing_is_given_up_and_can_be_retried(returned: World) -> None:
    returned.b.conf.set_override("standstill_timeout", 0.2, group="engine")
    returned.b.array.speed = 0.4
    said = failed(reprotect(returned))
    assert "is at 40% on the other array" in said
    assert "operation retry" in said
    assert returned.group.status == "failed_over"
    assert not returned.document(returned.b).is_reversed
    (group,) = returned.b.cloud.volume_groups.values()

    returned.b.array.speed = 1.0
    assert reprotect(returned).status == "completed"
    assert list(returned.b.cloud.volume_groups.values()) == [group]


def test_it_is_done_once_however_often_it_is_asked_for(returned: World) -> None:
    reprotect(returned)
    before = returned.document(returned.b)
    assert reprotect(returned).status == "completed"
    assert returned.document(returned.b) == before


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_engine_may_die_at_any_step(
    returned: World, monkeypatch: pytest.MonkeyPatch, step: str, moment: str
) -> None:
    operation_id = returned.ask(returned.b, Kind.REPROTECT)
    with monkeypatch.context() as patch:
        die(patch, step, moment)
        with pytest.raises(Killed):
            returned.b.run(operation_id)
    returned.b.restart()
    assert returned.b.operation(operation_id).status == "completed"
    assert returned.document(returned.b) == returned.document(returned.a)
    assert returned.document(returned.b).is_reversed
    assert len(returned.b.cloud.volume_groups) == 1


@pytest.mark.parametrize("lost", ["prepare", "commit"])
def test_an_answer_of_the_peer_may_be_lost(returned: World, lost: str) -> None:
    """The engine dies when it does not hear it; whoever goes on finds what was done."""
    operation_id = returned.ask(returned.b, Kind.REPROTECT)
    real = getattr(returned.b.peer, lost)

    def answered_too_late(*args: Any) -> None:
        real(*args)
        raise Killed

    setattr(returned.b.peer, lost, answered_too_late)
    with pytest.raises(Killed):
        returned.b.run(operation_id)
    setattr(returned.b.peer, lost, real)
    returned.b.restart()
    assert returned.b.operation(operation_id).status == "completed"
    assert returned.document(returned.b) == returned.document(returned.a)
    assert returned.document(returned.b).is_reversed


def test_its_vms_are_captured_and_can_be_changed_from_then_on(returned: World) -> None:
    reprotect(returned)
    returned.b.cloud.add_server("project-b", "new1", networks=["dr-web"])
    returned.b.edits.add_member(context(), returned.group_id, "new1")
    assert [m.name for m in returned.document(returned.a).members] == [*VMS, "new1"]


def refuse_db1(request: ServerRequest) -> None:
    if request.name == "db1":
        raise errors.CloudError(service="Nova", site="site-b", reason="No valid host")


# -- how an engine dies ----------------------------------------------------------------------------


def die(patch: pytest.MonkeyPatch, step: str, moment: str) -> None:
    """Kill the engine right before or right after the effect of a step."""
    kind = getattr(reprotection, "".join(word.capitalize() for word in step.split("_")))
    real = kind.execute

    @functools.wraps(real)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        if moment == "after":
            real(self, *args, **kwargs)
        raise Killed

    patch.setattr(kind, "execute", execute)
