# SPDX-License-Identifier: Apache-2.0
"""What was written by mistake is replicated too; an older snapshot does not hold it."""

import json
from typing import Any

import protection
import pytest

from testbed import scenario
from testbed.operator import Operator
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

ON_GROUP = ("protector", "protection-group")
FAIL_OVER = (*ON_GROUP, "failover", scenario.GROUP, "--type", "unplanned")
MISTAKE = "mistake"


@pytest.fixture(scope="module")
def snapshots(testbed: Testbed, operator: Operator) -> list[dict[str, Any]]:
    """The group's snapshots on site-b, newest first: before the mistake, after it, under way."""
    protection.arrange(testbed)
    volumes = list(protection.source_volumes(testbed).values())
    scenario.write(testbed, volumes, MISTAKE)
    scenario.replicate(testbed)
    scenario.begin_to_replicate(testbed, volumes[:1])
    listed: list[dict[str, Any]] = operator.json(
        "site-b", *ON_GROUP, "snapshot", "list", scenario.GROUP
    )
    return listed


def test_they_are_listed_with_what_there_is_to_know(snapshots: list[dict[str, Any]]) -> None:
    under_way, *complete = snapshots
    assert not under_way["Complete"]
    assert 0 <= under_way["Progress"] < 100
    assert [one["Complete"] for one in complete] == [True] * len(complete)
    assert len(complete) >= 2
    ages = [one["Age"] for one in snapshots]
    assert ages == sorted(ages)
    assert all(one["Size"] for one in complete[:1])


def test_a_snapshot_that_is_not_complete_is_refused_with_those_that_are(
    testbed: Testbed, operator: Operator, snapshots: list[dict[str, Any]]
) -> None:
    under_way, newest, *_ = snapshots
    options = (*scenario.mapping_options(testbed), "--snapshot", under_way["Name"])
    told = operator.openstack(
        "site-b", *FAIL_OVER, *options, "--dry-run", "-f", "json", check=False
    )
    assert told.code == 1
    first, *_ = json.loads(told.stdout)["findings"]
    said = f"{first['finding']}. {first['remedy']}"
    for part in (under_way["Name"], newest["Name"], "snapshot list"):
        assert part in said


def test_the_failover_brings_back_what_was_before(
    testbed: Testbed, operator: Operator, snapshots: list[dict[str, Any]]
) -> None:
    _, _, wanted, *_ = snapshots
    options = scenario.mapping_options(testbed)
    testbed.kill("site-a")
    operator.openstack(
        "site-b", *FAIL_OVER, *options, "--before", wanted["Created At"], "--wait", check=False
    )
    there = testbed.cloud("site-b")
    for name in protection.NAMES:
        for volume, array_volume in scenario.array_volumes(there, name).items():
            markers = testbed.control.markers("flasharray-b", array_volume)
            assert volume in markers
            assert MISTAKE not in markers
