# SPDX-License-Identifier: Apache-2.0
"""What happens to a protected VM without Protector is in the document on both sites, or told."""

import dataclasses
import logging
import threading
import time

import pytest
from functional.engine.counting import copy_group, statements
from functional.engine.world import GROUP, World, context, minutes_ago

from protector import errors
from protector.db import groups, operations
from protector.domain import document
from protector.domain.document import Drift, Member, Volume
from protector.domain.operation import Kind
from protector.domain.sync import Status
from protector.engine.capture import Capture
from protector.sync import edit
from protector.sync.exchange import exchange


@pytest.fixture
def capture(world: World) -> Capture:
    """Of a group of web1 and web2, with two volumes each, that were looked at once."""
    world.protect("web1", "web2")
    capture = Capture(world.a.equipment)
    capture.look()
    world.a.cloud.faults.calls.clear()
    return capture


def member(world: World, name: str = "web1") -> Member:
    """Return it as both sites have it."""
    assert world.document(world.b) == world.document()
    return world.document(world.b).member(name)


def server(world: World, name: str = "web1") -> str:
    return world.document().member(name).server_id


def volumes(world: World) -> list[str]:
    return [volume.id for volume in member(world).volumes]


def on_the_array(world: World) -> set[str]:
    chain = world.document().consistency_group
    assert chain is not None
    return world.a.array.groups[chain.array_group]


def shown(world: World) -> list[Drift]:
    return [Drift.model_validate(one) for one in world.a.group(world.group_id).drift]


def in_the_document(world: World) -> list[Drift]:
    """Return the drift that both sites have; the group shows no other here."""
    drift = world.document(world.b).drift
    assert world.document().drift == drift == shown(world)
    return drift


def attach(world: World, *, type: str | None = None) -> Volume:
    return world.a.cloud.attach_volume(server(world), type=type)


def retype(world: World, disk: Volume, type: str, **changes: str) -> None:
    """Do as Cinder does when it moves a volume to another type."""
    id, cloud = server(world), world.a.cloud
    project, facts = cloud.servers[id]
    disks = [
        one.model_copy(update={"volume_type": type, **changes}) if one.id == disk.id else one
        for one in facts.member.volumes
    ]
    type_id = cloud.volume_type.id if type == cloud.volume_type.name else "other"
    described = [
        dataclasses.replace(one, type_name=type, type_id=type_id) if one.id == disk.id else one
        for one in facts.volumes
    ]
    moved = facts.member.model_copy(update={"volumes": disks})
    cloud.servers[id] = project, dataclasses.replace(facts, member=moved, volumes=described)


def loosen(world: World, volume: Volume) -> None:
    """Let an administrator of the array take a volume out of the group, and nobody put it back."""
    on_the_array(world).discard(volume.array_volume)
    world.a.array.add_to_group = lambda group, volume: None  # type: ignore[method-assign]


# -- taken into a new version -----------------------------------------------------------------


def test_nothing_is_written_where_nothing_has_changed(world: World, capture: Capture) -> None:
    version = world.document().version
    capture.look()
    assert world.document().version == version
    assert sorted(world.a.cloud.faults.calls) == ["look", "volume_types"]


def test_groups_that_are_as_they_were_cost_no_statement_each(
    world: World, capture: Capture
) -> None:
    capture.look()
    asked = statements(world.a)
    capture.look()
    of_one = len(asked)
    copy_group(world, 5)
    capture.look()
    asked.clear()
    capture.look()
    assert len(asked) == of_one


def test_a_resized_vm_is_recovered_in_its_new_size(world: World, capture: Capture) -> None:
    world.a.cloud.resize(server(world), "m1.large")
    capture.look()
    assert member(world).flavor.name == "m1.large"
    assert world.a.cloud.faults.calls.count("describe_server") == 1
    assert world.a.group(world.group_id).remote_sync_status is Status.SYNCED


def test_a_renamed_vm_bears_its_new_name(world: World, capture: Capture) -> None:
    id = server(world)
    world.a.cloud.rename(id, "front1")
    capture.look()
    assert member(world, "front1").server_id == id


def test_a_changed_address_is_kept(world: World, capture: Capture) -> None:
    world.a.cloud.change_address(server(world), "10.0.0.77")
    capture.look()
    assert member(world).nics[0].fixed_addresses[0].ip_address == "10.0.0.77"


def test_how_a_changed_vm_is_to_be_recovered_is_kept(world: World, capture: Capture) -> None:
    wishes = {"boot_priority": 1, "criticality": "optional", "wait_port": 5432}
    world.a.edits.change_member(world.group_id, "web1", wishes)
    world.a.cloud.resize(server(world), "m1.large")
    capture.look()
    now = member(world)
    assert now.flavor.name == "m1.large"
    assert {wish: getattr(now, wish) for wish in wishes} == wishes


def test_a_port_comes_and_goes(world: World, capture: Capture) -> None:
    port = world.a.cloud.attach_port(server(world), "web")
    capture.look()
    assert [nic.port_id for nic in member(world).nics][1:] == [port.port_id]
    world.a.cloud.detach_port(server(world), port.port_id)
    capture.look()
    assert len(member(world).nics) == 1


def test_all_that_has_changed_is_one_version(world: World, capture: Capture) -> None:
    version = world.document().version
    world.a.cloud.resize(server(world), "m1.large")
    world.a.cloud.rename(server(world, "web2"), "front2")
    capture.look()
    assert world.document().version == version + 1


def test_an_attached_volume_is_replicated_and_captured(world: World, capture: Capture) -> None:
    disk = attach(world)
    capture.look()
    assert disk.id in volumes(world)
    assert disk.array_volume in on_the_array(world)
    assert in_the_document(world) == []


def test_a_detached_volume_is_replicated_no_more(world: World, capture: Capture) -> None:
    disk = member(world).volumes[1]
    world.a.cloud.detach_volume(server(world), disk.id)
    capture.look()
    assert disk.id not in volumes(world)
    assert disk.array_volume not in on_the_array(world)


def test_a_volume_that_an_edit_left_in_the_group_is_taken_out(
    world: World, capture: Capture
) -> None:
    facts = world.a.cloud.add_server("project-a", "stranger")
    chain = world.document().consistency_group
    assert chain is not None
    world.a.cloud.as_service().change_volume_group(
        chain.cinder_group_id, add=[facts.member.volumes[0].id]
    )
    capture.look()
    assert facts.member.volumes[0].array_volume not in on_the_array(world)
    assert len(on_the_array(world)) == 4


def test_a_volume_that_cannot_be_taken_out_is_told(world: World, capture: Capture) -> None:
    world.a.array.create_volume("by-hand")
    on_the_array(world).add("by-hand")
    capture.look()
    (drift,) = shown(world)
    assert drift.what == (
        "Volume by-hand of array-a is replicated with the group, though no VM of the group has it."
    )
    assert "cinder group-update --remove-volumes" in drift.remedy
    on_the_array(world).remove("by-hand")
    capture.look()
    assert shown(world) == []


# -- what a recovery would lack ---------------------------------------------------------------


def test_a_volume_of_another_type_is_told_on_both_sites(world: World, capture: Capture) -> None:
    disk = attach(world, type="lvm")
    capture.look()
    assert disk.id not in volumes(world)
    (drift,) = in_the_document(world)
    assert drift.what == (
        f"Volume {disk.name} ({disk.id}) of web1 is of type lvm, not of the group's type"
        " replicated, and is not replicated: after a failover web1 comes up without it."
    )
    assert drift.remedy == (
        f"Retype it: openstack volume set --type replicated --retype-policy on-demand {disk.id};"
        f" or detach it: openstack server remove volume {server(world)} {disk.id}"
    )


def test_drift_ends_with_its_cause(world: World, capture: Capture) -> None:
    disk = attach(world, type="lvm")
    capture.look()
    world.a.cloud.detach_volume(server(world), disk.id)
    capture.look()
    assert in_the_document(world) == []


def test_a_captured_volume_that_was_retyped_is_told(world: World, capture: Capture) -> None:
    root, disk = member(world).volumes
    retype(world, disk, "lvm")
    capture.look()
    assert volumes(world) == [root.id]
    (drift,) = in_the_document(world)
    assert drift.what.startswith(f"Volume {disk.name} ({disk.id}) of web1 is of type lvm")
    assert disk.array_volume not in on_the_array(world)


def test_a_retyped_volume_is_known_by_its_new_name_on_the_array(
    world: World, capture: Capture
) -> None:
    disk = member(world).volumes[1]
    world.a.array.rename_volume(disk.array_volume, "volume-moved-cinder")
    retype(world, disk, "replicated", array_volume="volume-moved-cinder")
    capture.look()
    assert member(world).volumes[1].array_volume == "volume-moved-cinder"
    assert in_the_document(world) == []


def test_a_captured_volume_out_of_the_arrays_group_is_put_back(
    world: World, capture: Capture
) -> None:
    disk = member(world).volumes[1]
    chain = world.document().consistency_group
    assert chain is not None
    world.a.cloud.as_service().change_volume_group(chain.cinder_group_id, remove=[disk.id])
    capture.look()
    assert disk.array_volume in on_the_array(world)
    assert in_the_document(world) == []


def test_a_captured_volume_that_stays_out_of_the_arrays_group_is_told(
    world: World, capture: Capture
) -> None:
    disk = member(world).volumes[1]
    loosen(world, disk)
    capture.look()
    chain = world.document().consistency_group
    assert chain is not None
    (drift,) = in_the_document(world)
    assert drift.what == (
        f"Volume {disk.name} ({disk.id}) of web1 is not in {chain.array_group} of array-a, and is"
        " not replicated: after a failover web1 comes up without it."
    )
    version = world.document().version
    capture.look()
    assert world.document().version == version


def test_a_vm_whose_root_volume_is_not_replicated_is_kept_and_told(
    world: World, capture: Capture
) -> None:
    before = member(world)
    loosen(world, before.volumes[0])
    world.a.cloud.rename(before.server_id, "front1")
    capture.look()
    assert member(world, "front1").volumes == before.volumes
    (drift,) = in_the_document(world)
    assert f"its root volume {before.volumes[0].name}" in drift.what
    assert f"protection-group member remove {GROUP} {before.server_id}" in drift.remedy


def test_a_vm_that_boots_from_an_image_now_is_kept_and_told(world: World, capture: Capture) -> None:
    before = member(world)
    project, facts = world.a.cloud.servers[before.server_id]
    without = facts.member.model_copy(update={"volumes": []})
    rebuilt = dataclasses.replace(facts, member=without, volumes=[], boots_from_image=True)
    world.a.cloud.servers[before.server_id] = project, rebuilt
    capture.look()
    assert member(world) == before
    assert "VM web1 cannot be recovered as it is now: it boots from an image" in (
        in_the_document(world)[0].what
    )


def test_a_group_that_is_not_replicated_loses_no_volume(world: World, capture: Capture) -> None:
    before = world.document()
    chain = before.consistency_group
    assert chain is not None
    world.a.array.stop_replicating(chain.array_group)
    capture.look()
    assert world.document() == before


def test_a_deleted_vm_stays_in_the_document_and_is_told(world: World, capture: Capture) -> None:
    before = member(world)
    world.a.cloud.delete_server(before.server_id)
    capture.look()
    assert member(world) == before
    (drift,) = in_the_document(world)
    assert drift.what == (
        "VM web1 was deleted on site-a. A failover would bring it back as of the last snapshot."
    )
    assert f"protection-group member remove {GROUP} {before.server_id}" in drift.remedy

    world.a.edits.remove_member(context(), world.group_id, before.server_id)
    capture.look()
    assert in_the_document(world) == []


def test_a_deleted_vm_is_asked_for_once(world: World, capture: Capture) -> None:
    world.a.cloud.delete_server(server(world))
    capture.look()
    world.a.cloud.faults.calls.clear()
    capture.look()
    assert sorted(world.a.cloud.faults.calls) == ["look", "volume_types"]


def test_a_vm_that_was_deleted_with_its_volumes_is_told_so(world: World, capture: Capture) -> None:
    before = member(world)
    world.a.cloud.delete_server(before.server_id)
    on_the_array(world).difference_update(volume.array_volume for volume in before.volumes)
    capture.look()
    assert f"and so was its volume {before.volumes[0].name}" in in_the_document(world)[0].what


# -- somebody does not answer -----------------------------------------------------------------


def test_what_the_peer_cannot_be_told_is_shown_and_taken_in_later(
    world: World, capture: Capture
) -> None:
    version = world.document().version
    world.a.cloud.resize(server(world), "m1.large")
    world.a.peer.down = True
    capture.look()
    (drift,) = shown(world)
    assert drift.what == (
        "Changes of web1 (flavor: m1.small (1 vCPU, 1024 MB) -> m1.large (1 vCPU, 1024 MB)) are"
        " not in the recovery document yet: site-b cannot be reached."
    )
    assert "openstack protector site validate site-b" in drift.remedy
    assert world.document().version == version
    assert world.a.group(world.group_id).remote_sync_status is Status.UNREACHABLE

    world.a.peer.down = False
    exchange(world.a.sessions, world.a.peer, "site-a")
    capture.look()
    assert member(world).flavor.name == "m1.large"
    assert in_the_document(world) == []


def test_a_peer_that_is_away_is_not_asked_at_each_look(world: World, capture: Capture) -> None:
    world.a.cloud.resize(server(world), "m1.large")
    world.a.peer.down = True
    capture.look()
    asked = len(world.a.peer.journal)
    capture.look()
    assert len(world.a.peer.journal) == asked


def test_what_the_peer_refuses_is_shown_with_its_reason(world: World, capture: Capture) -> None:
    def refuse(what: str) -> None:
        if what == "prepare":
            raise errors.PeerRefused(peer_site="site-b", reason="not today")

    world.a.cloud.rename(server(world), "front1")
    world.a.peer.asked = refuse
    capture.look()
    (drift,) = shown(world)
    assert drift.what.endswith("not in the recovery document yet: site-b refused: not today.")
    assert f"openstack protector protection-group sync-status {GROUP}" in drift.remedy


def test_a_detached_volume_stays_replicated_until_the_peer_knows(
    world: World, capture: Capture
) -> None:
    disk = member(world).volumes[1]
    world.a.cloud.detach_volume(server(world), disk.id)
    world.a.peer.down = True
    capture.look()
    assert disk.array_volume in on_the_array(world)


@pytest.mark.parametrize("method", ["look", "describe_server", "volume_types"])
def test_nothing_is_concluded_from_a_cloud_that_does_not_answer(
    world: World, capture: Capture, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = world.document()
    world.a.cloud.rename(server(world), "front1")
    world.a.cloud.delete_server(server(world, "web2"))
    silence = errors.CloudError(service="Nova", site="site-a", reason="Connection refused")
    world.a.cloud.faults.set(method, silence)
    with caplog.at_level(logging.WARNING):
        capture.look()
        told = len(caplog.records)
        capture.look()
    assert world.document() == before
    assert shown(world) == []
    assert 0 < told == len(caplog.records)

    world.a.cloud.faults.clear()
    capture.look()
    assert member(world, "front1")


def test_a_vm_that_is_listed_was_not_deleted(world: World, capture: Capture) -> None:
    world.a.cloud.rename(server(world), "front1")
    gone = errors.ServerNotFound(server=server(world), site="site-a")
    world.a.cloud.faults.set("describe_server", gone, times=1)
    capture.look()
    assert in_the_document(world) == []
    capture.look()
    assert member(world, "front1")


def test_nothing_is_concluded_from_an_array_that_does_not_answer(
    world: World, capture: Capture
) -> None:
    before = world.document()
    attach(world)
    world.a.array.down = True
    capture.look()
    assert world.document() == before
    world.a.array.down = False
    capture.look()
    assert len(volumes(world)) == 3


def test_a_volume_that_cinder_does_not_add_is_told_and_tried_again(
    world: World, capture: Capture
) -> None:
    attach(world)
    world.a.cloud.rename(server(world), "front1")
    stuck = errors.CloudError(service="Cinder", site="site-a", reason="it is stuck")
    world.a.cloud.faults.set("change_volume_group", stuck)
    capture.look()
    assert len(member(world, "front1").volumes) == 2
    assert "openstack volume group show" in in_the_document(world)[0].remedy

    world.a.cloud.faults.clear()
    capture.look()
    assert len(member(world, "front1").volumes) == 3
    assert in_the_document(world) == []


# -- not now ----------------------------------------------------------------------------------


def test_a_group_that_somebody_changes_is_left_to_the_next_look(
    world: World, capture: Capture
) -> None:
    world.a.cloud.rename(server(world), "front1")
    with world.a.sessions.begin() as session:
        groups.get(session, world.group_id).editor = "engine/edit-1"
    version = world.document().version
    capture.look()
    assert world.document().version == version


def test_nothing_is_looked_at_while_the_site_has_an_operation_to_do(
    world: World, capture: Capture
) -> None:
    world.a.cloud.rename(server(world), "front1")
    with world.a.sessions.begin() as session:
        operations.create(
            session,
            group_id="pg-other",
            project_id="project-a",
            user_id="alice",
            request_id="req-1",
            kind=Kind.FAILOVER,
            source_site="site-b",
            target_site="site-a",
            arguments={},
        )
    capture.look()
    assert world.a.cloud.faults.calls == []
    assert member(world)


def test_each_group_is_brought_to_its_own_vms(world: World, capture: Capture) -> None:
    first = world.group_id
    with world.a.sessions.begin() as session:
        second = groups.create(
            session,
            name="other",
            project_id="project-a",
            primary_site="site-a",
            secondary_site="site-b",
            replication_type="async",
        ).id
    asked = {"volume_type": None, "rpo_minutes": 15, "replication_interval": 300}
    asked |= {"networks": {}, "flavors": {}, "fencing": "stop"}
    world.a.edits.create_group(context(), second, asked)
    world.a.cloud.add_server("project-a", "db1")
    world.a.edits.add_member(context(), second, "db1")
    world.a.cloud.rename(server(world), "front1")
    world.group_id = second
    world.a.cloud.rename(server(world, "db1"), "back1")
    capture.look()
    assert [one.name for one in world.document(world.b).members] == ["back1"]
    world.group_id = first
    assert [one.name for one in world.document(world.b).members] == ["front1", "web2"]


def test_a_group_is_captured_where_it_runs_alone(world: World, capture: Capture) -> None:
    Capture(world.b.equipment).look()
    assert "look" not in world.b.cloud.faults.calls


# -- when -------------------------------------------------------------------------------------


def test_a_notified_project_is_looked_at_before_its_time(world: World, capture: Capture) -> None:
    world.a.conf.set_override("capture_interval", 600, group="engine")
    stopped = threading.Event()
    loop = threading.Thread(target=capture.run, args=(stopped,))
    loop.start()
    try:
        until(lambda: "look" in world.a.cloud.faults.calls)
        world.a.cloud.rename(server(world), "front1")
        capture.seen({"project-a"})
        until(lambda: world.document(world.b).members[0].name == "front1")
    finally:
        stopped.set()
        loop.join()


def test_the_projects_that_are_asked_for_are_looked_at_alone(
    world: World, capture: Capture
) -> None:
    capture.look({"project-z"})
    assert world.a.cloud.faults.calls == []
    capture.look({"project-a", "project-z"})
    assert world.a.cloud.faults.calls.count("look") == 1


def test_a_group_of_five_hundred_is_looked_at_side_by_side(world: World) -> None:
    ids = protect_many(world, 500)
    four_at_once = threading.Barrier(4, timeout=10)
    world.a.cloud.faults.set("describe_server", lambda *asked: four_at_once.wait())
    capture = Capture(world.a.equipment)
    begun = time.monotonic()
    capture.look()
    world.a.cloud.faults.clear()
    world.a.cloud.rename(ids[250], "front250")
    capture.look()
    assert time.monotonic() - begun < 20
    assert member(world, "front250").server_id == ids[250]
    assert world.a.cloud.faults.calls.count("describe_server") == 501


# -- what was found is told when it matters ---------------------------------------------------


def test_a_failover_tells_what_a_vm_comes_up_without(world: World, capture: Capture) -> None:
    disk = attach(world, type="lvm")
    capture.look()
    world.lose_a()
    operation = world.fail_over()
    assert world.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}
    steps = world.b.steps(operation.id)
    told = f"Volume {disk.name} ({disk.id}) of web1 is of type lvm"
    assert told in (steps["recreate_vm_web1"].detail or "")
    assert "after a failover web1 comes up without it" in (steps["recreate_vm_web1"].detail or "")
    assert told not in (steps["recreate_vm_web2"].detail or "")


def test_a_volume_that_is_younger_than_the_snapshot_does_not_cost_its_vm(
    world: World, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = attach(world)
    monkeypatch.setattr(document, "moment", lambda: minutes_ago(-5).replace(microsecond=0))
    capture.look()
    assert disk.id in volumes(world)
    world.lose_a()
    operation = world.fail_over()
    assert (operation.status, operation.error_message) == ("completed", None)
    assert world.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}
    made = [len(server.request.volumes) for server in world.b.cloud.made_servers.values()]
    assert made == [2, 2]
    detail = world.b.steps(operation.id)["recreate_vm_web1"].detail or ""
    assert f"Volume {disk.name} ({disk.id}) was attached after the snapshot was taken" in detail


def test_a_volume_that_the_snapshot_should_hold_costs_its_vm(
    world: World, capture: Capture
) -> None:
    disk = attach(world)
    capture.look()
    on_the_array(world).discard(disk.array_volume)
    world.take_point(created=minutes_ago(-5))
    world.lose_a()
    operation = world.fail_over()
    assert world.servers() == {"web2": "ACTIVE"}
    assert f"no replicated snapshot for volume {disk.name}" in (operation.error_message or "")


def test_a_vm_that_was_deleted_is_recovered_and_told(world: World, capture: Capture) -> None:
    world.a.cloud.delete_server(server(world))
    capture.look()
    world.lose_a()
    operation = world.fail_over()
    assert world.servers()["web1"] == "ACTIVE"
    detail = world.b.steps(operation.id)["recreate_vm_web1"].detail or ""
    assert "VM web1 was deleted on site-a" in detail


def test_a_vm_that_cannot_be_recovered_is_told_with_its_drift(
    world: World, capture: Capture
) -> None:
    before = member(world)
    world.a.cloud.delete_server(before.server_id)
    on_the_array(world).difference_update(volume.array_volume for volume in before.volumes)
    capture.look()
    world.take_point()
    world.lose_a()
    operation = world.fail_over()
    assert world.servers() == {"web2": "ACTIVE"}
    assert "VM web1: no replicated snapshot" in (operation.error_message or "")
    assert "VM web1 was deleted on site-a" in (operation.error_message or "")


# -- inside -----------------------------------------------------------------------------------


def protect_many(world: World, count: int) -> list[str]:
    """Have a group of so many VMs, and return their ids."""
    world.create_group()
    cloud, chain = world.a.cloud, world.document().consistency_group
    assert chain is not None
    made = [cloud.add_server("project-a", f"web{n}", networks=["web"]) for n in range(count)]
    joined = [facts.member.volumes[0].id for facts in made]
    cloud.as_service().change_volume_group(chain.cinder_group_id, add=joined)
    after = world.document().following("site-a", members=[facts.member for facts in made])
    with world.a.equipment.editors.editing(world.group_id) as editor:
        edit.commit_edit(world.a.sessions, world.a.peer, after, editor)
    return [facts.member.server_id for facts in made]


def until(met) -> None:
    end = time.monotonic() + 10
    while not met():
        assert time.monotonic() < end
        time.sleep(0.01)
