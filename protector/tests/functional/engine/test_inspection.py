# SPDX-License-Identifier: Apache-2.0
"""What the engine tells when it is asked how things stand."""

import pytest
from functional.engine.world import World, minutes_ago

from protector import errors
from protector.cloud.fake import FakeServiceCloud
from protector.db import sites
from protector.engine.inspection import consistency_group, volume_types
from protector.engine.validation import validate_site


@pytest.fixture
def protected(world: World) -> World:
    world.create_group()
    world.add_server("web1", volumes=2)
    return world


def register(world: World) -> None:
    with world.a.sessions.begin() as session:
        for name in ("site-a", "site-b"):
            sites.create(session, name=name, auth_url=f"http://{name}/identity")


def test_the_source_shows_what_it_replicates_where(protected: World) -> None:
    told = consistency_group(protected.a.equipment, protected.group_id)
    assert (told["role"], told["target_array"]) == ("source", "array-b")
    assert told["replicating"] is True
    assert len(told["volumes"]) == 2
    assert told["volumes_not_replicated"] == []


def test_the_source_names_what_it_should_replicate_and_does_not(protected: World) -> None:
    """A retype in Cinder takes a volume out of the array's group without a word."""
    chain = protected.document().consistency_group
    assert chain is not None
    lost = protected.document().members[0].volumes[1].array_volume
    protected.a.array.remove_from_group(chain.array_group, lost)
    told = consistency_group(protected.a.equipment, protected.group_id)
    assert told["volumes_not_replicated"] == [lost]


def test_the_target_shows_its_snapshots_and_how_old_the_data_is(protected: World) -> None:
    protected.take_point(created=minutes_ago(10))
    protected.take_point(created=minutes_ago(1), progress=0.4)
    told = consistency_group(protected.b.equipment, protected.group_id)
    newest, complete = told["snapshots"]
    assert (newest["complete"], newest["progress"]) == (False, 0.4)
    assert told["latest_complete_snapshot"] == complete["name"]
    assert 600 <= told["rpo_seconds"] < 660


def test_a_target_without_a_complete_snapshot_says_so(protected: World) -> None:
    told = consistency_group(protected.b.equipment, protected.group_id)
    assert told["latest_complete_snapshot"] is None
    assert told["snapshots"] == []


def test_volume_types_are_those_that_replicate(world: World) -> None:
    told = volume_types(world.a.equipment)
    assert [(one["name"], one["backend"], one["replication_type"]) for one in told] == [
        ("replicated", "pure", "async"),
        ("replicated-sync", "pure", "sync"),
    ]


def test_this_site_is_valid_when_cloud_and_array_answer(world: World) -> None:
    register(world)
    told = validate_site(world.a.equipment, "site-a")
    assert told["status"] == "active"
    assert {check["name"] for check in told["checks"]} >= {"nova", "cinder", "array"}
    assert {check["result"] for check in told["checks"]} == {"ok"}


def test_what_does_not_answer_here_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    register(world)
    monkeypatch.setattr(FakeServiceCloud, "check", lambda self: {"nova": "Connection refused"})
    world.a.array.down = True
    told = validate_site(world.a.equipment, "site-a")
    assert told["status"] == "unreachable"
    results = {check["name"]: check["result"] for check in told["checks"]}
    assert results["nova"] == "Connection refused"
    assert "array-a cannot be reached" in results["array"]


def test_the_peer_is_valid_when_its_protector_introduces_itself(world: World) -> None:
    register(world)
    told = validate_site(world.a.equipment, "site-b")
    assert told == {"status": "active", "checks": [{"name": "protector", "result": "ok"}]}
    world.a.peer.down = True
    told = validate_site(world.a.equipment, "site-b")
    assert told["checks"] == [{"name": "protector", "result": "unreachable: Connection refused"}]


def test_a_peer_that_refuses_is_quoted(world: World) -> None:
    register(world)

    def refuse(what: str) -> None:
        raise errors.PeerRefused(peer_site="site-b", reason="wrong password")

    world.a.peer.asked = refuse
    told = validate_site(world.a.equipment, "site-b")
    assert told["checks"][0]["result"] == "site-b refused: wrong password"
