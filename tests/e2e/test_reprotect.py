# SPDX-License-Identifier: Apache-2.0
"""After a disaster the lost site is back: the group is protected by it, the other way round."""

from typing import Any

import pytest
import returned
from returned import ON_GROUP
from tenant import Tenant, in_force
from waiting import until

from testbed import scenario, shortcut
from testbed.operator import CommandFailed, Operator
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

GROUP = scenario.GROUP
NAMES = [server.name for server in scenario.WEB_SERVERS]
# Seconds.
REPLICATED = 60


@pytest.fixture(scope="module")
def back(testbed: Testbed, operator: Operator) -> dict[str, str]:
    """Return name -> id of site-a's servers; the group runs on site-b, and site-a knows it."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, NAMES)
    scenario.replicate(testbed)
    originals = returned.servers(testbed, "site-a", NAMES)
    returned.lose_and_fail_over(testbed, operator)
    returned.come_back(testbed, operator)
    return originals


@pytest.fixture(scope="module")
def reprotected(testbed: Testbed, operator: Operator, back: dict[str, str]) -> dict[str, Any]:
    """Return the operation, asked for on the wrong site: the command goes to the right one."""
    found: dict[str, Any] = operator.json("site-a", *ON_GROUP, "reprotect", GROUP, "--wait")
    return found


def test_failback_says_what_is_missing_before(operator: Operator, back: dict[str, str]) -> None:
    with pytest.raises(CommandFailed) as refused:
        operator.openstack("site-a", *ON_GROUP, "failback", GROUP, "--dry-run")
    assert f"protection-group reprotect {GROUP}" in refused.value.said.stderr


def test_it_is_protected_by_the_site_it_came_from(
    testbed: Testbed, operator: Operator, back: dict[str, str], reprotected: dict[str, Any]
) -> None:
    assert (reprotected["operation_type"], reprotected["status"]) == ("reprotect", "completed")
    document = in_force(Tenant(testbed, "site-a"), Tenant(testbed, "site-b"))
    assert document is not None
    here = returned.servers(testbed, "site-b", NAMES)
    assert {one["name"]: one["server_id"] for one in document["members"]} == here
    standby = {one["member"]["name"]: one["member"]["server_id"] for one in document["standby"]}
    assert standby == back
    shown = operator.json("site-b", "protector", "consistency-group", "show", GROUP)
    assert (shown["role"], shown["replicating"], shown["volumes_not_replicated"]) == (
        "source",
        True,
        [],
    )


def test_its_rpo_is_shown_where_the_data_arrives(
    operator: Operator, reprotected: dict[str, Any]
) -> None:
    shown = operator.json("site-a", "protector", "consistency-group", "show", GROUP)
    assert shown["role"] == "target"
    assert shown["latest_complete_snapshot"]
    assert shown["rpo_seconds"] is not None


def test_what_is_written_here_arrives_there(testbed: Testbed, reprotected: dict[str, Any]) -> None:
    for name in NAMES:
        returned.write(testbed, "site-b", name, f"written on site-b by {name}")
    document = Tenant(testbed, "site-b").document()["document"]
    chain = document["consistency_group"]
    suffix = testbed.control.replicate(chain["array"], chain["array_group"])
    point = f"{chain['array']}:{chain['array_group']}.{suffix}"
    testbed.control.wait_replicated("flasharray-a", point)
    for member in document["members"]:
        for volume in member["volumes"]:
            snapshot = f"{point}.{volume['array_volume']}"
            assert testbed.control.markers("flasharray-a", snapshot)[-1] == (
                f"written on site-b by {member['name']}"
            )


def test_its_vms_can_be_changed_and_that_is_known_on_both_sites(
    testbed: Testbed, operator: Operator, reprotected: dict[str, Any]
) -> None:
    member = ("member", "set", GROUP, NAMES[0], "--boot-priority", "1")
    operator.openstack("site-b", *ON_GROUP, *member)
    document = until(
        lambda: in_force(Tenant(testbed, "site-a"), Tenant(testbed, "site-b")),
        seconds=REPLICATED,
        what="both sites to have the same version",
    )
    priorities = {one["name"]: one["boot_priority"] for one in document["members"]}
    assert priorities[NAMES[0]] == 1


def test_a_second_time_there_is_nothing_to_do(
    operator: Operator, reprotected: dict[str, Any]
) -> None:
    with pytest.raises(CommandFailed) as refused:
        operator.openstack("site-b", *ON_GROUP, "reprotect", GROUP)
    assert "is protected by site-a already" in refused.value.said.stderr
