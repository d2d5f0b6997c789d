# SPDX-License-Identifier: Apache-2.0
"""Servers that somebody else stops or starts in the very moment in which Protector does."""

from collections.abc import Iterator

import pytest
from unit.cloud.little_cloud import Fault, LittleCloud

from protector.cloud.base import Outcome


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
