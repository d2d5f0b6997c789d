# SPDX-License-Identifier: Apache-2.0
"""A planned failover between two Protectors that talk to each other over their APIs."""

from typing import Any

import pytest
from functional.api.world import World, eventually

from protector import errors

SERVERS = ("web-server-1", "web-server-2")


@pytest.fixture
def group_id(world: World) -> str:
    for site in (world.a, world.b):
        site.conf.set_override("watch_interval", 0.05, group="engine")
    return world.protected(*SERVERS)


def plan(world: World, group_id: str, **arguments: Any) -> Any:
    asked = world.b.act(group_id, "failover", type="planned", **arguments)
    assert asked.status_int in (200, 202), asked.text
    return asked.json


def planned(world: World, group_id: str) -> Any:
    return world.b.ended(plan(world, group_id)["operation"]["operation_id"])


def statuses(world: World) -> set[str]:
    return {world.a.cloud.status(id) for id in world.a.cloud.servers}


def test_both_sites_change_roles_and_the_old_vms_stand_by(world: World, group_id: str) -> None:
    operation = planned(world, group_id)
    assert (operation["status"], operation["error_message"]) == ("completed", None)
    assert operation["operation_type"] == "failover"
    eventually(lambda: world.a.show(group_id)["status"] == "failed_over")
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "SYNCED")
    for site in (world.a, world.b):
        shown = site.show(group_id)
        assert (shown["current_primary_site"], shown["failover_count"]) == ("site-b", 1)
    assert statuses(world) == {"SHUTOFF"}
    assert len(world.b.cloud.made_servers) == 2
    eventually(lambda: len(world.a.cloud.locks) == 2)

    (source,) = world.a.get("/v1/{project}/operations")["operations"]
    assert (source["operation_type"], source["status"]) == ("hand_over", "completed")
    assert (source["source_site"], source["target_site"]) == ("site-a", "site-b")


def test_what_goes_wrong_brings_the_vms_back(world: World, group_id: str) -> None:
    no_host = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    world.b.cloud.faults.set("recreate_server", no_host)
    operation = planned(world, group_id)
    assert operation["status"] == "failed"
    assert "no valid host" in operation["error_message"]
    assert statuses(world) == {"ACTIVE"}
    assert world.b.cloud.made_servers == {}
    assert world.a.show(group_id)["status"] == world.b.show(group_id)["status"] == "active"

    world.b.cloud.faults.clear()
    again = world.b.act_on(operation["operation_id"], "retry")
    assert world.b.ended(again.json["operation"]["operation_id"])["status"] == "completed"


def test_a_dry_run_tells_the_plan_and_changes_nothing(world: World, group_id: str) -> None:
    told = plan(world, group_id, dry_run=True)["readiness"]
    assert told["ready"] is True
    storage = next(one for one in told["plan"]["phases"] if one["name"] == "storage_failover")
    assert "wait_for_last_snapshot" in storage["steps"]
    world.b.lines["site-a"].down = True
    told = plan(world, group_id, dry_run=True)["readiness"]
    assert told["ready"] is False
    assert any("cannot be reached" in one["finding"] for one in told["findings"])
    assert statuses(world) == {"ACTIVE"}


def test_nothing_of_it_is_kept_when_it_is_cancelled(world: World, group_id: str) -> None:
    world.a.array.speed = 0.4
    operation_id = plan(world, group_id)["operation"]["operation_id"]
    path = f"/v1/{{project}}/operations/{operation_id}"

    def waits() -> bool:
        steps = world.b.get(path)["operation"]["steps"]
        return any("40.0%" in (step["detail"] or "") for step in steps)

    eventually(waits)
    refused = world.b.act_on(operation_id, "cancel", keep=True)
    assert refused.json["error"]["code"] == "protector.operation.cancel_undoes_only"
    assert world.a.show(group_id)["status"] == "handing_over"
    assert world.b.act_on(operation_id, "cancel").status_int == 202
    assert world.b.ended(operation_id)["status"] == "cancelled"
    assert statuses(world) == {"ACTIVE"}
    assert world.a.show(group_id)["status"] == "active"


def test_an_engine_of_the_source_that_stops_is_followed_by_another(
    world: World, group_id: str
) -> None:
    world.a.array.speed = 0.4
    operation_id = plan(world, group_id)["operation"]["operation_id"]
    eventually(lambda: world.a.array.faults.calls.count("take_point"))
    world.a.stop_engine()
    world.b.array.arrive(
        next(
            point.name
            for replica in world.b.array._replicas.values()
            for point in replica.points
            if operation_id in point.name
        )
    )
    world.a.start_engine()
    assert world.b.ended(operation_id)["status"] == "completed"
    assert statuses(world) == {"SHUTOFF"}
