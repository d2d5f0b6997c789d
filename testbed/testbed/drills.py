# SPDX-License-Identifier: Apache-2.0
"""Operations to be interrupted: how the scene is set for each, and how it is asked for."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

from testbed import scenario, shortcut
from testbed.census import Member
from testbed.fate import Act
from testbed.testbed import Testbed

SERVERS = (
    *scenario.WEB_SERVERS,
    scenario.WebServer("db-server-1", {"db": "10.20.0.13"}, (1, 2), ("db-sg",)),
)


@dataclasses.dataclass(frozen=True)
class Drill:
    """``site``: where the operation runs, and at its end, ``status``, so do ``members``.

    ``arrange`` begins with two sites as they were made; ``ask`` returns the operation's id.
    ``act``: whether somebody dies at the steps or at their undoing.
    """

    operation: str
    site: str
    arrange: Callable[[Testbed], None]
    ask: Callable[[Testbed], str]
    act: Act
    steps: tuple[str, ...]
    status: Literal["completed", "failed"]
    group_status: str
    members: Mapping[str, Member]

    @property
    def good_outcome(self) -> str:
        return "completed" if self.status == "completed" else "undone"


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


def fail_over_in_vain(testbed: Testbed) -> str:
    """Let no server come up, so that all is undone."""
    testbed.control.fault("flasharray-b", "/connections", method="POST", count=0)
    return fail_over(testbed)


# Those that make something.
STORAGE_STEPS = ("promote_volumes_from_snapshot", "manage_volumes_into_cinder")
VM_STEPS = tuple(f"recreate_vm_{server.name}" for server in SERVERS)
FAILOVER = Drill(
    operation="failover",
    site="site-b",
    arrange=arrange_disaster,
    ask=fail_over,
    act="execute",
    steps=(
        *("validate_target_site", "create_dr_operation_record"),
        *("identify_latest_snapshot", *STORAGE_STEPS),
        *VM_STEPS,
        "finalization",
    ),
    status="completed",
    group_status="failed_over",
    members={
        server.name: Member(
            nics=len(server.addresses),
            volumes=tuple(f"{server.name}-{number}" for number in range(len(server.volumes))),
        )
        for server in SERVERS
    },
)
UNDONE_FAILOVER = Drill(
    operation="undone-failover",
    site="site-b",
    arrange=arrange_disaster,
    ask=fail_over_in_vain,
    act="revert",
    steps=(*STORAGE_STEPS, *VM_STEPS),
    status="failed",
    group_status="active",
    members={},
)
DRILLS = {drill.operation: drill for drill in (FAILOVER, UNDONE_FAILOVER)}
