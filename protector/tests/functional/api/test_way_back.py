# SPDX-License-Identifier: Apache-2.0
"""Reprotect and failback as they are asked for: each on its site, each in its turn."""

from typing import Any

import pytest
import webob
from functional.api.world import Site, World, eventually

from protector import errors

VMS = ("web-server-1", "web-server-2")


@pytest.fixture
def group_id(world: World) -> str:
    """A group that was failed over to site-b; site-a is back, and both have the same version."""
    group_id = world.protected(*VMS)
    world.lose_a()
    assert done(world.b, world.b.fail_over(group_id))["status"] == "completed"
    world.regain_a()
    eventually(lambda: world.a.show(group_id)["current_primary_site"] == "site-b")
    assert world.b.act(group_id, "sync_force").status_int == 200
    eventually(lambda: world.a.show(group_id)["remote_sync_status"] == "SYNCED")
    eventually(lambda: set(statuses(world.a)) == {"SHUTOFF"})
    return group_id


def done(site: Site, answer: webob.Response) -> Any:
    assert answer.status_int == 202, answer.text
    return site.ended(answer.json["operation"]["operation_id"])


def refused(answer: webob.Response) -> Any:
    assert answer.status_int == 409
    return answer.json["error"]


def statuses(site: Site) -> list[str]:
    return [one.status for one in site.cloud.as_service().look(site.project).values()]


def protect(world: World, group_id: str) -> Any:
    """Have the group protected where it runs; return the operation once both sites know it."""
    operation = done(world.b, world.b.act(group_id, "reprotect"))
    for site in (world.a, world.b):
        eventually(lambda site=site: site.show(group_id)["remote_sync_status"] == "SYNCED")
    return operation


def test_there_and_back(world: World, group_id: str) -> None:
    operation = protect(world, group_id)
    assert (operation["status"], operation["operation_type"]) == ("completed", "reprotect")
    assert operation["error_message"] is None

    operation = done(world.a, world.a.act(group_id, "failback"))
    assert operation["error_message"] is None
    assert (operation["status"], operation["operation_type"]) == ("completed", "failback")
    assert (operation["source_site"], operation["target_site"]) == ("site-b", "site-a")
    for site in (world.a, world.b):
        shown = site.show(group_id)
        assert (shown["status"], shown["current_primary_site"]) == ("active", "site-a")
    assert statuses(world.a) == ["ACTIVE"] * len(VMS)
    assert statuses(world.b) == []
    eventually(lambda: world.a.show(group_id)["fenced"] == [])


def test_a_failback_says_that_the_group_is_to_be_protected_first_and_where(
    world: World, group_id: str
) -> None:
    error = refused(world.a.act(group_id, "failback"))
    assert error["code"] == "protector.group.not_reprotected"
    assert error["details"]["right_site"] == "site-b"
    assert world.a.show(group_id)["status"] == "failed_over"


def test_each_is_asked_for_on_its_own_site(world: World, group_id: str) -> None:
    for site, action, right in ((world.a, "reprotect", "site-b"), (world.b, "failback", "site-a")):
        error = refused(site.act(group_id, action))
        assert error["code"] == "protector.group.wrong_site"
        assert error["details"]["right_site"] == right


def test_what_is_protected_already_is_not_again_nor_failed_over_further(
    world: World, group_id: str
) -> None:
    protect(world, group_id)
    error = refused(world.b.act(group_id, "reprotect"))
    assert "is protected by site-a already" in error["message"]
    assert "failback" in error["message"]


def test_a_failback_that_is_only_thought_through_changes_nothing(
    world: World, group_id: str
) -> None:
    protect(world, group_id)
    answer = world.a.act(group_id, "failback", dry_run=True)
    assert answer.status_int == 200, answer.text
    readiness = answer.json["readiness"]
    assert readiness["ready"], readiness["findings"]
    steps = [step for phase in readiness["plan"]["phases"] for step in phase["steps"]]
    assert "overwrite_originals" in steps
    assert world.a.show(group_id)["status"] == "failed_over"
    assert statuses(world.b) == ["ACTIVE"] * len(VMS)


def test_no_vm_is_left_out_of_a_failback(world: World, group_id: str) -> None:
    protect(world, group_id)
    world.a.array.faults.set("overwrite", errors.StorageError(array="array-a", reason="it is full"))
    failed = done(world.a, world.a.act(group_id, "failback"))
    assert "it is full" in failed["error_message"]
    answer = world.a.act_on(failed["operation_id"], "retry", skip=[VMS[0]])
    assert answer.status_int == 400
    assert "brings back all VMs, or none" in answer.json["error"]["message"]


def test_only_those_who_may_ask_for_it(world: World, group_id: str) -> None:
    path = f"/v1/{{project}}/protection-groups/{group_id}/action"
    for action in ("reprotect", "failback"):
        assert world.b.ask("POST", path, {action: {}}, who="rita").status_int == 403


def test_while_the_other_site_is_away_that_is_what_is_said(world: World, group_id: str) -> None:
    """To ask for the metadata to be synchronized would be of no avail."""
    world.lose_a()
    eventually(lambda: world.b.show(group_id)["remote_sync_status"] == "UNREACHABLE")
    answer = world.b.act(group_id, "reprotect")
    assert answer.status_int == 503
    error = answer.json["error"]
    assert error["code"] == "protector.peer.unreachable"
    assert "openstack protector site validate site-a" in error["message"]
