# SPDX-License-Identifier: Apache-2.0
"""Groups of type sync: recovered from a point of their own, and mirrored the other way again."""

import dataclasses
import datetime
from typing import Any

import pytest
from functional.engine.rehearsing import Rehearsals
from functional.engine.world import World, context

from protector import errors
from protector.db.models import Operation
from protector.domain.operation import Kind
from protector.engine import inspection
from protector.engine.sweeps.fencing import Fencing
from protector.engine.sweeps.safety import Safety
from protector.storage.base import Point

VMS = ("web1", "db1")
POD = "pod-site-a"
THEN = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)


@pytest.fixture
def mirrored(world: World) -> World:
    world.mirror(*VMS)
    return world


@pytest.fixture
def away(mirrored: World) -> World:
    """The group was failed over to site-b, and is mirrored to site-a again."""
    write(mirrored, "a", "before the disaster")
    mirrored.lose_a()
    completed(mirrored.fail_over())
    mirrored.return_of_a()
    completed(mirrored.do(mirrored.b, Kind.REPROTECT))
    return mirrored


def completed(operation: Operation) -> Operation:
    assert operation.error_message is None
    assert operation.status == "completed"
    return operation


def failed(operation: Operation) -> str:
    assert operation.status == "failed"
    return operation.error_message or ""


def member(world: World, site: str, name: str) -> Any:
    where = getattr(world, site)
    return where.cloud.as_service().describe_server(f"project-{site}", name).member


def write(world: World, site: str, text: str) -> None:
    for name in VMS:
        for volume in member(world, site, name).volumes:
            getattr(world, site).array.write(volume.array_volume, text)


def read(world: World, site: str) -> set[str]:
    array = getattr(world, site).array
    return {
        array.read(volume.array_volume)
        for name in VMS
        for volume in member(world, site, name).volumes
    }


def detail(world: World, operation: Operation, step: str) -> str:
    return world.b.steps(operation.id)[step].detail or ""


# -- protected -------------------------------------------------------------------------------------


def test_its_volumes_are_in_the_pod_and_nothing_is_asked_of_a_schedule(mirrored: World) -> None:
    document = mirrored.document(mirrored.b)
    assert (document.replication_type, document.policy.replication_interval) == ("sync", 0)
    chain = document.consistency_group
    assert chain is not None
    assert chain.array_group.startswith(f"{POD}::consisgroup-")
    replication = mirrored.a.array.replication(chain.array_group)
    assert replication is not None
    assert replication.volumes == {v.array_volume for m in document.members for v in m.volumes}


def test_each_site_shows_how_the_group_stands(mirrored: World) -> None:
    mirrored.b.array.pods[POD].here = "resyncing"
    for site, statuses in (
        (mirrored.a, ("online", "resyncing")),
        (mirrored.b, ("resyncing", "online")),
    ):
        shown = inspection.consistency_group(site.equipment, mirrored.group_id)
        assert (shown["mirrored_in"], shown["mirror_here"], shown["mirror_there"]) == (
            POD,
            *statuses,
        )
    assert shown["role"] == "target"


def test_it_has_no_interval_to_be_changed(mirrored: World) -> None:
    with pytest.raises(errors.InvalidRequest, match="replication_interval: a group of type sync"):
        mirrored.a.edits.change_group(context(), mirrored.group_id, {"replication_interval": 600})


def test_a_pod_that_is_not_stretched_to_the_other_site_protects_nothing(world: World) -> None:
    world.a.cloud.pod = "pod-site-a"
    world.a.array.create_pod("pod-site-a")
    with pytest.raises(errors.StorageError, match="pod pod-site-a"):
        world.create_group("sync", replication_interval=0)
    assert world.a.cloud.volume_groups == {}


def test_a_changed_volume_of_a_member_is_still_one_of_its_type(mirrored: World) -> None:
    server_id = member(mirrored, "a", "web1").server_id
    mirrored.a.cloud.rename(server_id, "web1-renamed")
    mirrored.a.capture()
    assert "web1-renamed" in [one.name for one in mirrored.document().members]
    assert mirrored.document().drift == []


def test_a_volume_that_its_vm_has_no_more_is_taken_out_of_the_pods_group(mirrored: World) -> None:
    one = member(mirrored, "a", "web1")
    mirrored.a.cloud.detach_volume(one.server_id, one.volumes[1].id)
    for _ in range(2):  # once to tell the other site, once to act
        mirrored.a.capture()
    chain = mirrored.document().consistency_group
    assert chain is not None
    replication = mirrored.b.array.replication(chain.array_group)
    assert replication is not None
    assert one.volumes[1].array_volume not in replication.volumes


def test_a_volume_of_another_type_is_told_with_the_groups_own(mirrored: World) -> None:
    mirrored.a.cloud.attach_volume(member(mirrored, "a", "web1").server_id, type="replicated")
    mirrored.a.capture()
    (drift,) = mirrored.document().drift
    assert "not of the group's type replicated-sync" in drift.what


# -- unplanned -------------------------------------------------------------------------------------


def test_what_was_written_last_is_there(mirrored: World) -> None:
    write(mirrored, "a", "the last write")
    mirrored.lose_a()
    operation = completed(mirrored.fail_over())
    assert read(mirrored, "b") == {"the last write"}
    assert "RPO 0 seconds" in detail(mirrored, operation, "identify_latest_snapshot")


def test_an_older_point_is_not_taken_for_the_newest(mirrored: World) -> None:
    mirrored.take_point()
    write(mirrored, "a", "the last write")
    mirrored.lose_a()
    completed(mirrored.fail_over())
    assert read(mirrored, "b") == {"the last write"}


def test_copies_come_under_cinder_with_a_type_that_needs_no_other_array(mirrored: World) -> None:
    mirrored.lose_a()
    completed(mirrored.fail_over())
    assert {volume.volume_type for volume in member(mirrored, "b", "web1").volumes} == {"plain"}


def test_the_rest_is_of_the_moment_that_was_begun_with(mirrored: World) -> None:
    write(mirrored, "a", "first")
    mirrored.lose_a()
    later = [v.array_volume for v in mirrored.document(mirrored.b).members[1].volumes]

    def refuse(point: Point, volume: str, *, key: str) -> None:
        if volume in later:
            raise errors.StorageError(array="array-b", reason="no room")

    mirrored.b.array.faults.set("promote", refuse)
    assert "no room" in failed(mirrored.fail_over())
    for volume in later:
        mirrored.b.array.write(volume, "after the first attempt")
    mirrored.b.array.faults.clear()
    completed(mirrored.fail_over())
    assert read(mirrored, "b") == {"first"}
    assert len(mirrored.b.array.pods[POD].points) == 1


def test_another_is_taken_when_that_one_was_old_and_is_removed(mirrored: World) -> None:
    mirrored.lose_a()
    later = [v.array_volume for v in mirrored.document(mirrored.b).members[1].volumes]

    def refuse(point: Point, volume: str, *, key: str) -> None:
        if volume in later:
            raise errors.StorageError(array="array-b", reason="no room")

    mirrored.b.array.faults.set("promote", refuse)
    failed(mirrored.fail_over())
    mirrored.b.array.faults.clear()
    now = datetime.datetime.now(datetime.UTC)
    assert mirrored.b.array.forget_points(now + datetime.timedelta(seconds=1)) == 1
    completed(mirrored.fail_over())
    assert mirrored.servers() == dict.fromkeys(VMS, "ACTIVE")


def test_of_points_in_the_pod_an_older_one_can_be_asked_for(mirrored: World) -> None:
    write(mirrored, "a", "before the damage")
    said = failed(mirrored.fail_over(snapshot="of-yesterday"))
    assert "holds no complete snapshot of-yesterday" in said
    assert "There is: none" in said
    mirrored.take_point()
    write(mirrored, "a", "damaged")
    chain = mirrored.document().consistency_group
    assert chain is not None
    (point,) = mirrored.b.array.pods[POD].points_of(chain.array_group)
    operation = completed(mirrored.fail_over(snapshot=point.name))
    assert read(mirrored, "b") == {"before the damage"}
    assert "data written after it is lost" in detail(
        mirrored, operation, "identify_latest_snapshot"
    )


@pytest.mark.parametrize("state", ["offline", "resyncing"])
def test_an_array_that_is_behind_does_not_take_over(mirrored: World, state: str) -> None:
    pod = mirrored.b.array.pods[POD]
    pod.here, pod.as_of, pod.progress = state, THEN, 0.42
    mirrored.b.peer.down = True
    said = failed(mirrored.fail_over())
    assert POD in said
    assert ("2026-01-31T12:00:00Z" if state == "offline" else "42%") in said
    assert mirrored.leftovers() == [] or all("::" in one for one in mirrored.leftovers())
    assert mirrored.group.status == "active"


def test_a_pod_of_which_the_array_knows_nothing_is_told(mirrored: World) -> None:
    mirrored.lose_a()
    mirrored.b.array.pods.clear()
    assert "purepod list" in failed(mirrored.fail_over())


def test_a_test_of_it_holds_what_was_written_last_and_leaves_the_group_alone(
    mirrored: World,
) -> None:
    write(mirrored, "a", "the last write")
    before = mirrored.document(mirrored.b)
    tests = Rehearsals(mirrored)
    completed(tests.run())
    here = mirrored.b.cloud.as_service().look("project-b").values()
    assert {one.name for one in here} == {f"test-{name}" for name in VMS}
    made = [v for v in mirrored.b.array.volumes.values() if "::" not in v.name]
    assert {mirrored.b.array.read(volume.name) for volume in made} == {"the last write"}
    completed(tests.clean_up())
    assert [v for v in mirrored.b.array.volumes.values() if "::" not in v.name] == []
    assert mirrored.document(mirrored.b) == before
    assert read(mirrored, "a") == {"the last write"}


# -- there and back --------------------------------------------------------------------------------


def test_reprotecting_mirrors_the_recovered_volumes_the_other_way(away: World) -> None:
    document = away.document(away.b)
    chain = document.consistency_group
    assert chain is not None
    assert chain.array_group.startswith("pod-site-b::")
    assert {v.volume_type for m in document.members for v in m.volumes} == {"replicated-sync"}
    write(away, "b", "written on site-b")
    for one in document.members:
        for volume in one.volumes:
            assert away.a.array.read(volume.array_volume) == "written on site-b"


def test_a_volume_that_cannot_be_mirrored_is_told_and_reprotecting_goes_on_later(
    mirrored: World,
) -> None:
    mirrored.lose_a()
    completed(mirrored.fail_over())
    mirrored.return_of_a()
    refusal = errors.CloudError(service="Cinder", site="site-b", reason="no room")
    mirrored.b.cloud.faults.set("retype_volumes", refusal)
    assert "no room" in failed(mirrored.do(mirrored.b, Kind.REPROTECT))
    mirrored.b.cloud.faults.clear()
    completed(mirrored.do(mirrored.b, Kind.REPROTECT))


def test_it_comes_back_onto_its_own_volumes(away: World) -> None:
    before = {id: facts.member for id, (_, facts) in away.a.cloud.servers.items()}
    write(away, "b", "written on site-b")
    completed(away.do(away.a, Kind.FAILBACK))
    Fencing(away.a.equipment).look()
    assert {id: facts.member for id, (_, facts) in away.a.cloud.servers.items()} == before
    assert read(away, "a") == {"written on site-b"}
    document = away.document(away.a)
    assert (document.status, document.current_primary_site) == ("active", "site-a")
    assert away.b.cloud.made_volumes == {}


def test_a_vm_that_has_no_original_comes_back_mirrored_too(away: World) -> None:
    facts = away.b.cloud.add_server(
        "project-b",
        "new1",
        flavor="dr.small",
        networks=["dr-web"],
        volumes=1,
        volume_type=away.b.cloud.sync_type,
    )
    away.b.edits.add_member(context(), away.group_id, facts.member.server_id)
    completed(away.do(away.a, Kind.FAILBACK))
    (volume,) = member(away, "a", "new1").volumes
    assert (volume.volume_type, volume.array_volume.partition("::")[0]) == (
        "replicated-sync",
        POD,
    )


def test_a_volume_that_cannot_be_mirrored_on_return_is_shown_as_drift(away: World) -> None:
    facts = away.b.cloud.add_server(
        "project-b",
        "new1",
        flavor="dr.small",
        networks=["dr-web"],
        volumes=1,
        volume_type=away.b.cloud.sync_type,
    )
    away.b.edits.add_member(context(), away.group_id, facts.member.server_id)
    refusal = errors.CloudError(service="Cinder", site="site-a", reason="no room")
    away.a.cloud.faults.set("retype_volumes", refusal)
    operation = completed(away.do(away.a, Kind.FAILBACK))
    told = away.a.steps(operation.id)["resume_replication"].detail or ""
    assert told.startswith("Not yet, and shown as drift")
    assert "no room" in told
    away.a.capture()
    (drift,) = away.document(away.a).drift
    assert drift.server == "new1"
    assert "not of the group's type replicated-sync" in drift.what


def test_a_planned_move_loses_nothing_and_is_mirrored_at_once(mirrored: World) -> None:
    write(mirrored, "a", "the last write")
    completed(mirrored.fail_over(type="planned"))
    assert read(mirrored, "b") == {"the last write"}
    chain = mirrored.document(mirrored.b).consistency_group
    assert chain is not None
    assert chain.array == "array-b"


def test_a_move_does_not_begin_while_the_other_array_lacks_something(mirrored: World) -> None:
    """It was well when the target looked, and is not any more when the source does."""
    pod = mirrored.b.array.pods[POD]

    def fall_behind(what: str) -> None:
        if what == "hand_over":
            pod.here = "resyncing"

    mirrored.b.peer.asked = fall_behind
    said = failed(mirrored.fail_over(type="planned"))
    assert "Array array-b does not have all that is in" in said
    assert mirrored.source() == dict.fromkeys(VMS, "ACTIVE")


def test_the_loser_s_volumes_stay_mirrored_as_the_pod_is_not_theirs_alone(away: World) -> None:
    """Fencing stops VMs, and has no replication of the group's own to stop."""
    Fencing(away.a.equipment).look()
    assert away.a.array.pods[POD].other is not None
    assert not [one for one in away.a.group(away.group_id).fenced if "Replication" in one["what"]]


def test_points_that_were_taken_are_removed_once_they_are_old(away: World) -> None:
    pod = away.a.array.pods[POD]
    ours = [point for point in pod.points if ".protector-" in point.name]
    assert ours
    Safety(away.a.equipment).look()
    assert [point for point in pod.points if ".protector-" in point.name] == ours
    for side in pod.sides:
        side.points = [dataclasses.replace(point, created=THEN) for point in side.points]
    Safety(away.a.equipment).look()
    assert not [point for point in pod.points if ".protector-" in point.name]
