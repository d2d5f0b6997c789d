# SPDX-License-Identifier: Apache-2.0
"""Site-a is lost, its VMs come up on site-b, and site-a comes back: where the way back begins."""

from collections.abc import Iterable, Mapping

from tenant import Tenant, in_force
from waiting import until

from testbed import scenario
from testbed.layout import PLACES
from testbed.operator import Operator
from testbed.testbed import Testbed

ON_GROUP = ("protector", "protection-group")
# Seconds.
START_TIMEOUT = 180
TOLD_TIMEOUT = 120
FENCED_TIMEOUT = 120


def lose_and_fail_over(testbed: Testbed, operator: Operator) -> None:
    options = scenario.mapping_options(testbed)
    testbed.kill("site-a")
    operator.openstack(
        "site-b", *ON_GROUP, "failover", scenario.GROUP, "--type", "unplanned", *options, "--wait"
    )


def come_back(testbed: Testbed, operator: Operator) -> None:
    """Start site-a, wait until it has stopped its VMs, and make both sites' versions the same."""
    testbed.start("site-a")
    here, there = Tenant(testbed, "site-a"), Tenant(testbed, "site-b")
    until(
        lambda: here.group()["current_primary_site"] == "site-b",
        seconds=TOLD_TIMEOUT,
        what="site-a to notice that it was failed over",
    )
    until(
        lambda: all(
            server.status == "SHUTOFF" for server in testbed.cloud("site-a").compute.servers()
        ),
        seconds=FENCED_TIMEOUT,
        what="site-a's VMs to be stopped",
    )
    operator.openstack("site-b", *ON_GROUP, "sync-force", scenario.GROUP)
    until(lambda: in_force(here, there), seconds=TOLD_TIMEOUT, what="both to have the same version")


def write(testbed: Testbed, site: str, server: str, marker: str) -> None:
    """Write a marker to each volume of a server, on its site's array."""
    for name in scenario.array_volumes(testbed.cloud(site), server).values():
        testbed.control.write(PLACES[site].array, name, marker)


def written(testbed: Testbed, site: str, server: str) -> Mapping[str, list[str]]:
    """Return name of a server's volume -> what was written to it, in order."""
    return {
        name: testbed.control.markers(PLACES[site].array, on_array)
        for name, on_array in scenario.array_volumes(testbed.cloud(site), server).items()
    }


def servers(testbed: Testbed, site: str, names: Iterable[str]) -> dict[str, str]:
    """Return name -> id."""
    compute = testbed.cloud(site).compute
    return {name: compute.find_server(name, ignore_missing=False).id for name in names}
