# SPDX-License-Identifier: Apache-2.0
"""What can be done with an operation: go on with it, stop it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from functional.api.world import World, eventually

from protector import errors

SERVERS = ("web-server-1", "web-server-2")
NO_HOST = errors.CloudError(service="Nova", site="site-b", reason="no valid host")


@pytest.fixture
def group_id(world: World) -> str:
    made = world.protected(*SERVERS)
    world.lose_a()
    return made


class Held:
    """Keeps whoever makes a server waiting until it is released."""

    def __init__(self) -> None:
        self.reached, self.released = threading.Event(), threading.Event()

    def __call__(self, *args: object, **kwargs: object) -> None:
        self.reached.set()
        assert self.released.wait(20)


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.released.set()


def refuse(world: World, name: str, *, times: int | None = None) -> None:
    def look(request: Any) -> None:
        if request.name == name:
            raise NO_HOST

    world.b.cloud.faults.set("recreate_server", look, times=times)


def names(world: World) -> list[str]:
    return sorted(one.server.name for one in world.b.cloud.made_servers.values())


def started(world: World, group_id: str) -> str:
    operation: str = world.b.fail_over(group_id).json["operation"]["operation_id"]
    return operation


# -- retry ------------------------------------------------------------------------------------


def test_a_retry_does_what_is_left(world: World, group_id: str) -> None:
    refuse(world, "web-server-2")
    first = world.b.ended(started(world, group_id))
    assert (first["status"], first["steps_failed"]) == ("failed", ["recreate_vm_web-server-2"])
    assert world.b.show(group_id)["status"] == "failed_over_partial"
    volumes = dict(world.b.cloud.made_volumes)
    world.b.cloud.faults.clear()

    again = world.b.act_on(first["operation_id"], "retry")
    assert again.status_int == 202
    operation = world.b.ended(again.json["operation"]["operation_id"])
    assert (operation["status"], operation["retry_of"]) == ("completed", first["operation_id"])
    assert names(world) == list(SERVERS)
    assert world.b.cloud.made_volumes == volumes
    assert world.b.show(group_id)["status"] == "failed_over"


def test_a_retry_of_what_was_undone_begins_anew_with_other_mappings(
    world: World, group_id: str
) -> None:
    wrong = world.b.fail_over(group_id, network_mapping={"web": "nowhere"}).json["operation"]
    first = world.b.ended(wrong["operation_id"])
    assert first["status"] == "failed"
    assert "network nowhere, to which web is mapped, does not exist" in first["error_message"]
    assert world.b.show(group_id)["status"] == "active"

    again = world.b.act_on(first["operation_id"], "retry", network_mapping={"web": "dr-web"})
    operation = world.b.ended(again.json["operation"]["operation_id"])
    assert operation["status"] == "completed", operation["error_message"]


def test_a_vm_can_be_left_out(world: World, group_id: str) -> None:
    refuse(world, "web-server-2")
    first = world.b.ended(started(world, group_id))
    again = world.b.act_on(first["operation_id"], "retry", skip=["web-server-2"])
    operation = world.b.ended(again.json["operation"]["operation_id"])
    assert operation["status"] == "completed"
    assert names(world) == ["web-server-1"]
    (step,) = [one for one in operation["steps"] if one["name"] == "recreate_vm_web-server-2"]
    assert step["detail"].startswith("VM web-server-2 is left out, as asked; its volumes stay: ")
    assert world.b.show(group_id)["status"] == "failed_over"


def test_a_vm_that_is_no_member_cannot_be_left_out(world: World, group_id: str) -> None:
    refuse(world, "web-server-2")
    first = world.b.ended(started(world, group_id))
    refused = world.b.act_on(first["operation_id"], "retry", skip=["nobody"])
    assert refused.status_int == 404
    assert "nobody" in refused.json["error"]["message"]


def test_what_could_not_be_undone_is_taken_up_by_a_retry(world: World, group_id: str) -> None:
    faults = world.b.cloud.faults
    faults.set("recreate_server", NO_HOST)
    stuck = errors.CloudError(service="Cinder", site="site-b", reason="it is stuck")
    faults.set("unmanage_volumes", stuck)
    first = world.b.ended(started(world, group_id))
    assert first["status"] == "failed"
    assert "Remove it: openstack volume delete" in first["error_message"]
    assert world.b.show(group_id)["status"] == "error"
    volumes = dict(world.b.cloud.made_volumes)
    faults.clear()

    again = world.b.act_on(first["operation_id"], "retry")
    assert world.b.ended(again.json["operation"]["operation_id"])["status"] == "completed"
    assert world.b.cloud.made_volumes == volumes
    assert names(world) == list(SERVERS)


def test_only_the_newest_operation_is_retried(world: World, group_id: str) -> None:
    refuse(world, "web-server-2")
    first = world.b.ended(started(world, group_id))["operation_id"]
    second = world.b.act_on(first, "retry").json["operation"]["operation_id"]
    world.b.ended(second)
    refused = world.b.act_on(first, "retry")
    assert refused.status_int == 409
    assert f"openstack protector operation retry {second}" in refused.json["error"]["message"]


def test_what_is_completed_is_not_retried(world: World, group_id: str) -> None:
    done = world.b.ended(started(world, group_id))["operation_id"]
    refused = world.b.act_on(done, "retry")
    assert refused.status_int == 409
    assert refused.json["error"]["message"].endswith("cannot be retried: it is completed.")


def test_what_runs_is_not_retried(world: World, group_id: str, held: Held) -> None:
    world.b.cloud.faults.set("recreate_server", held)
    operation_id = started(world, group_id)
    refused = world.b.act_on(operation_id, "retry")
    assert refused.status_int == 409
    assert refused.json["error"]["code"] == "protector.operation.running"


# -- cancel -----------------------------------------------------------------------------------


def test_cancelling_undoes_everything_at_the_next_safe_point(
    world: World, group_id: str, held: Held
) -> None:
    world.b.cloud.faults.set("manage_volumes", held, times=1)
    operation_id = started(world, group_id)
    assert held.reached.wait(20)
    asked = world.b.act_on(operation_id, "cancel")
    assert (asked.status_int, asked.json["operation"]["cancel"]) == (202, "undo")
    held.released.set()

    operation = world.b.ended(operation_id)
    assert (operation["status"], operation["steps_failed"]) == ("cancelled", [])
    assert (
        operation["error_message"] == "The operation was cancelled, and what it had made is undone."
    )
    assert world.b.cloud.made_volumes == {}
    assert world.b.array.volumes == {}
    assert world.b.show(group_id)["status"] == "active"
    eventually(lambda: world.b.cloud.trusts == {})


def test_cancelling_undoes_vms_that_run_already(world: World, group_id: str, held: Held) -> None:
    world.b.conf.set_override("parallel_vms", 1, group="engine")
    world.b.cloud.faults.set("recreate_server", held, after=True, times=1)
    operation_id = started(world, group_id)
    assert held.reached.wait(20)
    world.b.act_on(operation_id, "cancel")
    held.released.set()
    assert world.b.ended(operation_id)["status"] == "cancelled"
    assert (names(world), world.b.cloud.made_volumes, world.b.array.volumes) == ([], {}, {})
    assert world.b.show(group_id)["status"] == "active"
    # Nothing of it is in the way of another.
    world.b.cloud.faults.clear()
    assert world.b.ended(started(world, group_id))["status"] == "completed"


def test_what_was_made_can_be_kept_for_a_retry(world: World, group_id: str, held: Held) -> None:
    world.b.cloud.faults.set("manage_volumes", held, times=1)
    operation_id = started(world, group_id)
    assert held.reached.wait(20)
    world.b.act_on(operation_id, "cancel", keep=True)
    held.released.set()
    operation = world.b.ended(operation_id)
    assert operation["status"] == "cancelled"
    assert "what it had made is kept for a retry" in operation["error_message"]
    kept = dict(world.b.cloud.made_volumes)
    assert len(kept) == 2
    assert all(made.id in operation["error_message"] for made in kept.values())
    assert world.b.show(group_id)["status"] == "active"

    again = world.b.act_on(operation_id, "retry").json["operation"]["operation_id"]
    assert world.b.ended(again)["status"] == "completed"
    assert world.b.cloud.made_volumes == kept


def test_vms_that_run_can_be_kept(world: World, group_id: str, held: Held) -> None:
    world.b.conf.set_override("parallel_vms", 1, group="engine")
    world.b.cloud.faults.set("recreate_server", held, after=True, times=1)
    operation_id = started(world, group_id)
    assert held.reached.wait(20)
    world.b.act_on(operation_id, "cancel", keep=True)
    held.released.set()
    operation = world.b.ended(operation_id)
    assert (operation["status"], len(operation["steps_failed"])) == ("cancelled", 1)
    assert len(names(world)) == 1
    shown = world.b.show(group_id)
    assert (shown["status"], shown["current_primary_site"]) == ("failed_over_partial", "site-b")

    again = world.b.act_on(operation_id, "retry").json["operation"]["operation_id"]
    assert world.b.ended(again)["status"] == "completed"
    assert names(world) == list(SERVERS)


def test_what_goes_on_with_vms_that_run_is_only_cancelled_keeping_them(
    world: World, group_id: str, held: Held
) -> None:
    refuse(world, "web-server-2")
    first = world.b.ended(started(world, group_id))
    world.b.cloud.faults.set("recreate_server", held)
    again = world.b.act_on(first["operation_id"], "retry").json["operation"]["operation_id"]
    refused = world.b.act_on(again, "cancel")
    assert refused.status_int == 409
    assert f"operation cancel {again} --keep" in refused.json["error"]["message"]
    assert world.b.act_on(again, "cancel", keep=True).status_int == 202
    held.released.set()
    world.b.ended(again)
    assert world.b.show(group_id)["status"] in ("failed_over", "failed_over_partial")


def test_what_no_engine_has_begun_is_cancelled_at_once(world: World, group_id: str) -> None:
    world.b.stop_engine()
    operation_id = started(world, group_id)
    assert world.b.act_on(operation_id, "cancel").json["operation"]["status"] == "cancelled"
    assert world.b.show(group_id)["status"] == "active"
    world.b.start_engine()
    eventually(lambda: world.b.cloud.trusts == {})
    assert names(world) == []


def test_what_has_ended_is_not_cancelled(world: World, group_id: str) -> None:
    done = world.b.ended(started(world, group_id))["operation_id"]
    refused = world.b.act_on(done, "cancel")
    assert refused.status_int == 409
    assert "is completed already" in refused.json["error"]["message"]


# -- who may, and what is understood ----------------------------------------------------------


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_others_do_not_even_see_it(world: World, group_id: str, action: str) -> None:
    done = world.b.ended(started(world, group_id))["operation_id"]
    path = f"/v1/{{project}}/operations/{done}/action"
    assert world.b.ask("POST", path, {action: {}}, who="mallory").status_int == 404
    assert world.b.ask("POST", path, {action: {}}, who="rita").status_int == 403


def test_exactly_one_thing_is_asked(world: World, group_id: str) -> None:
    done = world.b.ended(started(world, group_id))["operation_id"]
    path = f"/v1/{{project}}/operations/{done}/action"
    for body in ({}, {"retry": {}, "cancel": {}}, {"pause": {}}):
        assert world.b.ask("POST", path, body).status_int == 400
