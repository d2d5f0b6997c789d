# SPDX-License-Identifier: Apache-2.0
"""Each change that a user asks for leaves a line that says who asked, and what came of it."""

import logging
from collections.abc import Iterator

import pytest
from functional.api.world import CREDENTIALS, GROUP, World
from oslo_context import context

GROUPS = "/v1/{project}/protection-groups"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines of the audit, as they come."""
    written: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: written.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("protector.audit")
    with caplog.at_level(logging.INFO, logger.name):
        logger.addHandler(handler)
        yield written
        logger.removeHandler(handler)


def test_who_made_what_is_told(world: World, lines: list[str]) -> None:
    group_id = world.create_group()
    made = world.protect(group_id, "web1")
    created, added = lines
    assert created.startswith("user=alice name=alice project=project-a request=req-")
    assert f"action=post-protection-groups target=/v1/project-a/protection-groups/{group_id}" in (
        created
    )
    server_id = made.json["member"]["server_id"]
    assert (
        f"action=post-members target=/v1/project-a/protection-groups/{group_id}/members/" in added
    )
    assert added.endswith(f"{server_id} status=201")
    assert made.headers["x-openstack-request-id"] in added


def test_an_action_is_told_by_its_name(world: World, lines: list[str]) -> None:
    group_id = world.protected("web1")
    world.lose_a()
    lines.clear()
    started = world.b.fail_over(group_id).json["operation"]["operation_id"]
    world.b.ended(started)
    (line,) = lines
    assert "project=project-b" in line
    target = f"/v1/project-b/protection-groups/{group_id}/action"
    assert line.endswith(f"action=failover target={target} status=202")


def test_a_failover_that_is_only_checked_is_told_as_that(world: World, lines: list[str]) -> None:
    group_id = world.protected("web1")
    lines.clear()
    world.b.fail_over(group_id, dry_run=True)
    (line,) = lines
    assert "action=failover-dry-run " in line


def test_what_is_refused_is_told_too(world: World, lines: list[str]) -> None:
    group_id = world.create_group()
    lines.clear()
    world.a.ask("DELETE", f"{GROUPS}/{group_id}", who="rita")
    world.a.ask("POST", GROUPS, {"protection_group": {"name": GROUP}}, who="rita")
    world.a.ask("POST", f"{GROUPS}/{group_id}/action", {"explode\nuser=root": {}})
    deleted, made, acted = lines
    assert deleted.endswith(f"{group_id} status=403")
    assert "user=rita" in made
    assert "action=action " in acted
    assert "root" not in acted


def test_looking_is_not_told(world: World, lines: list[str]) -> None:
    group_id = world.create_group()
    lines.clear()
    world.a.show(group_id)
    world.a.ask("POST", GROUPS, {}, who="nobody")
    assert lines == []


def test_no_line_holds_a_token_or_a_password(world: World, lines: list[str]) -> None:
    change = {"site": {"password": CREDENTIALS["password"], "username": "protector"}}
    answer = world.a.ask("PATCH", "/v1/admin/sites/site-b", change, who="admin")
    assert answer.status_int == 200
    (line,) = lines
    assert "user=admin" in line
    assert CREDENTIALS["password"] not in line


def test_whoever_logs_knows_whose_request_it_is(world: World) -> None:
    """From the API over the engine to the threads in which an operation's steps run."""
    seen: dict[str, context.RequestContext | None] = {}
    group_id = world.create_group()
    # The first time: later it is looked at again, for nobody.
    world.a.cloud.faults.set(
        "describe_server", lambda *_: seen.setdefault("edit", context.get_current())
    )
    asked = world.protect(group_id, "web1")
    path = f"/v1/{{project}}/protection-groups/{group_id}/consistency-group"
    world.a.array.send_point(world.a.get(path)["consistency_group"]["array_group"])
    world.lose_a()
    world.b.cloud.faults.set("recreate_server", lambda *_: seen.update(step=context.get_current()))
    started = world.b.fail_over(group_id)
    operation_id = started.json["operation"]["operation_id"]
    world.b.ended(operation_id)

    edit, step = (seen[name].get_logging_values() for name in ("edit", "step"))  # type: ignore[union-attr]
    assert edit["request_id"] == asked.headers["x-openstack-request-id"]
    assert (edit["user"], edit["group_id"], edit["operation_id"]) == ("alice", group_id, None)
    assert step["request_id"] == started.headers["x-openstack-request-id"]
    assert (step["project"], step["group_id"]) == ("project-b", group_id)
    assert step["operation_id"] == operation_id
    assert step["auth_token"] is None
