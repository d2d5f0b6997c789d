# SPDX-License-Identifier: Apache-2.0
"""site-a is gone: what site-b's API is asked, and what it says, until both are there again."""

import threading

import pytest
from functional.api.world import World, eventually

from protector import errors


def test_the_walkthrough(world: World) -> None:
    group_id = world.protected("web-server-1", "web-server-2")
    world.lose_a()
    answered = threading.Event()
    world.b.cloud.faults.set("recreate_server", lambda request: answered.wait(20))

    accepted = world.b.fail_over(group_id)
    answered.set()
    assert accepted.status_int == 202
    operation = accepted.json["operation"]
    assert list(operation)[:6] == [
        "operation_id",
        "operation_type",
        "status",
        "progress",
        "source_site",
        "target_site",
    ]
    assert operation["operation_type"] == "failover"
    assert operation["status"] == "running"
    assert operation["source_site"] == "site-a"
    assert operation["target_site"] == "site-b"

    done = world.b.ended(operation["operation_id"])
    assert done["status"] == "completed"
    assert done["progress"] == 100
    assert done["error_message"] is None
    assert done["steps_failed"] == []
    assert sorted(done["steps_completed"][5:7]) == [
        "recreate_vm_web-server-1",
        "recreate_vm_web-server-2",
    ]
    assert [step["name"] for step in done["steps"]] == done["steps_completed"]

    shown = world.b.show(group_id)
    assert shown["status"] == "failed_over"
    assert shown["current_primary_site"] == "site-b"
    assert shown["failover_count"] == 1
    assert shown["last_failover_at"]
    assert shown["remote_sync_status"] == "UNREACHABLE"

    standing = world.b.sync_status(group_id)
    assert standing["local"]["version"] == 4
    assert standing["local"]["site"] == "site-b"
    assert standing["remote"]["version"] == 3
    assert standing["remote"]["error"] == "Connection timeout"

    world.regain_a()
    told = world.b.act(group_id, "sync_force").json["sync"]
    assert (told["peer_site"], told["version"]) == ("site-a", 4)
    for site in (world.a, world.b):
        assert site.show(group_id)["current_primary_site"] == "site-b"
        assert site.sync_status(group_id)["in_sync"] is True


def test_nothing_is_sent_to_the_dead_site_before_the_vms_run(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    world.b.stop_engine()  # until the failover is there, it may ask how site-a stands
    line = world.b.lines["site-a"]
    line.down = False  # so that whatever is sent is seen
    seen: list[list[str]] = []
    world.b.cloud.faults.set("recreate_server", lambda request: seen.append(list(line.asked)))
    operation = world.b.fail_over(group_id).json["operation"]
    world.b.start_engine()
    assert world.b.ended(operation["operation_id"])["status"] == "completed"
    assert seen == [[]]


def test_failover_is_asked_of_the_surviving_site(world: World) -> None:
    group_id = world.protected("web-server-1")
    refused = world.a.fail_over(group_id)
    assert refused.status_int == 409
    assert refused.json["error"]["code"] == "protector.group.wrong_site"
    assert refused.json["error"]["details"]["right_site"] == "site-b"
    assert "export OS_CLOUD=site-b" in refused.json["error"]["message"]
    assert world.a.cloud.trusts == {}


def test_two_failovers_at_once_become_one(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    release = threading.Event()
    world.b.cloud.faults.set("recreate_server", lambda request: release.wait(20))
    first = world.b.fail_over(group_id).json["operation"]
    second = world.b.fail_over(group_id)
    assert second.status_int == 409
    assert second.json["error"]["code"] == "protector.operation.running"
    assert first["operation_id"] in second.json["error"]["message"]
    release.set()
    assert world.b.ended(first["operation_id"])["status"] == "completed"
    again = world.b.fail_over(group_id)
    assert "is failed_over and cannot fail over now" in again.json["error"]["message"]


def test_the_trust_is_taken_from_the_caller_and_given_back(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    lent: list[object] = []
    world.b.cloud.faults.set(
        "recreate_server", lambda request: lent.extend(world.b.cloud.trusts.values())
    )
    operation = world.b.fail_over(group_id).json["operation"]
    world.b.ended(operation["operation_id"])
    (trust,) = lent
    assert (trust.user_id, trust.project_id) == ("alice", "project-b")
    assert list(trust.roles) == ["member"]
    eventually(lambda: world.b.cloud.trusts == {})


def test_without_a_trust_nothing_is_begun(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    refusal = errors.CloudRefused(
        service="keystone", site="site-b", action="take a trust", reason="trusts are off"
    )
    world.b.cloud.faults.set("take_trust", refusal, times=1)
    refused = world.b.fail_over(group_id)
    assert refused.status_int == 502
    assert refused.json["error"]["message"].startswith("keystone of site-b refused")
    assert world.b.show(group_id)["status"] == "active"
    assert world.b.get("/v1/{project}/operations")["operations"] == []


def test_a_keystone_that_gives_no_trust_now_can_be_asked_again(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    away = errors.CloudUnavailable(service="Keystone", site="site-b", reason="HTTP 503.")
    world.b.cloud.faults.set("take_trust", away, times=1)
    refused = world.b.fail_over(group_id)
    assert refused.status_int == 503
    assert refused.json["error"]["message"] == (
        "Keystone of site-b: HTTP 503. Nothing was begun: ask again once it answers. Check it:"
        " openstack protector site validate site-b"
    )
    assert world.b.get("/v1/{project}/operations")["operations"] == []
    assert world.b.fail_over(group_id).status_int == 202


def test_a_fault_of_our_own_is_told_as_such_and_logged_whole(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    group_id = world.protected("web-server-1")
    world.b.cloud.faults.set("take_trust", KeyError("oops"), times=1)
    failed = world.b.fail_over(group_id)
    assert failed.status_int == 500
    assert failed.json["error"]["code"] == "protector.internal"
    assert failed.json["error"]["request_id"] == failed.headers["X-Openstack-Request-Id"]
    assert "oops" not in failed.text
    assert "KeyError: 'oops'" in caplog.text


def test_an_edit_that_was_never_ended_blocks_the_failover_until_it_is_accepted(
    world: World,
) -> None:
    group_id = world.protected("web-server-1")
    world.a.lines["site-b"].cut = "/prepared"
    assert world.protect(group_id, "web-server-2").status_int == 201  # and site-b never hears of it
    world.lose_a()

    operation = world.b.fail_over(group_id).json["operation"]
    failed = world.b.ended(operation["operation_id"])
    assert failed["status"] == "failed"
    assert "version" in failed["error_message"]
    assert "member web-server-2 added" in failed["error_message"]
    assert world.b.show(group_id)["status"] == "active"
    assert world.b.show(group_id)["remote_sync_status"] == "BLOCKED"

    operation = world.b.fail_over(group_id, accept_stale_metadata=True).json["operation"]
    assert world.b.ended(operation["operation_id"])["status"] == "completed"

    # site-a comes back with a version that site-b knows nothing of: nobody guesses
    world.regain_a()
    line = world.a.lines["site-b"]
    line.cut, line.down = None, False
    eventually(lambda: world.a.show(group_id)["remote_sync_status"] == "BLOCKED")
    begun = world.a.get(f"/v1/{{project}}/protection-groups/{group_id}/document")["checksum"]
    with pytest.raises(errors.DocumentConflict, match="site-b has version 3"):
        world.a.peer("site-b").commit(group_id, begun)
    conflict = world.b.act(group_id, "sync_force")
    assert conflict.status_int == 409
    assert conflict.json["error"]["code"] == "protector.document.conflict"
    assert "site-b has version 3 (epoch 1" in conflict.json["error"]["message"]
    assert "site-a has version 3 (epoch 0" in conflict.json["error"]["message"]


def test_a_site_that_was_away_changes_nothing_behind_the_others_back(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    world.b.ended(world.b.fail_over(group_id).json["operation"]["operation_id"])
    world.regain_a()
    path = f"/v1/{{project}}/protection-groups/{group_id}"
    refused = world.a.ask("PATCH", path, {"protection_group": {"description": "mine"}})
    assert refused.status_int == 409
    assert refused.json["error"]["code"] == "protector.group.superseded"
    assert world.a.ask("DELETE", path).status_int == 409
    assert world.b.show(group_id)["status"] == "failed_over"


def test_reset_state_waits_for_a_living_engine_unless_forced(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    release = threading.Event()
    world.b.cloud.faults.set("recreate_server", lambda request: release.wait(20))
    operation = world.b.fail_over(group_id).json["operation"]

    refused = world.b.act(group_id, "reset_state", status="active")
    assert refused.status_int == 409
    assert refused.json["error"]["code"] == "protector.operation.in_progress"
    assert operation["operation_id"] in refused.json["error"]["message"]

    reset = world.b.act(group_id, "reset_state", status="active", force=True)
    assert reset.status_int == 200
    assert reset.json["protection_group"]["status"] == "active"
    ended = world.b.get(f"/v1/{{project}}/operations/{operation['operation_id']}")["operation"]
    assert ended["status"] == "failed"
    assert ended["error_message"] == "User alice reset the protection group to active by hand."
    release.set()
    world.b.stop_engine()
    assert world.b.show(group_id)["status"] == "active"


def test_a_failover_that_no_engine_took_up_can_be_reset_at_once(world: World) -> None:
    group_id = world.protected("web-server-1")
    world.lose_a()
    world.b.stop_engine()
    accepted = world.b.fail_over(group_id)
    assert accepted.status_int == 202
    assert accepted.json["operation"]["status"] == "queued"
    assert world.b.act(group_id, "reset_state", status="active").status_int == 200
    assert world.b.show(group_id)["status"] == "active"
