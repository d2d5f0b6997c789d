# SPDX-License-Identifier: Apache-2.0
"""A group is on both sites or on none, whatever happens between them."""

from typing import Any

import pytest
from functional.api.world import GROUP, World, eventually

from protector import errors
from protector.db import groups
from protector.domain.group import Event
from protector.sync import edit

UNREACHABLE_ACTIONS = [
    "Check remote site connectivity",
    "Force sync once remote site is available",
]


def describe(world: World, group_id: str, description: str) -> Any:
    path = f"/v1/{{project}}/protection-groups/{group_id}"
    return world.a.ask("PATCH", path, {"protection_group": {"description": description}})


def test_a_new_group_is_on_both_sites(world: World) -> None:
    group_id = world.create_group()
    for site in (world.a, world.b):
        shown = site.show(group_id)
        assert shown["status"] == "active"
        assert shown["version"] == 1
        assert shown["remote_sync_status"] == "SYNCED"
        assert shown["project_id"] == site.project
        assert shown["network_mapping"] == {"web": "dr-web"}


def test_each_member_is_a_version_that_both_sites_have(world: World) -> None:
    group_id = world.create_group()
    added = world.protect(group_id, "web-server-1")
    assert added.status_int == 201
    assert world.protect(group_id, "web-server-2").status_int == 201
    assert world.b.show(group_id)["version"] == 3
    members = world.b.get(f"/v1/{{project}}/protection-groups/{group_id}/members")["members"]
    assert [member["name"] for member in members] == ["web-server-1", "web-server-2"]
    assert members[0] == added.json["member"]


def test_what_one_site_knows_of_a_group_the_other_knows_to_the_letter(world: World) -> None:
    group_id = world.create_group()
    world.protect(group_id, "web-server-1")
    path = f"/v1/{{project}}/protection-groups/{group_id}/document"
    assert world.a.get(path) == world.b.get(path)


def test_an_edit_is_refused_while_the_peer_is_unreachable(world: World) -> None:
    group_id = world.create_group()
    world.a.lines["site-b"].down = True
    refused = world.protect(group_id, "web-server-1")
    assert refused.status_int == 503
    assert refused.json["error"]["code"] == "protector.peer.unreachable"
    assert "site-b cannot be reached from site-a" in refused.json["error"]["message"]
    shown = world.a.sync_status(group_id)
    assert shown["in_sync"] is False
    assert shown["local"]["version"] == 1
    assert shown["remote"] == {
        "site": "site-b",
        "status": "UNREACHABLE",
        "version": 1,
        "epoch": 0,
        "last_sync": shown["remote"]["last_sync"],
        "error": "Connection timeout",
    }
    assert shown["actions"] == UNREACHABLE_ACTIONS
    assert world.a.array.groups  # what was built for the group stands
    assert world.a.show(group_id)["members"] == []


def test_an_edit_works_again_when_the_peer_is_back(world: World) -> None:
    group_id = world.create_group()
    world.a.lines["site-b"].down = True
    assert describe(world, group_id, "first").status_int == 503
    world.a.lines["site-b"].down = False
    assert describe(world, group_id, "second").status_int == 200
    for site in (world.a, world.b):
        assert site.show(group_id)["description"] == "second"
        assert site.show(group_id)["remote_sync_status"] == "SYNCED"


def test_an_acknowledgement_that_was_lost_is_fetched(world: World) -> None:
    group_id = world.create_group()
    world.a.lines["site-b"].lose = "/commit"
    assert describe(world, group_id, "changed").status_int == 200
    eventually(lambda: world.a.show(group_id)["remote_sync_status"] == "SYNCED")
    assert world.b.show(group_id)["description"] == "changed"


def test_a_commit_that_was_lost_is_repeated_until_it_is_acknowledged(world: World) -> None:
    group_id = world.create_group()
    line = world.a.lines["site-b"]
    line.cut = "/prepared"
    assert describe(world, group_id, "changed").status_int == 200
    assert world.a.show(group_id)["version"] == 2
    assert world.a.sync_status(group_id)["remote"]["status"] == "PENDING"
    assert world.b.show(group_id)["version"] == 1
    line.cut, line.down = None, False
    eventually(lambda: world.a.show(group_id)["remote_sync_status"] == "SYNCED")
    assert world.b.show(group_id)["version"] == 2


def test_a_lost_commit_outlives_the_engine(world: World) -> None:
    group_id = world.create_group()
    line = world.a.lines["site-b"]
    line.cut = "/prepared"
    describe(world, group_id, "changed")
    world.a.stop_engine()
    line.cut, line.down = None, False
    assert world.b.show(group_id)["version"] == 1
    world.a.start_engine()
    eventually(lambda: world.b.show(group_id)["version"] == 2)


def test_an_edit_whose_preparation_got_no_answer_changed_nothing(world: World) -> None:
    group_id = world.create_group()
    world.a.lines["site-b"].lose = "/prepared"
    assert describe(world, group_id, "first").status_int == 503
    assert world.a.show(group_id)["version"] == 1
    world.a.lines["site-b"].lose = None
    assert describe(world, group_id, "second").status_int == 200
    assert world.b.show(group_id)["description"] == "second"


def test_an_edit_that_never_was_does_not_block_a_failover_once_the_sites_agree(
    world: World,
) -> None:
    group_id = world.protected("web-server-1")
    world.a.lines["site-b"].lose = "/prepared"
    assert describe(world, group_id, "never").status_int == 503
    world.a.lines["site-b"].lose = None
    assert world.a.act(group_id, "sync_force").status_int == 200
    world.lose_a()

    operation = world.b.fail_over(group_id).json["operation"]
    assert world.b.ended(operation["operation_id"])["status"] == "completed"


def test_nothing_is_delivered_while_the_group_is_failing_over(world: World) -> None:
    group_id = world.create_group()
    with world.b.sessions.begin() as session:
        groups.advance(session, groups.get(session, group_id), Event.FAIL_OVER)
    line = world.b.lines["site-a"]
    line.asked.clear()
    with pytest.raises(errors.WrongStatus, match="is failing_over and cannot be synchronized"):
        edit.deliver(world.b.sessions, world.b.peer("site-a"), group_id)
    assert line.asked == []


def test_a_group_is_not_created_on_one_site_alone(world: World) -> None:
    world.a.lines["site-b"].down = True
    wanted = {"name": GROUP, "primary_site": "site-a", "secondary_site": "site-b"}
    path = "/v1/{project}/protection-groups"
    refused = world.a.ask("POST", path, {"protection_group": wanted})
    assert refused.status_int == 503
    assert world.a.get(path)["protection_groups"] == []
    assert world.a.array.groups == {}


def test_the_peer_has_a_word_in_whose_group_it_is(world: World) -> None:
    for mapping in world.b.get("/v1/admin/tenant-mappings", who="admin")["tenant_mappings"]:
        world.b.ask("DELETE", f"/v1/admin/tenant-mappings/{mapping['id']}", who="admin")
    wanted = {"name": GROUP, "primary_site": "site-a", "secondary_site": "site-b"}
    refused = world.a.ask("POST", "/v1/{project}/protection-groups", {"protection_group": wanted})
    assert refused.status_int == 409
    message = refused.json["error"]["message"]
    assert message.startswith("site-b refused: Project project-b on site-b is not paired")
    assert "openstack protector tenant-mapping create" in message
    assert world.a.get("/v1/{project}/protection-groups")["protection_groups"] == []


def test_which_of_two_members_of_one_name_is_meant_has_to_be_said(world: World) -> None:
    group_id = world.create_group()
    path = f"/v1/{{project}}/protection-groups/{group_id}/members"
    twins = [
        world.a.cloud.add_server("project-a", "web", networks=["web"]).member.server_id
        for _ in range(2)
    ]
    for twin in twins:
        assert world.a.ask("POST", path, {"member": {"server": twin}}).status_int == 201
    refused = world.a.ask("DELETE", f"{path}/web")
    assert refused.status_int == 400
    assert refused.json["error"]["message"].startswith("2 members are named web")
    assert world.a.ask("DELETE", f"{path}/{twins[0]}").status_int == 204
    (left,) = world.a.get(path)["members"]
    assert left["server_id"] == twins[1]


def test_a_deleted_group_is_gone_on_both_sites(world: World) -> None:
    group_id = world.create_group()
    path = f"/v1/{{project}}/protection-groups/{group_id}"
    assert world.a.ask("DELETE", path).status_int == 204
    for site in (world.a, world.b):
        assert site.ask("GET", path).status_int == 404
    world.create_group()  # its name is free again, on both


def test_a_group_is_not_deleted_on_one_site_alone(world: World) -> None:
    group_id = world.create_group()
    world.a.lines["site-b"].down = True
    path = f"/v1/{{project}}/protection-groups/{group_id}"
    assert world.a.ask("DELETE", path).status_int == 503
    assert world.a.show(group_id)["status"] == "active"
    assert world.b.show(group_id)["status"] == "active"


def test_sync_force_on_equal_sites_finds_nothing_to_do(world: World) -> None:
    group_id = world.create_group()
    told = world.a.act(group_id, "sync_force").json["sync"]
    assert told["peer_site"] == "site-b"
    assert told["status"] == "success"
    assert told["version"] == 1
    assert told["duration_ms"] >= 0
