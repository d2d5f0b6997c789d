# SPDX-License-Identifier: Apache-2.0
"""Failover to a point older than the newest: what was there then comes up, and nothing newer."""

import datetime
from collections.abc import Callable

import pytest
from functional.engine.world import World, context, minutes_ago

from protector import errors
from protector.db import pairs
from protector.domain import document
from protector.engine import inspection
from protector.engine.readiness import check
from protector.storage.base import ReplicaGroup

# The documents of these tests are written in the second in which they run; their points are later.
NOW = datetime.datetime.now(datetime.UTC)
SOON = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test does not begin when this file is read, but minutes later."""
    monkeypatch.setitem(globals(), "NOW", datetime.datetime.now(datetime.UTC))


@pytest.fixture
def older(world: World) -> World:
    """One VM, and three points of it, of which the last one is incomplete; then site-a dies."""
    world.create_group()
    world.add_server("web1", volumes=2)
    for number, progress in enumerate((1.0, 1.0, 0.4), start=1):
        world.take_point(created=NOW + number * SOON, progress=progress)
    world.lose_a()
    return world


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let five minutes pass, as the documents' clock has it."""
    then = (NOW + 5 * SOON).replace(microsecond=0)
    return lambda: monkeypatch.setattr(document, "moment", lambda: then)


def points(world: World) -> list[str]:
    """Return the names of the group's points, oldest first."""
    chain = world.document().consistency_group
    assert chain is not None
    found = world.b.array.points(ReplicaGroup(chain.array, chain.array_group))
    return [point.name for point in reversed(found)]


def recovered_from(world: World, operation_id: str) -> str:
    return world.b.steps(operation_id)["identify_latest_snapshot"].detail or ""


def names(world: World) -> list[str]:
    return sorted(one.request.name for one in world.b.cloud.made_volumes.values())


def test_the_snapshots_are_listed_with_what_there_is_to_know(older: World) -> None:
    newest, *_, oldest = inspection.snapshots(older.b.equipment, older.group_id)
    assert newest["name"] == points(older)[-1]
    assert (newest["complete"], newest["progress"]) == (False, 40)
    assert (oldest["complete"], oldest["progress"]) == (True, 100)
    assert oldest["sent_bytes"] == 2**30
    assert oldest["age_seconds"] < 60


def test_the_snapshot_that_was_asked_for_is_taken(older: World) -> None:
    oldest, *_ = points(older)
    operation = older.fail_over(snapshot=oldest)
    assert operation.status == "completed"
    assert oldest in recovered_from(older, operation.id)
    assert "was asked for" in (older.b.steps(operation.id)["validate_target_site"].detail or "")


def test_the_newest_complete_one_before_a_time_is_taken(older: World) -> None:
    first, second, _ = points(older)
    operation = older.fail_over(before=NOW + 1.5 * SOON)
    assert first in recovered_from(older, operation.id)
    assert second not in recovered_from(older, operation.id)


def test_the_time_that_is_told_of_a_snapshot_is_a_time_that_it_was_taken_until(
    older: World,
) -> None:
    first, *_ = points(older)
    told = inspection.snapshots(older.b.equipment, older.group_id)[-1]["created_at"]
    operation = older.fail_over(before=told)
    assert first in recovered_from(older, operation.id)


@pytest.mark.parametrize("wanted", ["none-such", "the incomplete one", "before all"])
def test_what_there_is_not_is_refused_with_what_there_is(older: World, wanted: str) -> None:
    first, second, incomplete = points(older)
    asked = {
        "none-such": {"snapshot": "none-such"},
        "the incomplete one": {"snapshot": incomplete},
        "before all": {"before": minutes_ago(5)},
    }[wanted]
    operation = older.fail_over(**asked)
    assert operation.status == "failed"
    assert older.failed_steps(operation) == ["validate_target_site"]
    said = operation.error_message or ""
    for part in (first, second, f"{incomplete} of", "is at 40%", "snapshot list prod-web-app"):
        assert part in said
    assert older.group.status == "active"
    assert older.leftovers() == []


def test_a_check_tells_the_same_and_changes_nothing(older: World) -> None:
    oldest, *_ = points(older)
    told = check(older.b.equipment, context(), older.group_id, {"snapshot": oldest})
    assert told["plan"]["snapshot"]["name"] == oldest
    assert told["ready"]
    told = check(older.b.equipment, context(), older.group_id, {"snapshot": "none-such"})
    assert not told["ready"]
    assert oldest in told["findings"][0]["finding"] + told["findings"][0]["remedy"]


def test_a_vm_that_joined_later_is_left_out_and_no_member_any_more(
    world: World, later: Callable[[], None]
) -> None:
    world.create_group()
    world.add_server("web1")
    world.take_point(created=NOW + SOON)
    first, *_ = points(world)
    later()
    world.add_server("web2")
    world.take_point(created=NOW + 6 * SOON)
    world.lose_a()
    operation = world.fail_over(snapshot=first)
    assert operation.status == "completed"
    assert world.servers() == {"web1": "ACTIVE"}
    assert world.group.status == "failed_over"
    said = world.b.steps(operation.id)["recreate_vm_web2"].detail
    assert said == "VM web2 joined the group after the snapshot was taken, and is left out"
    assert [member.name for member in world.document(world.b).members] == ["web1"]


def test_a_disk_that_was_detached_since_then_comes_back(
    world: World, later: Callable[[], None]
) -> None:
    world.create_group()
    server_id = world.add_server("web1", volumes=2)
    world.take_point(created=NOW + SOON)
    first, *_ = points(world)
    data = world.document().members[0].volumes[1]
    later()
    world.a.edits.remove_member(context(), world.group_id, server_id)
    world.a.cloud.detach_volume(server_id, data.id)
    world.a.edits.add_member(context(), world.group_id, "web1", {"boot_priority": 1})
    world.take_point(created=NOW + 6 * SOON)
    world.lose_a()
    world.fail_over(snapshot=first)
    assert names(world) == ["web1-0", "web1-1"]
    (member,) = world.document(world.b).members
    assert member.boot_priority == 1


def test_a_retry_keeps_to_the_choice(world: World) -> None:
    world.create_group()
    for name in ("web1", "web2"):
        world.add_server(name)
    world.take_point(created=NOW + SOON)
    world.take_point(created=NOW + 2 * SOON)
    world.lose_a()
    first, second = points(world)
    refuse = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    world.b.cloud.faults.set("recreate_server", refuse, times=1)
    operation = world.fail_over(before=NOW + 1.5 * SOON)
    assert operation.status == "failed"
    # What the next attempt begins with, as protector-api would.
    given = {**operation.arguments, "document": None}
    assert given["snapshot"] == first
    again = world.fail_over(**given)
    assert again.status == "completed"
    with world.b.sessions.begin() as session:
        made = pairs.volumes(session, world.group_id, "e0").values()
        points_used = {pair.point for pair in made}
    assert points_used == {first}
    assert second not in points_used


def test_another_point_than_the_one_begun_with_is_refused(world: World) -> None:
    world.create_group()
    for name in ("web1", "web2"):
        world.add_server(name)
    world.take_point(created=NOW + SOON)
    world.take_point(created=NOW + 2 * SOON)
    world.lose_a()
    first, second = points(world)
    refuse = errors.StorageError(array="array-b", reason="no space left")
    world.b.array.faults.set("promote", refuse, times=1)
    world.fail_over(snapshot=first)
    assert world.group.status == "failed_over_partial"
    operation = world.fail_over(snapshot=second)
    assert operation.status == "failed"
    assert f"--snapshot {first}" in (operation.error_message or "")
