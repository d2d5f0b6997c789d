# SPDX-License-Identifier: Apache-2.0
"""What a group leaves behind on a site is locked and marked as long as it may come back to it."""

import pytest
from functional.engine.world import World

from protector import errors
from protector.db import groups
from protector.domain.document import Document, Standby, checksum
from protector.engine.sweeps import standby
from protector.sync import edit


@pytest.fixture
def moved(world: World) -> World:
    """The group runs on site-b, both sites know it, and it is not protected there yet."""
    world.protect("web1", "web2")
    assert world.fail_over().status == "completed"
    assert world.document() == world.document(world.b)
    return world


def look(world: World) -> None:
    for site in (world.a, world.b):
        standby.Standby(site.equipment).look()


def put(world: World, **changes: object) -> Document:
    """Have both sites put the next version in force, as an edit does."""
    following = world.document(world.b).following("site-b", **changes)
    for site in (world.a, world.b):
        with site.sessions.begin() as session:
            edit.put_in_force(session, following)
            groups.adopt(session, following, site.name)
        edit.acknowledged(site.sessions, world.group_id, checksum(following))
    return following


def test_servers_are_locked_with_the_reason_and_volumes_are_marked(moved: World) -> None:
    look(moved)
    document = moved.document()
    ids = {member.server_id for member in document.members}
    volumes = {volume.id for member in document.members for volume in member.volumes}
    assert moved.a.cloud.locks == dict.fromkeys(
        ids,
        f"standby of protection group prod-web-app ({moved.group_id}), which runs on site-b",
    )
    assert moved.a.cloud.marked == dict.fromkeys(volumes, moved.group_id)
    assert moved.b.cloud.locks == moved.b.cloud.marked == {}


def test_before_a_failover_nothing_is_marked(world: World) -> None:
    world.protect("web1")
    look(world)
    assert "standing_by" not in world.a.cloud.faults.calls
    assert world.a.cloud.locks == {}


def test_what_is_marked_is_not_marked_again_and_again(moved: World) -> None:
    looking = standby.Standby(moved.a.equipment)
    for _ in range(3):
        looking.look()
    assert moved.a.cloud.faults.calls.count("standing_by") == 1
    assert moved.a.cloud.faults.calls.count("stand_by") == 1


def test_a_cloud_that_does_not_answer_is_asked_again(moved: World) -> None:
    silent = errors.CloudUnavailable(service="Nova", site="site-a", reason="no")
    moved.a.cloud.faults.set("stand_by", silent, times=1)
    looking = standby.Standby(moved.a.equipment)
    looking.look()
    assert moved.a.cloud.locks == {}
    looking.look()
    assert len(moved.a.cloud.locks) == 2


def test_what_is_only_reported_is_not_locked(moved: World) -> None:
    put(moved, fencing="report")
    look(moved)
    assert moved.a.cloud.locks == {}


def test_what_somebody_has_locked_stays_as_it_is(moved: World) -> None:
    web1 = moved.document().members[0].server_id
    moved.a.cloud.locks[web1] = "hands off"
    look(moved)
    put(moved, current_primary_site="site-a", status="active")
    look(moved)
    assert moved.a.cloud.locks == {web1: "hands off"}


def test_once_protected_there_what_the_document_says_stands_by(moved: World) -> None:
    look(moved)
    before = moved.document()
    web1 = before.members[0]
    chain = before.consistency_group
    assert chain is not None
    put(
        moved,
        consistency_group=chain.model_copy(update={"array": "array-b"}),
        members=[],
        standby=[Standby(server_id=None, member=web1, volumes={})],
    )
    look(moved)
    assert set(moved.a.cloud.locks) == {web1.server_id}
    assert set(moved.a.cloud.marked) == {volume.id for volume in web1.volumes}
    put(moved, standby=[])
    look(moved)
    assert moved.a.cloud.locks == moved.a.cloud.marked == {}


def test_a_group_that_is_home_again_bears_no_marks(moved: World) -> None:
    look(moved)
    put(moved, current_primary_site="site-a", status="active")
    look(moved)
    assert moved.a.cloud.locks == moved.a.cloud.marked == {}


def test_what_is_released_bears_no_marks_any_more(moved: World) -> None:
    before = moved.document()
    web1, chain = before.members[0], before.consistency_group
    assert chain is not None
    put(
        moved,
        consistency_group=chain.model_copy(update={"array": "array-b"}),
        standby=[Standby(server_id="here", member=web1, volumes={})],
    )
    look(moved)
    assert set(moved.a.cloud.locks) == {web1.server_id}
    moved.b.edits.release(moved.group_id)
    assert moved.document().standby == moved.document(moved.b).standby == []
    look(moved)
    assert moved.a.cloud.locks == moved.a.cloud.marked == {}


def test_before_it_is_protected_there_nothing_is_released(moved: World) -> None:
    with pytest.raises(errors.NothingStandsBy):
        moved.b.edits.release(moved.group_id)
