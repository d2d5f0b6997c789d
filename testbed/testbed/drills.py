# SPDX-License-Identifier: Apache-2.0
"""Operations to be interrupted: how the scene is set for each, and how it is asked for."""

import dataclasses
from collections.abc import Callable, Mapping

from testbed import scenario, shortcut
from testbed.census import Member
from testbed.testbed import Testbed

SERVERS = (
    *scenario.WEB_SERVERS,
    scenario.WebServer("db-server-1", {"db": "10.20.0.13"}, (1, 2), ("db-sg",)),
)


@dataclasses.dataclass(frozen=True)
class Drill:
    """``site``: where the operation runs, and where ``members`` do when it has completed.

    ``arrange`` begins with two sites as they were made; ``ask`` returns the operation's id.
    """

    operation: str
    site: str
    steps: tuple[str, ...]
    members: Mapping[str, Member]
    group_status: str
    arrange: Callable[[Testbed], None]
    ask: Callable[[Testbed], str]


def arrange_disaster(testbed: Testbed) -> None:
    """Let three VMs with five volumes be protected, what is on them replicated, and site-a dead."""
    shortcut.introduce_sites(testbed)
    here = testbed.cloud("site-a")
    scenario.boot(here, SERVERS)
    shortcut.protect(testbed, [server.name for server in SERVERS])
    for server in SERVERS:
        for name, array_volume in scenario.array_volumes(here, server.name).items():
            testbed.control.write("flasharray-a", array_volume, name)
    scenario.replicate(testbed)
    testbed.kill("site-a")


def fail_over(testbed: Testbed) -> str:
    there = shortcut.protector(testbed.cloud("site-b"))
    (group,) = there.protection_groups(name=scenario.GROUP)
    asked = there.fail_over(
        group, network_mapping=dict(scenario.NETWORKS), flavor_mapping=scenario.FLAVORS
    )
    return str(asked.operation_id)


FAILOVER = Drill(
    operation="failover",
    site="site-b",
    steps=(
        "validate_target_site",
        "create_dr_operation_record",
        "identify_latest_snapshot",
        "promote_volumes_from_snapshot",
        "manage_volumes_into_cinder",
        *(f"recreate_vm_{server.name}" for server in SERVERS),
        "finalization",
    ),
    members={
        server.name: Member(
            nics=len(server.addresses),
            volumes=tuple(f"{server.name}-{number}" for number in range(len(server.volumes))),
        )
        for server in SERVERS
    },
    group_status="failed_over",
    arrange=arrange_disaster,
    ask=fail_over,
)
DRILLS = {drill.operation: drill for drill in (FAILOVER,)}
