# SPDX-License-Identifier: Apache-2.0
"""The network between the sites breaks in one direction; everything runs on."""

import pytest
from tenant import Tenant, in_force
from waiting import until

from testbed import firewall, scenario, shortcut
from testbed.operator import Operator
from testbed.testbed import Testbed

pytestmark = [
    pytest.mark.at_length,
    pytest.mark.skipif(firewall.lacking() is not None, reason=str(firewall.lacking())),
]

GROUP = scenario.GROUP
# Seconds. An engine asks the peer every 5, and waits 20 for an answer on a connection it has.
NOTICED = 45


@pytest.fixture(scope="module")
def sites(testbed: Testbed, operator: Operator) -> tuple[Tenant, Tenant]:
    """An empty group of site-a's, known on both."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    shortcut.protect(testbed, [])
    return Tenant(testbed, "site-a"), Tenant(testbed, "site-b")


def describe(operator: Operator, description: str) -> tuple[int, str]:
    """Change the group on site-a; return the exit code and what was said about it."""
    words = ("protector", "protection-group", "set", GROUP, "--description", description)
    said = operator.openstack("site-a", *words, check=False)
    return said.code, said.stderr


def test_who_cannot_reach_the_peer_changes_nothing_and_says_so(
    testbed: Testbed, operator: Operator, sites: tuple[Tenant, Tenant]
) -> None:
    here, there = sites
    before = until(lambda: in_force(*sites), seconds=NOTICED, what="both sites to be in sync")

    with testbed.partition(from_site="site-a"):
        code, said = describe(operator, "while site-b is not reached")
        assert code == 1
        for word in ("site-b", "nothing was changed"):
            assert word in said.lower()
        assert here.group()["remote_sync_status"] == "UNREACHABLE"
        assert here.document()["document"] == there.document()["document"] == before
        # The way from site-b is open, and nothing was lost on it.
        assert there.group()["remote_sync_status"] == "SYNCED"

    until(lambda: in_force(*sites), seconds=NOTICED, what="site-a to find site-b again")
    assert describe(operator, "site-b is reached again")[0] == 0
    document = in_force(*sites)
    assert document is not None
    assert document["description"] == "site-b is reached again"


def test_who_is_not_reached_by_the_peer_goes_on_with_its_own_groups(
    testbed: Testbed, operator: Operator, sites: tuple[Tenant, Tenant]
) -> None:
    _, there = sites
    until(lambda: in_force(*sites), seconds=NOTICED, what="both sites to be in sync")

    with testbed.partition(from_site="site-b"):
        until(
            lambda: there.group()["remote_sync_status"] == "UNREACHABLE",
            seconds=NOTICED,
            what="site-b to notice that it does not reach site-a",
        )
        assert describe(operator, "while site-b reaches nobody")[0] == 0
        assert there.document()["document"]["description"] == "while site-b reaches nobody"

    until(lambda: in_force(*sites), seconds=NOTICED, what="site-b to find site-a again")
