# SPDX-License-Identifier: Apache-2.0
"""Whether a group is ready is asked of the site that would take it over, and nothing happens."""

from typing import Any

import pytest
from functional.api.world import Site, World


@pytest.fixture
def group_id(world: World) -> str:
    return world.protected("web-server-1", "web-server-2")


def path(group_id: str) -> str:
    return f"/v1/{{project}}/protection-groups/{group_id}/readiness"


def readiness(site: Site, group_id: str) -> Any:
    return site.get(path(group_id))["readiness"]


def test_a_ready_group_comes_with_the_plan(world: World, group_id: str) -> None:
    told = readiness(world.b, group_id)
    assert (told["ready"], told["findings"]) == (True, [])
    assert [vm["name"] for vm in told["plan"]["vms"]] == ["web-server-1", "web-server-2"]
    assert told["plan"]["snapshot"]["rpo_seconds"] >= 0
    assert told["plan"]["estimate"]["seconds"] > 0
    assert [phase["name"] for phase in told["plan"]["phases"]] == [
        "preparation",
        "storage_failover",
        "instance_recreation",
        "finalization",
    ]


def test_a_dry_run_is_judged_by_the_mappings_it_is_given(world: World, group_id: str) -> None:
    asked = world.b.fail_over(group_id, dry_run=True, network_mapping={"web": "nowhere"})
    assert asked.status_int == 200
    told = asked.json["readiness"]
    assert not told["ready"]
    assert {one["subject"] for one in told["findings"]} == {"web-server-1", "web-server-2"}
    assert all("nowhere" in one["finding"] for one in told["findings"])
    assert all("openstack network list" in one["remedy"] for one in told["findings"])


def test_neither_leaves_an_operation_or_a_trust_or_another_status(
    world: World, group_id: str
) -> None:
    world.b.fail_over(group_id, dry_run=True)
    readiness(world.b, group_id)
    assert world.b.get("/v1/{project}/operations")["operations"] == []
    assert world.b.cloud.trusts == {}
    assert world.b.show(group_id)["status"] == "active"


def test_the_other_site_says_where_it_is_asked(world: World, group_id: str) -> None:
    for refused in (
        world.a.ask("GET", path(group_id)),
        world.a.fail_over(group_id, dry_run=True),
    ):
        assert refused.status_int == 409
        assert refused.json["error"]["code"] == "protector.group.wrong_site"
        assert refused.json["error"]["details"]["right_site"] == "site-b"


def test_a_group_that_was_failed_over_is_not_checked(world: World, group_id: str) -> None:
    world.b.ended(world.b.fail_over(group_id).json["operation"]["operation_id"])
    refused = world.b.ask("GET", path(group_id))
    assert refused.json["error"]["code"] == "protector.group.wrong_status"


def test_it_takes_someone_who_could_fail_over(world: World, group_id: str) -> None:
    assert world.b.ask("GET", path(group_id), who="rita").status_int == 403
    assert world.b.ask("GET", path(group_id), who="mallory").status_int == 404
