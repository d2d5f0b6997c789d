# SPDX-License-Identifier: Apache-2.0
"""Servers that somebody else stops or starts in the very moment in which Protector does."""

from collections.abc import Iterator
from typing import Any

import pytest
from unit.cloud.little_cloud import Answer, Fault, LittleCloud

from protector.cloud.base import Outcome

TASK = "OS-EXT-STS:task_state"


@pytest.fixture
def little() -> Iterator[LittleCloud]:
    with LittleCloud() as little:
        yield little


def refusal(server_id: str, *, after: bool) -> Fault:
    """Nova says that it cannot; ``after``: since it was told so just before."""
    return Fault("POST", f"/nova/servers/{server_id}/action", 409, after=after)


def test_what_somebody_else_stops_is_waited_for(little: LittleCloud) -> None:
    server = little.add_server(name="web", tenant_id="p")
    little.faults.append(refusal(server["id"], after=True))
    (outcome,) = little.protector().as_service().stop_servers([server["id"]])
    assert outcome == Outcome(server["id"], server["id"])
    assert server["status"] == "SHUTOFF"


def test_what_somebody_else_starts_is_waited_for(little: LittleCloud) -> None:
    server = little.add_server(name="web", tenant_id="p", status="SHUTOFF")
    little.faults.append(refusal(server["id"], after=True))
    (outcome,) = little.protector().as_service().start_servers([server["id"]])
    assert outcome == Outcome(server["id"], server["id"])
    assert server["status"] == "ACTIVE"


def test_what_nova_does_not_stop_is_named_with_the_way_to_stop_it(little: LittleCloud) -> None:
    server = little.add_server(name="web", tenant_id="p", status="PAUSED")
    little.faults.append(refusal(server["id"], after=False))
    (outcome,) = little.protector().as_service().stop_servers([server["id"]])
    assert outcome.fault is not None
    assert f"openstack server unpause {server['id']}" in outcome.fault
    assert f"openstack server stop {server['id']}" in outcome.fault


@pytest.mark.parametrize("status", [500, 503, None], ids=str)
def test_an_order_whose_answer_is_lost_is_waited_for(
    little: LittleCloud, status: int | None
) -> None:
    server = little.add_server(name="web", tenant_id="p", status="SHUTOFF")
    action = f"/nova/servers/{server['id']}/action"
    little.faults.append(Fault("POST", action, status, after=True))
    cloud = little.protector().as_service()
    assert cloud.start_servers([server["id"]]) == [Outcome(server["id"], server["id"])]
    little.faults.append(Fault("POST", action, status, after=True))
    assert cloud.stop_servers([server["id"]]) == [Outcome(server["id"], server["id"])]
    assert little.count(f"POST {action}") == 2


def test_an_order_that_nova_could_not_take_may_be_given_again(little: LittleCloud) -> None:
    server = little.add_server(name="web", tenant_id="p", status="SHUTOFF")
    little.faults.append(Fault("POST", f"/nova/servers/{server['id']}/action", 503))
    cloud = little.protector().as_service()
    (outcome,) = cloud.start_servers([server["id"]])
    assert outcome.fault
    assert outcome.passing
    assert cloud.start_servers([server["id"]])[0].fault is None


class StartingCloud(LittleCloud):
    """A server that is being started runs when all are listed the second time."""

    lists = 0

    def _nova(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        for server in self.servers.values():
            if server[TASK] and path[-1] == "action":
                return 409, {"conflictingRequest": {"message": "in task_state powering-on"}}
        if path[-1] == "detail":
            self.lists += 1
            if self.lists == 2:
                next(iter(self.servers.values())).update({"status": "ACTIVE", TASK: None})
        return super()._nova(method, path, body)


def test_what_passed_while_it_was_waited_for_is_no_fault() -> None:
    with StartingCloud() as little:
        server = little.add_server(name="web", tenant_id="p", status="SHUTOFF")
        server[TASK] = "powering-on"
        little.faults.append(Fault("POST", f"/nova/servers/{server['id']}/action", 503))
        (outcome,) = little.protector().as_service().stop_servers([server["id"]])
        assert outcome == Outcome(server["id"], server["id"])


def test_what_is_being_started_is_stopped_when_it_runs() -> None:
    """It was off when the order to start it was given, whose answer was lost."""
    with StartingCloud() as little:
        server = little.add_server(name="web", tenant_id="p", status="SHUTOFF")
        server[TASK] = "powering-on"
        (outcome,) = little.protector().as_service().stop_servers([server["id"]])
        assert outcome == Outcome(server["id"], server["id"])
        assert server["status"] == "SHUTOFF"
        assert little.count(f"POST /nova/servers/{server['id']}/action") == 1
