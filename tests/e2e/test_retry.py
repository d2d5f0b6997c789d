# SPDX-License-Identifier: Apache-2.0
"""An operation that failed is gone on with, and one that runs is stopped, by the real command."""

from collections.abc import Iterator
from typing import Any

import pytest
from waiting import until

from testbed import census, scenario
from testbed.drills import FAILOVER, VM_STEPS
from testbed.operator import Operator
from testbed.protector import ENGINE
from testbed.testbed import Testbed

SITE = FAILOVER.site
UNKNOWN_NETWORK = "11111111-2222-4333-8444-555555555555"
# Seconds.
PATIENCE = 120
ENDED = ("completed", "failed", "cancelled")
FAIL_OVER = ("protection-group", "failover", scenario.GROUP, "--type", "unplanned")


@pytest.fixture
def site_b(testbed: Testbed, operator: Operator) -> Iterator["SiteB"]:
    FAILOVER.set_scene(testbed)
    testbed.restore(FAILOVER.scene)
    testbed.start_service(SITE, ENGINE)
    yield SiteB(testbed, operator)
    testbed.control.clear_faults()


class SiteB:
    """Site-b, after site-a has died."""

    def __init__(self, testbed: Testbed, operator: Operator) -> None:
        self._testbed = testbed
        self._operator = operator

    def ask(self, *words: str) -> Any:
        return self._operator.json(SITE, "protector", *words)

    def fail_over(self, **networks: str) -> str:
        given = [
            *(f"--network-mapping={a}={b}" for a, b in {**scenario.NETWORKS, **networks}.items()),
            *(f"--flavor-mapping={a}={b}" for a, b in scenario.FLAVORS.items()),
        ]
        return str(self.ask(*FAIL_OVER, *given)["operation_id"])

    def ended(self, operation_id: str) -> Any:
        def look() -> Any:
            shown = self.ask("operation", "show", operation_id)
            return shown if shown["status"] in ENDED else None

        return until(look, seconds=PATIENCE, what=f"{operation_id} to end")

    def status(self) -> str:
        return str(self.ask("protection-group", "show", scenario.GROUP)["status"])

    def volumes(self) -> set[str]:
        return {found.id for found in self._testbed.cloud(SITE).block_storage.volumes()}


def test_a_retry_makes_what_is_left_and_uses_what_is_there(testbed: Testbed, site_b: SiteB) -> None:
    first = site_b.ended(site_b.fail_over(db=UNKNOWN_NETWORK))
    assert first["status"] == "failed"
    assert UNKNOWN_NETWORK in first["error_message"]
    assert site_b.status() == "failed_over_partial"
    before = site_b.volumes()

    there = testbed.cloud(SITE).network.find_network("dr-db", ignore_missing=False).id
    again = site_b.ask(
        *("operation", "retry", first["operation_id"]), *("--network-mapping", f"db={there}")
    )
    assert again["retry_of"] == first["operation_id"]
    done = site_b.ended(again["operation_id"])
    assert (done["status"], done["error_message"]) == ("completed", None)
    assert site_b.status() == "failed_over"
    assert before <= site_b.volumes()
    assert list(census.take(testbed, SITE, FAILOVER.members)) == []


@pytest.mark.at_length
def test_what_is_cancelled_leaves_nothing(testbed: Testbed, site_b: SiteB) -> None:
    testbed.control.slow("flasharray-b", "/connections", seconds=2)
    operation_id = site_b.fail_over()
    until(
        lambda: (
            "manage_volumes_into_cinder"
            in site_b.ask("operation", "show", operation_id)["steps_completed"]
        ),
        seconds=PATIENCE,
        what="VMs to be recreated",
    )

    asked = site_b.ask("operation", "cancel", operation_id)
    assert asked["cancel"] == "undo"
    testbed.control.clear_faults()
    shown = site_b.ended(operation_id)
    assert (shown["status"], shown["steps_failed"]) == ("cancelled", [])
    assert not set(VM_STEPS) & set(shown["steps_completed"])
    assert site_b.status() == "active"
    assert list(census.take(testbed, SITE, {})) == []
