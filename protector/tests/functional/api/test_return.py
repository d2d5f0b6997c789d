# SPDX-License-Identifier: Apache-2.0
"""A site that was away: what it says of its groups, and what it does with what still runs there."""

from typing import Any

import pytest
import sqlalchemy as sa
from functional.api.world import Site, World, eventually

from protector import errors
from protector.db import groups
from protector.db.models import DeletedGroup
from protector.storage.base import ReplicaGroup


def path(group_id: str) -> str:
    return f"/v1/{{project}}/protection-groups/{group_id}"


def told(site: Site, group_id: str) -> str:
    return " ".join(one["what"] for one in site.show(group_id)["fenced"])


def ids(site: Site, group_id: str) -> list[str]:
    return [member["server_id"] for member in site.show(group_id)["members"]]


def fail_over(world: World, group_id: str) -> None:
    operation = world.b.fail_over(group_id).json["operation"]["operation_id"]
    assert world.b.ended(operation)["status"] == "completed"


def fence_by(world: World, group_id: str, fencing: str) -> None:
    change = {"protection_group": {"fencing": fencing}}
    assert world.a.ask("PATCH", path(group_id), change).status_int == 200


@pytest.fixture
def group_id(world: World) -> str:
    return world.protected("web-server-1", "web-server-2")


def test_a_peer_that_is_lost_and_back_is_noticed_without_being_asked_for(
    world: World, group_id: str
) -> None:
    for site, other in ((world.a, "site-b"), (world.b, "site-a")):
        site.lines[other].down = True
        eventually(lambda site=site: site.show(group_id)["remote_sync_status"] == "UNREACHABLE")
        assert site.sync_status(group_id)["remote"]["error"] == "Connection timeout"
        site.lines[other].down = False
        eventually(lambda site=site: site.show(group_id)["remote_sync_status"] == "SYNCED")


def test_all_groups_are_asked_about_in_one_question(world: World) -> None:
    for number in range(3):
        world.create_group(f"group-{number}")
    asked = world.b.lines["site-a"].asked
    before = len(asked)
    eventually(lambda: len(asked) > before + 2)
    assert set(asked[before:]) == {"POST /v1/peer/standings"}


def test_a_change_that_was_begun_and_not_finished_is_told_before_it_is_needed(
    world: World, group_id: str
) -> None:
    world.a.lines["site-b"].cut = "/prepared"
    change = {"protection_group": {"description": "changed"}}
    assert world.a.ask("PATCH", path(group_id), change).status_int == 200
    assert world.b.show(group_id)["remote_sync_status"] == "PENDING"
    world.lose_a()
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "BLOCKED")
    assert "site-a had begun version 4" in world.b.sync_status(group_id)["remote"]["error"]


def test_what_was_begun_and_given_up_is_taken_back(world: World, group_id: str) -> None:
    world.a.lines["site-b"].lose = "/prepared"
    change = {"protection_group": {"description": "never"}}
    assert world.a.ask("PATCH", path(group_id), change).status_int == 503
    world.a.lines["site-b"].lose = None
    documents = f"{path(group_id)}/documents"
    eventually(
        lambda: "prepared" not in {one["standing"] for one in world.b.get(documents)["documents"]}
    )
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "SYNCED")


def test_the_dead_site_learns_on_its_return_that_the_group_runs_elsewhere(
    world: World, group_id: str
) -> None:
    world.lose_a()
    fail_over(world, group_id)
    assert world.b.show(group_id)["remote_sync_status"] == "UNREACHABLE"
    world.regain_a()

    eventually(lambda: world.a.show(group_id)["current_primary_site"] == "site-b")
    shown = world.a.show(group_id)
    assert (shown["status"], shown["remote_sync_status"]) == ("failed_over", "OUT_OF_SYNC")
    assert (shown["epoch"], shown["version"]) == (0, 3)
    assert "site-b has failed the group over (epoch 1, version 4)" in str(
        world.a.sync_status(group_id)["remote"]["error"]
    )
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "OUT_OF_SYNC")
    status = world.b.sync_status(group_id)
    assert status["status"] == "OUT_OF_SYNC"
    assert status["remote"]["status"] == "UNREACHABLE"  # what came of the last attempt to tell it
    assert status["remote"]["error"] == "Connection timeout"
    assert status["remote"]["version"] == 3
    assert status["actions"][1] == "Force sync once remote site is available"
    for refused in (
        world.a.ask("PATCH", path(group_id), {"protection_group": {"description": "mine"}}),
        world.a.ask("DELETE", path(group_id)),
        world.a.fail_over(group_id),
        world.a.act(group_id, "reset_state", status="active"),
        world.a.act(group_id, "sync_force"),
    ):
        assert refused.status_int == 409
        assert refused.json["error"]["code"] == "protector.group.superseded"
        assert "export OS_CLOUD=site-b" in refused.json["error"]["message"]

    assert world.b.act(group_id, "sync_force").status_int == 200
    for site in (world.a, world.b):
        shown = site.show(group_id)
        assert (shown["epoch"], shown["version"]) == (1, 4)
        assert shown["remote_sync_status"] == "SYNCED"


def test_an_engine_asks_the_peer_before_it_answers_anybody(world: World, group_id: str) -> None:
    world.lose_a()
    fail_over(world, group_id)
    world.a.conf.set_override("sweep_interval", 600, group="engine")
    world.regain_a()
    change = {"protection_group": {"description": "mine"}}
    refused = world.a.ask("PATCH", path(group_id), change)  # waits until the engine answers
    assert refused.json["error"]["code"] == "protector.group.superseded"


def test_its_vms_are_stopped_and_none_is_deleted(world: World, group_id: str) -> None:
    first, second = ids(world.a, group_id)
    world.a.cloud.statuses[second] = "SHUTOFF"
    world.lose_a()
    fail_over(world, group_id)
    world.regain_a()

    eventually(lambda: world.a.show(group_id)["fenced"])
    assert world.a.cloud.statuses[first] == "SHUTOFF"
    assert set(world.a.cloud.servers) >= {first, second}
    said = told(world.a, group_id)
    assert f"VM web-server-1 ({first}) was running and was stopped" in said
    assert f"VM web-server-2 ({second}) is off" in said
    assert "Replication of" in said
    (chain,) = world.a.array.groups
    replication = world.a.array.replication(chain)
    assert replication
    assert not replication.enabled
    assert world.b.array.points(ReplicaGroup("array-a", chain))  # what came over is still there
    assert world.b.show(group_id)["fenced"] == []


def test_its_vms_are_only_reported_if_the_group_says_so(world: World, group_id: str) -> None:
    fence_by(world, group_id, "report")
    first, _ = ids(world.a, group_id)
    world.lose_a()
    fail_over(world, group_id)
    world.regain_a()

    eventually(lambda: world.a.show(group_id)["fenced"])
    assert first not in world.a.cloud.statuses
    said = told(world.a, group_id)
    assert f"VM web-server-1 ({first}) runs, though site-b runs the group" in said
    assert f"openstack server stop {first}" in said
    assert "still replicates" in said


def test_what_could_not_be_stopped_is_told_and_tried_again(world: World, group_id: str) -> None:
    first, second = ids(world.a, group_id)
    world.lose_a()
    fail_over(world, group_id)
    broken = errors.CloudError(service="Nova", site="site-a", reason="Connection refused")
    world.a.cloud.faults.set("look", broken, times=3)
    world.regain_a()

    eventually(lambda: "Nova of site-a: Connection refused" in told(world.a, group_id))
    eventually(lambda: told(world.a, group_id).count("was running and was stopped") == 2)
    assert world.a.cloud.statuses == {first: "SHUTOFF", second: "SHUTOFF"}


def test_a_vm_that_somebody_starts_again_is_left_to_him(world: World, group_id: str) -> None:
    world.a.conf.set_override("capture_interval", 0.1, group="engine")
    first, _ = ids(world.a, group_id)
    world.lose_a()
    fail_over(world, group_id)
    world.regain_a()
    eventually(lambda: "was running and was stopped" in told(world.a, group_id))
    world.a.cloud.statuses.pop(first)
    eventually(lambda: "was stopped and runs again" in told(world.a, group_id))
    assert first not in world.a.cloud.statuses


def test_a_site_whose_peer_is_away_works_on_as_far_as_it_can(world: World, group_id: str) -> None:
    world.a.stop_engine()
    world.a.lines["site-b"].down = True
    world.a.start_engine()
    eventually(lambda: world.a.show(group_id)["remote_sync_status"] == "UNREACHABLE")
    chain: Any = world.a.get(f"{path(group_id)}/consistency-group")["consistency_group"]
    assert chain["replicating"]
    refused = world.a.ask("PATCH", path(group_id), {"protection_group": {"description": "x"}})
    assert refused.status_int == 503
    assert world.a.show(group_id)["fenced"] == []


def test_after_a_failover_nothing_is_changed_before_both_know_of_it(
    world: World, group_id: str
) -> None:
    world.lose_a()
    fail_over(world, group_id)
    change = {"protection_group": {"description": "after the failover"}}
    refused = world.b.ask("PATCH", path(group_id), change)
    assert refused.status_int in (409, 503)
    world.regain_a()
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "OUT_OF_SYNC")
    refused = world.b.ask("PATCH", path(group_id), change)
    assert refused.status_int == 409
    assert refused.json["error"]["code"] == "protector.group.not_synchronized"

    assert world.b.act(group_id, "sync_force").status_int == 200
    assert world.b.ask("PATCH", path(group_id), change).status_int == 200
    assert world.a.show(group_id)["description"] == "after the failover"
    refused = world.b.ask("PATCH", f"{path(group_id)}/policy", {"policy": {"rpo_minutes": 30}})
    assert refused.status_int == 409
    assert "It is not replicated from site-b" in refused.json["error"]["message"]


def test_a_site_that_lost_its_database_gets_the_group_back(world: World, group_id: str) -> None:
    with world.a.sessions.begin() as session:
        groups.delete(session, group_id)
        session.execute(sa.delete(DeletedGroup))
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "OUT_OF_SYNC")
    assert world.b.act(group_id, "sync_force").status_int == 200
    assert world.a.show(group_id)["version"] == world.b.show(group_id)["version"]
    assert (
        world.a.ask(
            "PATCH", path(group_id), {"protection_group": {"description": "again"}}
        ).status_int
        == 200
    )


def test_a_message_that_comes_after_the_deletion_brings_nothing_back(
    world: World, group_id: str
) -> None:
    version = world.a.peer("site-b").version(group_id)
    assert version
    assert world.a.ask("DELETE", path(group_id)).status_int == 204
    with pytest.raises(errors.PeerRefused, match="was deleted on site-b"):
        world.a.peer("site-b").prepare(version, None)
    assert world.b.ask("GET", path(group_id)).status_int == 404
