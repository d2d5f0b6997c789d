# SPDX-License-Identifier: Apache-2.0
"""Failover, from a dead site to running VMs, and what is said when it cannot be."""

import json
import logging
from collections.abc import Callable

import pytest
from functional.engine.world import FLAVORS, GROUP, NETWORKS, World, minutes_ago

from protector import errors
from protector.cloud.fake import FakeServiceCloud
from protector.db import claims, documents
from protector.db.models import Operation
from protector.domain import document as domain
from protector.domain.group import Status
from protector.engine.flows.failover import unplanned_failover
from protector.engine.flows.plan import outline
from protector.engine.persistence import Persistence
from protector.engine.recovery import Recovery
from protector.engine.steps.finalization import Finalization
from protector.storage.base import ReplicaGroup

PLAN = {
    "preparation": ["validate_target_site", "create_dr_operation_record"],
    "storage_failover": [
        "identify_latest_snapshot",
        "promote_volumes_from_snapshot",
        "manage_volumes_into_cinder",
    ],
    "instance_recreation": ["recreate_vm_web1", "recreate_vm_web2"],
    "finalization": ["finalization"],
}


@pytest.fixture
def lost(world: World) -> World:
    """Two VMs of two volumes each were protected when site-a died."""
    world.protect("web1", "web2")
    world.lose_a()
    return world


def refused_by_nova(world: World, name: str, **when: object) -> None:
    """Let Nova refuse the VM of that name."""

    def refuse(request: object) -> None:
        if request.name == name:  # type: ignore[attr-defined]
            raise errors.CloudError(service="Nova", site="site-b", reason="no valid host")

    world.b.cloud.faults.set("recreate_server", refuse, **when)  # type: ignore[arg-type]


def raising(error: Exception) -> Callable[..., None]:
    def fail(*args: object) -> None:
        raise error

    return fail


def said(operation: Operation) -> str:
    """Return what is said of an operation that failed, before the command that goes on with it."""
    reasons, _, next_command = (operation.error_message or "").rpartition("\n")
    assert next_command.endswith(f"openstack protector operation retry {operation.id}")
    return reasons


# -- all is well ------------------------------------------------------------------------------


def test_the_plan_reads_as_the_specification_lists_it(lost: World) -> None:
    assert lost.fail_over().plan == PLAN


def test_every_vm_comes_up_and_the_site_is_the_primary_one(lost: World) -> None:
    operation = lost.fail_over()
    assert (operation.status, operation.progress) == ("completed", 100)
    assert operation.error_message is None
    assert operation.completed_at is not None
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}

    group = lost.group
    assert (group.status, group.current_primary_site) == ("failed_over", "site-b")
    assert (group.failover_count, group.epoch, group.version) == (1, 1, 4)
    assert group.last_failover_at is not None
    assert (group.remote_sync_status, group.sync_error) == ("UNREACHABLE", "Connection refused")


def test_each_vm_has_its_own_volumes_back_in_their_places(lost: World) -> None:
    lost.fail_over()
    made = {volume.id: volume for volume in lost.b.cloud.made_volumes.values()}
    assert len(made) == 4
    for server in lost.b.cloud.made_servers.values():
        root, data = server.request.volumes
        assert (root.boot_index, root.device) == (0, "/dev/vda")
        assert (data.boot_index, data.device) == (None, "/dev/vdb")
        names = [made[device.volume_id].request.name for device in (root, data)]
        assert names == [f"{server.request.name}-0", f"{server.request.name}-1"]
        assert all(made[device.volume_id].project_id == "project-b" for device in (root, data))


def test_the_newest_complete_point_is_taken_and_told(world: World) -> None:
    world.protect("web1")
    world.take_point(created=minutes_ago(4))
    world.take_point(created=minutes_ago(1), progress=0.4)
    world.lose_a()
    complete = [p for p in world.b.array.points(chain(world)) if p.complete]
    operation = world.fail_over()
    detail = world.b.steps(operation.id)["identify_latest_snapshot"].detail or ""
    assert complete[0].name in detail
    assert "RPO" in detail


def test_nothing_is_sent_to_the_peer_before_the_vms_are_active(lost: World) -> None:
    running: list[dict[str, str]] = []
    lost.b.peer.asked = lambda what: running.append(lost.servers())
    lost.fail_over()
    assert lost.b.peer.journal == ["standing"]
    assert running == [{"web1": "ACTIVE", "web2": "ACTIVE"}]


def test_a_peer_that_lives_is_told_at_the_end(world: World) -> None:
    world.protect("web1")
    world.fail_over()
    assert world.group.remote_sync_status == "SYNCED"
    there = world.a.group(world.group_id)
    assert (there.status, there.current_primary_site) == ("failed_over", "site-b")


def test_the_trust_is_used_for_everything_that_is_made(lost: World) -> None:
    operation_id = lost.submit()
    lost.b.cloud.trusts.clear()
    operation = lost.run(operation_id)
    assert operation.status == "failed"
    assert "trust" in (operation.error_message or "")


def test_each_step_is_on_record_with_its_phase_and_times(lost: World) -> None:
    operation = lost.fail_over()
    steps = lost.b.steps(operation.id)
    assert set(steps) == {name for names in PLAN.values() for name in names}
    assert {step.status for step in steps.values()} == {"completed"}
    assert steps["recreate_vm_web1"].phase == "instance_recreation"
    assert all(step.ended_at and step.started_at <= step.ended_at for step in steps.values())


def test_progress_goes_up_through_the_marks_of_the_procedure(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [0]
    hold = claims.hold

    def look(session, claim, **values):
        seen.extend(values[key] for key in values if key == "progress")
        hold(session, claim, **values)

    monkeypatch.setattr(claims, "hold", look)
    lost.fail_over()
    assert seen == sorted(seen)
    assert {5, 10, 15, 28, 36, 45, 67, 75, 100} <= set(seen)


def test_what_taskflow_wrote_is_gone_when_the_operation_has_ended(lost: World) -> None:
    lost.fail_over()
    assert list(lost.b.persistence.get_connection().get_logbooks()) == []


def test_no_more_vms_than_configured_are_made_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.b.conf.set_override("parallel_vms", 2, group="engine")
    world.protect(*(f"web{number}" for number in range(5)))
    world.lose_a()
    now, most = [0], [0]

    def enter(request: object) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])

    def leave(request: object) -> None:
        now[0] -= 1

    world.b.cloud.faults.set("recreate_server", enter)
    world.b.cloud.faults.set("recreate_server", leave, after=True)
    assert world.fail_over().status == "completed"
    assert most[0] <= 2


# -- mappings ---------------------------------------------------------------------------------


def test_a_given_mapping_is_laid_over_the_stored_one_for_this_time(lost: World) -> None:
    other = lost.b.cloud.add_network("elsewhere", "10.10.0.0/24")
    lost.fail_over(networks={"web": "elsewhere"})
    networks = {
        port.network_id
        for server in lost.b.cloud.made_servers.values()
        for port in server.request.ports
    }
    assert networks == {other.id}
    assert lost.document(lost.b).mappings.networks == NETWORKS


def test_an_address_that_fits_is_kept_and_one_that_does_not_is_noted(world: World) -> None:
    world.create_group()
    world.add_server("web1", network="web")
    world.add_server("db1", network="db")
    world.take_point()
    world.lose_a()
    operation = world.fail_over()
    requests = {s.request.name: s.request for s in world.b.cloud.made_servers.values()}
    assert requests["web1"].ports[0].fixed_addresses
    assert requests["db1"].ports[0].fixed_addresses == []
    detail = world.b.steps(operation.id)["recreate_vm_db1"].detail or ""
    assert "lies in no subnet of network dr-db" in detail


# -- some come up, some do not ----------------------------------------------------------------


def test_a_network_that_does_not_exist_costs_only_the_vms_on_it(world: World) -> None:
    world.create_group()
    world.add_server("web1", network="web")
    world.add_server("db1", network="db")
    world.take_point()
    world.lose_a()

    operation = world.fail_over(networks={"db": "nowhere"})

    assert operation.status == "failed"
    assert world.failed_steps(operation) == ["recreate_vm_db1"]
    assert said(operation) == (
        "VM db1: network nowhere, to which db is mapped, does not exist on site-b. Give one:"
        f" --network-mapping {world.a.cloud.networks[1].id}=<network of site-b>;"
        " see: openstack network list"
    )
    assert world.servers() == {"web1": "ACTIVE"}
    group = world.group
    assert (group.status, group.current_primary_site) == ("failed_over_partial", "site-b")
    assert group.failover_count == 1


def test_failing_over_again_makes_only_what_is_missing(world: World) -> None:
    world.create_group()
    world.add_server("web1", network="web")
    world.add_server("db1", network="db")
    world.take_point()
    world.lose_a()
    world.fail_over(networks={"db": "nowhere"})
    kept = dict(world.b.cloud.made_servers)

    operation = world.fail_over(networks=NETWORKS)

    assert (operation.status, operation.error_message) == ("completed", None)
    assert world.servers() == {"web1": "ACTIVE", "db1": "ACTIVE"}
    assert kept.items() <= world.b.cloud.made_servers.items()
    assert len(world.b.array.volumes) == 2
    group = world.group
    assert (group.status, group.failover_count, group.epoch) == ("failed_over", 1, 1)


def test_a_resumed_failover_that_fails_leaves_what_runs(lost: World) -> None:
    refused_by_nova(lost, "web2")
    lost.fail_over()
    lost.b.array.down = True
    before = lost.leftovers()
    operation = lost.fail_over()
    assert lost.failed_steps(operation) == ["validate_target_site"]
    assert lost.group.status == "failed_over_partial"
    assert lost.servers() == {"web1": "ACTIVE"}
    assert lost.leftovers() == before


def test_a_resumed_failover_that_fails_late_takes_nothing_from_what_runs(lost: World) -> None:
    refused_by_nova(lost, "web2")
    lost.fail_over()
    before = lost.leftovers()
    lost.b.cloud.manages = False
    operation = lost.fail_over()
    assert lost.failed_steps(operation) == ["manage_volumes_into_cinder"]
    assert lost.leftovers() == before
    assert lost.group.status == "failed_over_partial"


def test_volumes_of_a_vm_that_did_not_come_up_are_used_the_next_time(lost: World) -> None:
    refused_by_nova(lost, "web2")
    operation = lost.fail_over()
    assert said(operation) == "VM web2: Nova of site-b: no valid host"
    made = {key: volume.id for key, volume in lost.b.cloud.made_volumes.items()}
    lost.b.cloud.faults.clear()
    # The point may be gone by then: nothing is read from it again.
    lost.b.array.faults.set("points", errors.StorageError(array="array-b", reason="not again"))
    assert lost.fail_over().status == "completed"
    assert {key: volume.id for key, volume in lost.b.cloud.made_volumes.items()} == made


def test_volumes_that_were_deleted_after_a_failed_attempt_are_made_again(lost: World) -> None:
    refused_by_nova(lost, "web2")
    lost.fail_over()
    lost.b.cloud.faults.clear()
    for key, volume in list(lost.b.cloud.made_volumes.items()):
        if volume.request.name.startswith("web2"):
            del lost.b.cloud.made_volumes[key]  # openstack volume delete
            lost.b.array.delete_volume(lost.b.cloud.volume_on_array(volume.id))

    operation = lost.fail_over()
    assert (operation.status, operation.error_message) == ("completed", None)
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}
    assert len(lost.b.array.volumes) == 4


def test_what_is_left_of_a_vm_that_did_not_come_up_is_removed(lost: World) -> None:
    refused_by_nova(lost, "web2", after=True)
    lost.fail_over()
    assert lost.servers() == {"web1": "ACTIVE"}


def test_what_cannot_be_removed_is_named_with_the_way_to_do_it(lost: World) -> None:
    refused_by_nova(lost, "web2", after=True)
    error = errors.CloudError(service="Nova", site="site-b", reason="it hangs")
    lost.b.cloud.faults.set("remove_server", error)
    operation = lost.fail_over()
    assert said(operation) == (
        "VM web2: Nova of site-b: no valid host. Nova of site-b: what was made of VM web2 could"
        " not be removed (Nova of site-b: it hangs). Remove it: openstack server delete web2"
    )


def test_a_volume_without_a_snapshot_costs_only_its_vm(world: World) -> None:
    world.protect("web1")
    world.add_server("late")
    world.lose_a()
    operation = world.fail_over()
    assert world.failed_steps(operation) == ["recreate_vm_late"]
    for word in ("VM late", "no replicated snapshot for volume late-0", "array-b", "300 seconds"):
        assert word in (operation.error_message or "")
    assert world.servers() == {"web1": "ACTIVE"}


def test_a_volume_that_the_array_refuses_costs_only_its_vm(lost: World) -> None:
    refused = lost.document(lost.b).members[0].volumes[1].array_volume

    def refuse(point: object, volume: str, *, key: str) -> None:
        if volume == refused:
            raise errors.StorageError(array="array-b", reason="no room")

    lost.b.array.faults.set("promote", refuse)
    operation = lost.fail_over()
    assert said(operation) == "VM web1: volume web1-1: Array array-b: no room"
    assert lost.servers() == {"web2": "ACTIVE"}


def test_two_vms_of_one_name_both_come_up(world: World) -> None:
    world.create_group()
    for _ in range(2):
        facts = world.a.cloud.add_server("project-a", "web1", networks=["web"])
        world.add_member(facts.member.server_id)
    world.take_point()
    world.lose_a()
    operation = world.fail_over()
    assert operation.status == "completed"
    assert len(world.b.cloud.made_servers) == 2


# -- nothing comes up, and nothing stays ------------------------------------------------------


def assert_undone(world: World, operation: Operation) -> None:
    assert operation.status == "failed"
    assert world.leftovers() == []
    group = world.group
    assert (group.status, group.current_primary_site) == ("active", "site-a")
    assert (group.failover_count, group.epoch, group.version) == (0, 0, world.a_version)
    assert world.b.peer.journal == []


def test_no_complete_snapshot_at_all_changes_nothing(world: World) -> None:
    world.create_group()
    world.add_server("web1")
    world.take_point(progress=0.4)
    world.lose_a()
    operation = world.fail_over()
    assert world.failed_steps(operation) == ["validate_target_site"]
    for word in (GROUP, "array-b", "is at 40%", "every 300 seconds"):
        assert word in (operation.error_message or "")
    assert_undone(world, operation)


def test_no_snapshot_at_all_says_so(world: World) -> None:
    world.create_group()
    world.add_server("web1")
    world.lose_a()
    operation = world.fail_over()
    assert "there is none at all" in (operation.error_message or "")
    assert_undone(world, operation)


def test_unmapped_flavors_are_all_named_before_anything_is_changed(world: World) -> None:
    world.create_group(flavors={})
    world.add_server("web1")
    world.add_server("web2")
    world.take_point()
    world.lose_a()
    operation = world.fail_over()
    assert world.failed_steps(operation) == ["validate_target_site"]
    lines = said(operation).splitlines()
    assert [line.split(":")[0] for line in lines] == ["VM web1", "VM web2"]
    assert all("flavor m1.small" in line and "--flavor-mapping" in line for line in lines)
    assert_undone(world, operation)
    assert world.fail_over(flavors=FLAVORS).status == "completed"


def test_cinder_that_lets_no_tenant_manage_names_policy_and_file(lost: World) -> None:
    lost.b.cloud.manages = False
    operation = lost.fail_over()
    assert lost.failed_steps(operation) == ["validate_target_site"]
    for word in ("volume_extension:volume_manage", "/etc/cinder/policy.yaml on site-b"):
        assert word in (operation.error_message or "")
    assert_undone(lost, operation)
    lost.b.cloud.manages = True
    assert lost.fail_over().status == "completed"


def test_when_no_vm_comes_up_all_is_undone(lost: World) -> None:
    error = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    lost.b.cloud.faults.set("recreate_server", error, after=True)
    operation = lost.fail_over()
    assert lost.failed_steps(operation) == [
        "recreate_vm_web1",
        "recreate_vm_web2",
        "finalization",
    ]
    assert said(operation) == (
        "VM web1: Nova of site-b: no valid host\nVM web2: Nova of site-b: no valid host\n"
        "No VM came up, so all was undone."
    )
    assert_undone(lost, operation)


def test_an_undone_step_says_so_and_a_failed_one_stays_failed(lost: World) -> None:
    forbidden = errors.CloudRefused(
        service="Cinder", site="site-b", action="manage a volume", reason="it is forbidden by now"
    )
    lost.b.cloud.faults.set("manage_volumes", forbidden)
    operation = lost.fail_over()
    steps = {name: step.status.value for name, step in lost.b.steps(operation.id).items()}
    assert steps == {
        "validate_target_site": "undone",
        "create_dr_operation_record": "undone",
        "identify_latest_snapshot": "undone",
        "promote_volumes_from_snapshot": "undone",
        "manage_volumes_into_cinder": "failed",
    }
    assert operation.progress == 45


def test_a_promotion_whose_answer_is_lost_is_undone_too(lost: World) -> None:
    error = errors.ArrayUnreachable(array="array-b", reason="Connection timeout")
    lost.b.array.faults.set("promote", error, after=True)
    operation = lost.fail_over()
    assert "Connection timeout" in (operation.error_message or "")
    assert_undone(lost, operation)


def test_an_undo_that_fails_leaves_the_group_in_error_and_says_what_is_left(lost: World) -> None:
    error = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    lost.b.cloud.faults.set("recreate_server", error)
    stuck = errors.CloudError(service="Cinder", site="site-b", reason="it is stuck")
    lost.b.cloud.faults.set("unmanage_volumes", stuck)

    operation = lost.fail_over()

    assert operation.status == "failed"
    for volume in lost.b.cloud.made_volumes.values():
        assert f"Remove it: openstack volume delete {volume.id}" in (operation.error_message or "")
    assert "it is stuck" in (operation.error_message or "")
    assert len(lost.b.array.volumes) == 4, "what Cinder still has must stay on the array"
    group = lost.group
    assert group.status == "error"
    assert "openstack volume delete" in (group.status_reason or "")


def test_volumes_that_were_given_back_under_another_name_are_used_the_next_time(
    lost: World,
) -> None:
    lost.b.cloud.faults.set(
        "recreate_server", errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    )
    refusal = errors.StorageError(array="array-b", reason="volume is connected")
    lost.b.array.faults.set("discard", refusal)
    lost.fail_over()
    assert all(volume.name.endswith("-unmanaged") for volume in lost.b.array.volumes.values())

    lost.b.cloud.faults.clear()
    lost.b.array.faults.clear()
    lost.set_status(Status.ACTIVE)
    assert lost.fail_over().status == "completed"
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}


def test_a_site_that_is_not_fit_says_all_that_is_wrong_with_it(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"nova": None, "cinder": "Connection refused"}
    monkeypatch.setattr(FakeServiceCloud, "check", lambda self: answers)
    error = errors.ArrayUnreachable(array="array-b", reason="Connection timeout")
    lost.b.array.faults.set("check", error)
    operation = lost.fail_over()
    assert "Cinder of site-b: Connection refused" in (operation.error_message or "")
    assert "Array array-b cannot be reached" in (operation.error_message or "")
    assert_undone(lost, operation)


def test_a_fault_of_our_own_is_logged_and_told_without_its_traceback(
    lost: World, caplog: pytest.LogCaptureFixture
) -> None:
    lost.b.array.faults.set("points", KeyError("oops"))
    with caplog.at_level(logging.ERROR):
        operation = lost.fail_over()
    assert said(operation) == errors.ProtectorError().text
    assert "oops" in caplog.text
    assert_undone(lost, operation)


def test_when_only_the_last_step_is_missing_failing_over_again_does_it(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = errors.CloudError(service="Nova", site="site-b", reason="it is stuck")
    with monkeypatch.context() as patch:
        patch.setattr(Finalization, "_commit", raising(stuck))
        operation = lost.fail_over()
    assert lost.failed_steps(operation) == ["finalization"]
    group = lost.group
    assert (group.status, group.status_reason) == ("error", "Nova of site-b: it is stuck")
    before = lost.leftovers()

    lost.set_status(Status.ACTIVE)
    assert lost.fail_over().status == "completed"
    assert (lost.group.status, lost.group.failover_count) == ("failed_over", 1)
    assert lost.leftovers() == before


def test_a_group_without_vms_is_not_failed_over(world: World) -> None:
    world.create_group()
    world.lose_a()
    operation = world.fail_over()
    assert said(operation) == f"Protection group {GROUP} has no VMs."
    assert world.group.status == "active"


def test_a_fault_after_the_last_change_leaves_the_group_failed_over(lost: World) -> None:
    lost.b.peer.asked = raising(KeyError("oops"))
    operation = lost.fail_over()
    assert (operation.status, lost.failed_steps(operation)) == ("failed", ["finalization"])
    assert lost.group.status == "failed_over"
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}


def test_what_is_recovered_later_is_of_the_same_moment(world: World) -> None:
    world.protect("web1", "web2")
    world.lose_a()
    point = world.b.array.points(chain(world))[0]
    last = world.document(world.b).members[-1].volumes[-1].array_volume

    def refuse(point: object, volume: str, **_: object) -> None:
        if volume == last:
            raise errors.StorageError(array="array-b", reason="not now")

    world.b.array.faults.set("promote", refuse)
    assert world.fail_over().status == "failed"
    world.b.array.faults.clear()
    world.a.array.down = False
    world.take_point()  # site-a lives on, cut off from us

    operation = world.fail_over()
    assert operation.status == "completed"
    assert point.name in (world.b.steps(operation.id)["identify_latest_snapshot"].detail or "")


# -- metadata that the peer had begun to change -----------------------------------------------


def begin_an_edit(world: World) -> None:
    """Site-a prepares a further member on site-b, and dies before it commits."""
    before = world.document()
    after = before.model_copy(update={"version": before.version + 1, "description": "changed"})
    with world.b.sessions.begin() as session:
        documents.prepare(session, after.model_dump(mode="json"), domain.checksum(after))


def test_a_change_that_was_begun_and_not_finished_blocks(lost: World) -> None:
    begin_an_edit(lost)
    operation = lost.fail_over()
    assert lost.failed_steps(operation) == ["validate_target_site"]
    for word in ("is 3 (epoch 0)", "begun version 4", "description", "--accept-stale-metadata"):
        assert word in (operation.error_message or "")
    assert lost.group.remote_sync_status == "BLOCKED"
    assert_undone(lost, operation)


def test_stale_metadata_can_be_accepted_and_that_is_on_record(lost: World) -> None:
    begin_an_edit(lost)
    operation = lost.fail_over(accept_stale_metadata=True)
    assert operation.status == "completed"
    detail = lost.b.steps(operation.id)["validate_target_site"].detail or ""
    assert detail.startswith("Metadata accepted as it is by user alice. The version")
    assert lost.document(lost.b).version == 4
    assert lost.document(lost.b).description == ""


# -- states -----------------------------------------------------------------------------------


def test_a_group_that_is_failing_over_is_not_failed_over_twice(lost: World) -> None:
    lost.submit()
    with pytest.raises(errors.WrongStatus) as refusal:
        lost.submit()
    assert "failing_over" in refusal.value.text


def test_a_group_that_was_failed_over_is_not_failed_over_again(lost: World) -> None:
    lost.fail_over()
    with pytest.raises(errors.WrongStatus):
        lost.submit()


@pytest.fixture
def kept_results(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the steps of an ended flow have handed on."""
    results: list[object] = []

    def look(self: Persistence, operation_id: str) -> None:
        (detail,) = self.get_connection().get_logbook(operation_id.removeprefix("op-"))
        results.extend(atom.results for atom in detail)

    monkeypatch.setattr(Persistence, "forget", look)
    return results


def test_what_steps_hand_on_is_plain_json(lost: World, kept_results: list[object]) -> None:
    lost.fail_over()
    assert len(kept_results) == 8
    assert json.loads(json.dumps(kept_results)) == kept_results


def test_user_data_reaches_the_vm_and_no_step_hands_it_on(
    world: World, kept_results: list[object]
) -> None:
    world.create_group()
    world.add_server("web1", user_data="c2VjcmV0")
    world.take_point()
    world.lose_a()
    assert world.fail_over().status == "completed"
    (server,) = world.b.cloud.made_servers.values()
    assert server.request.user_data == "c2VjcmV0"
    assert "c2VjcmV0" not in json.dumps(kept_results)


def test_the_flow_is_a_function_of_the_saved_work(lost: World) -> None:
    operation = lost.b.operation(lost.submit())
    work = Recovery(
        user_id="alice",
        equipment=lost.b.equipment,
        claim=None,  # type: ignore[arg-type]
        trust_id=operation.trust_id,
        document=lost.document(lost.b),
        arguments=None,  # type: ignore[arg-type]
    )
    assert outline(unplanned_failover(work)) == outline(unplanned_failover(work)) == PLAN


def chain(world: World) -> ReplicaGroup:
    found = world.document().consistency_group
    assert found is not None
    return ReplicaGroup(found.array, found.array_group)
