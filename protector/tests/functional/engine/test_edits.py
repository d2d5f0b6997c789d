# SPDX-License-Identifier: Apache-2.0
"""Edits of a group: on both sites, in cloud and array, or not at all."""

import datetime

import pytest
from functional.engine.world import GROUP, World, context

from protector import errors
from protector.db import groups
from protector.db.models import now
from protector.domain.group import Status
from protector.domain.sync import Status as SyncStatus


def chain(world: World):
    found = world.document().consistency_group
    assert found is not None
    return found


def members(world: World) -> list[str]:
    return [member.name for member in world.document().members]


def refusal_of_the_peer(world: World) -> None:
    """Let the peer refuse what is prepared, when all else is done."""

    def refuse(what: str) -> None:
        if what == "prepare":
            raise errors.PeerRefused(peer_site="site-b", reason="not today")

    world.a.peer.asked = refuse


# -- creating and deleting --------------------------------------------------------------------


def test_a_new_group_has_its_chain_behind_it(world: World) -> None:
    world.create_group(replication_interval=600)
    replication = world.a.array.replication(chain(world).array_group)
    assert replication is not None
    assert (replication.target, replication.interval_seconds) == ("array-b", 600)
    assert replication.allowed
    (group,) = world.a.cloud.volume_groups.values()
    assert chain(world).cinder_group_id == group.id
    assert chain(world).volume_type_id == world.a.cloud.volume_type.id
    assert world.a.group(world.group_id).status == "active"


def test_a_refused_creation_leaves_nothing(world: World) -> None:
    refusal_of_the_peer(world)
    with pytest.raises(errors.PeerRefused):
        world.create_group()
    assert world.a.cloud.volume_groups == {}
    assert world.a.array.groups == {}
    with pytest.raises(errors.GroupNotFound):
        world.a.group(world.group_id)


def test_a_creation_that_cannot_be_taken_back_leaves_the_group_in_error(world: World) -> None:
    refusal_of_the_peer(world)
    stuck = errors.CloudError(service="Cinder", site="site-a", reason="it is stuck")
    world.a.cloud.faults.set("delete_volume_group", stuck)
    with pytest.raises(errors.PeerRefused):
        world.create_group()
    group = world.a.group(world.group_id)
    assert (group.status, group.status_reason) == ("error", "Cinder of site-a: it is stuck")

    world.a.cloud.faults.clear()
    world.a.edits.delete_group(context(), world.group_id)
    assert world.a.cloud.volume_groups == {}
    assert world.a.array.groups == {}


def test_a_volume_type_that_is_not_replicated_is_refused_with_those_that_are(world: World) -> None:
    with pytest.raises(errors.NoVolumeType) as refusal:
        world.create_group(volume_type="plain")
    assert "Volume type plain is not one" in refusal.value.text
    assert "replicated" in refusal.value.text


def test_a_group_that_an_engine_did_not_live_to_finish_says_so(world: World) -> None:
    with world.a.sessions.begin() as session:
        row = groups.create(
            session,
            name=GROUP,
            project_id="project-a",
            primary_site="site-a",
            secondary_site="site-b",
            replication_type="async",
        )
    world.a.edits.abandon_interrupted()
    assert world.a.group(row.id).status == "creating"

    with world.a.sessions.begin() as session:
        groups.get(session, row.id).updated_at = now() - datetime.timedelta(minutes=10)
    world.a.edits.abandon_interrupted()
    group = world.a.group(row.id)
    assert group.status == "error"
    assert f"openstack protector protection-group delete {GROUP}" in (group.status_reason or "")


def test_a_deletion_that_fails_leaves_the_group_in_error_and_can_be_repeated(world: World) -> None:
    world.create_group()
    error = errors.ArrayUnreachable(array="array-a", reason="Connection timeout")
    world.a.array.faults.set("stop_replicating", error)
    with pytest.raises(errors.ArrayUnreachable):
        world.a.edits.delete_group(context(), world.group_id)
    group = world.a.group(world.group_id)
    assert group.status == "error"
    assert f"protection-group delete {GROUP}" in (group.status_reason or "")
    world.a.array.faults.clear()
    world.a.edits.delete_group(context(), world.group_id)
    with pytest.raises(errors.GroupNotFound):
        world.b.group(world.group_id)


def test_a_deletion_whose_answer_is_lost_is_repeated(world: World) -> None:
    world.create_group()
    told = world.a.peer.delete

    def lost(group_id: str) -> None:
        told(group_id)
        raise errors.PeerUnreachable(peer_site="site-b", site="site-a", reason="timeout")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.a.peer, "delete", lost)
        with pytest.raises(errors.PeerUnreachable):
            world.a.edits.delete_group(context(), world.group_id)
    group = world.a.group(world.group_id)
    assert group.status == "error"
    assert f"protection-group delete {GROUP}" in (group.status_reason or "")
    world.a.edits.delete_group(context(), world.group_id)
    with pytest.raises(errors.GroupNotFound):
        world.a.group(world.group_id)


# -- members ----------------------------------------------------------------------------------


def test_a_member_is_in_the_document_and_on_the_array(world: World) -> None:
    world.create_group()
    world.add_server("web1", volumes=2)
    assert members(world) == ["web1"]
    names = {volume.array_volume for volume in world.document().members[0].volumes}
    assert world.a.array.groups[chain(world).array_group] == names
    assert world.document(world.b) == world.document()


def test_a_refused_member_leaves_the_groups_as_they_were(world: World) -> None:
    world.create_group()
    refusal_of_the_peer(world)
    with pytest.raises(errors.PeerRefused):
        world.add_server("web1")
    assert members(world) == []
    assert world.a.array.groups[chain(world).array_group] == set()
    group = world.a.group(world.group_id)
    assert (group.status, group.remote_sync_status) == ("active", SyncStatus.SYNCED)


def test_a_member_whose_volumes_the_array_does_not_hold_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create_group()
    monkeypatch.setattr(world.a.array, "add_to_group", lambda group, volume: None)
    monkeypatch.setattr(world.a.array, "remove_from_group", lambda group, volume: None)
    with pytest.raises(errors.StorageError) as refusal:
        world.add_server("web1")
    assert "does not hold volume web1-0 of web1" in refusal.value.text
    assert members(world) == []


def test_a_member_is_added_once(world: World) -> None:
    world.create_group()
    server = world.add_server("web1")
    with pytest.raises(errors.MemberExists):
        world.add_member(server)


def test_a_removed_member_is_replicated_no_more(world: World) -> None:
    world.create_group()
    world.add_server("web1")
    world.add_server("web2")
    world.a.edits.remove_member(context(), world.group_id, "web1")
    assert members(world) == ["web2"]
    assert len(world.a.array.groups[chain(world).array_group]) == 1


def test_a_removal_that_is_refused_leaves_the_member(world: World) -> None:
    world.create_group()
    world.add_server("web1")
    refusal_of_the_peer(world)
    with pytest.raises(errors.PeerRefused):
        world.a.edits.remove_member(context(), world.group_id, "web1")
    assert members(world) == ["web1"]
    assert len(world.a.array.groups[chain(world).array_group]) == 1


def test_a_server_that_is_no_member_cannot_be_removed(world: World) -> None:
    world.create_group()
    with pytest.raises(errors.MemberNotFound):
        world.a.edits.remove_member(context(), world.group_id, "web1")


def test_how_a_member_is_to_be_recovered_is_said_when_it_is_added(world: World) -> None:
    world.create_group()
    world.a.cloud.add_server("project-a", "db1", networks=["db"])
    wishes = {"boot_priority": 1, "wait_port": 5432}
    world.a.edits.add_member(context(), world.group_id, "db1", wishes)
    (member,) = world.document(world.b).members
    assert (member.boot_priority, member.criticality, member.wait_port) == (1, "critical", 5432)


def test_how_a_member_is_to_be_recovered_is_changed_on_both_sites(world: World) -> None:
    world.create_group()
    world.add_server("db1")
    world.add_server("web1")
    world.a.edits.change_member(world.group_id, "db1", {"boot_priority": 1})
    world.a.edits.change_member(world.group_id, "db1", {"criticality": "optional"})
    for site in (world.a, world.b):
        db1, web1 = world.document(site).members
        assert (db1.boot_priority, db1.criticality) == (1, "optional")
        assert (web1.boot_priority, web1.criticality) == (3, "critical")


def test_what_is_only_written_down_costs_two_requests(world: World) -> None:
    world.protect("web1")
    changes = (
        lambda: world.a.edits.change_member(world.group_id, "web1", {"boot_priority": 1}),
        lambda: world.a.edits.change_group(context(), world.group_id, {"description": "x"}),
    )
    for change in changes:
        world.a.peer.journal.clear()
        change()
        assert world.a.peer.journal == ["prepare", "commit"]


def test_a_refused_change_of_a_member_is_none(world: World) -> None:
    world.create_group()
    world.add_server("db1")
    refusal_of_the_peer(world)
    with pytest.raises(errors.PeerRefused):
        world.a.edits.change_member(world.group_id, "db1", {"boot_priority": 1})
    assert world.document().members[0].boot_priority == 3


# -- policy, mappings, description ------------------------------------------------------------


def test_a_changed_policy_is_the_arrays_too(world: World) -> None:
    world.create_group()
    world.a.edits.change_group(context(), world.group_id, {"replication_interval": 900})
    assert world.document().policy.replication_interval == 900
    assert world.document().policy.rpo_minutes == 15
    replication = world.a.array.replication(chain(world).array_group)
    assert replication is not None
    assert replication.interval_seconds == 900


def test_a_refused_policy_is_not_the_arrays_either(world: World) -> None:
    world.create_group()
    refusal_of_the_peer(world)
    with pytest.raises(errors.PeerRefused):
        world.a.edits.change_group(context(), world.group_id, {"replication_interval": 900})
    replication = world.a.array.replication(chain(world).array_group)
    assert replication is not None
    assert replication.interval_seconds == 300


def test_given_mappings_replace_the_stored_ones(world: World) -> None:
    world.create_group()
    changes = {"networks": {"web": "other"}, "description": "front"}
    world.a.edits.change_group(context(), world.group_id, changes)
    document = world.document(world.b)
    assert document.mappings.networks == {"web": "other"}
    assert document.mappings.flavors == {"m1.small": "dr.small"}
    assert (document.description, document.version) == ("front", 2)


@pytest.mark.parametrize("status", [Status.FAILING_OVER, Status.DELETING, Status.ERROR])
def test_a_group_in_no_state_for_it_is_not_changed(world: World, status: Status) -> None:
    world.create_group()
    with world.a.sessions.begin() as session:
        groups.get(session, world.group_id).status = status
    with pytest.raises(errors.WrongStatus):
        world.a.edits.change_group(context(), world.group_id, {"description": "x"})
    assert world.document().version == 1


def test_nothing_is_changed_here_before_the_peer_has_answered(world: World) -> None:
    world.create_group()
    world.a.peer.down = True
    calls = len(world.a.array.faults.calls)
    with pytest.raises(errors.PeerUnreachable):
        world.add_server("web1")
    assert len(world.a.array.faults.calls) == calls
    group = world.a.group(world.group_id)
    assert (group.remote_sync_status, group.sync_error) == ("UNREACHABLE", "Connection refused")
