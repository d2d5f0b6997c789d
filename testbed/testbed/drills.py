# SPDX-License-Identifier: Apache-2.0
"""Operations to be interrupted: how the scene is set for each, and how it is asked for."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from testbed import census, scenario, shortcut
from testbed.census import Count, Member
from testbed.errors import BrokenTestbed
from testbed.fate import Act
from testbed.progress import wait_for
from testbed.testbed import Testbed

SERVERS = (
    *scenario.WEB_SERVERS,
    scenario.WebServer("db-server-1", {"db": "10.20.0.13"}, (1, 2), ("db-sg",)),
)
MIRRORED = tuple(dataclasses.replace(server, volume_type="replicated-sync") for server in SERVERS)
# Seconds.
SOON = 180
# The status of a server that is not there.
GONE = "gone"


@dataclasses.dataclass(frozen=True)
class Drill:
    """``site``: where the operation runs, and at its end, ``status``, so do ``members``.

    ``arrange`` begins with two sites as they were made; ``ask`` returns the operation's id.
    ``act``: whether somebody dies at the steps or at their undoing; ``mortal``: on which site, if
    it is the other one. ``elsewhere``: name of a server there -> the status that it ends in,
    or GONE. ``counted``: the site on which ``members`` are to run, if it is the other one.
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
    mortal: str | None = None
    counted: str | None = None
    elsewhere: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def scene(self) -> str:
        """The checkpoint that each case begins with."""
        return self.arrange.__name__

    def set_scene(self, testbed: Testbed) -> None:
        """Arrange it in two new sites and keep it, unless this process has done so before."""
        if not testbed.remembers(self.scene):
            testbed.reset()
            self.arrange(testbed)
            testbed.checkpoint(self.scene)

    def count(self, testbed: Testbed) -> Count:
        """Count what there is on the site where the members are to be, and on the other one."""
        there = census.take(testbed, self.counted or self.site, self.members)
        return dataclasses.replace(there, missing=[*there.missing, *self._wrong_elsewhere(testbed)])

    def _wrong_elsewhere(self, testbed: Testbed) -> list[str]:
        if not self.elsewhere:
            return []
        (other,) = set(testbed.sites) - {self.site}
        found = {server.name: server.status for server in testbed.cloud(other).compute.servers()}
        return [
            f"{name} is {found.get(name, GONE)} on {other}, not {status}"
            for name, status in self.elsewhere.items()
            if found.get(name, GONE) != status
        ]

    @property
    def good_outcome(self) -> str:
        return "completed" if self.status == "completed" else "undone"


def arrange_disaster(testbed: Testbed) -> None:
    """Let three VMs with five volumes be protected, what is on them replicated, and site-a dead."""
    arrange_two_sites(testbed)
    testbed.kill("site-a")


def arrange_two_sites(testbed: Testbed) -> None:
    """Let three VMs with five volumes be protected, and what is on them replicated."""
    _protect(testbed, SERVERS, "async")
    scenario.replicate(testbed)


def arrange_mirrored_sites(testbed: Testbed) -> None:
    """Let the same be protected, and mirrored."""
    _protect(testbed, MIRRORED, "sync")


def arrange_mirrored_disaster(testbed: Testbed) -> None:
    arrange_mirrored_sites(testbed)
    testbed.kill("site-a")


def arrange_return(testbed: Testbed) -> None:
    """Let the VMs run on site-b, and site-a know it and have stopped its own."""
    arrange_two_sites(testbed)
    _run_on_the_other(testbed)


def arrange_mirrored_return(testbed: Testbed) -> None:
    arrange_mirrored_sites(testbed)
    _run_on_the_other(testbed)


def _protect(
    testbed: Testbed, servers: Sequence[scenario.WebServer], replication_type: str
) -> None:
    """Let each volume hold its own name."""
    shortcut.introduce_sites(testbed)
    here = testbed.cloud("site-a")
    scenario.boot(here, servers)
    names = [server.name for server in servers]
    shortcut.protect(testbed, names, replication_type=replication_type)
    for server in names:
        for name, array_volume in scenario.array_volumes(here, server).items():
            testbed.control.write("flasharray-a", array_volume, name)


def _run_on_the_other(testbed: Testbed) -> None:
    _await_end(testbed, "site-b", fail_over(testbed))
    there = testbed.cloud("site-a").compute
    wait_for(
        lambda: {server.status for server in there.servers()} == {"SHUTOFF"} or None,
        seconds=SOON,
        otherwise="site-a does not stop its VMs",
    )


def arrange_away(testbed: Testbed) -> None:
    """Let the VMs run on site-b, protected by site-a."""
    arrange_two_sites(testbed)
    _await_end(testbed, "site-b", move(testbed))


def _await_end(testbed: Testbed, site: str, operation_id: str) -> None:
    """:raises BrokenTestbed: it does not complete."""
    here = shortcut.protector(testbed.cloud(site))
    wait_for(
        lambda: here.get_operation(operation_id).has_ended or None,
        seconds=SOON,
        otherwise=f"operation {operation_id} does not end",
    )
    ended = here.get_operation(operation_id)
    if ended.status != "completed" or ended.error_message:
        raise BrokenTestbed(f"operation {operation_id} is {ended.status}: {ended.error_message}")


def arrange_test(testbed: Testbed) -> None:
    """Let the VMs run on site-a, and a test of them on site-b."""
    arrange_two_sites(testbed)
    _await_end(testbed, "site-b", rehearse(testbed))


def reprotect(testbed: Testbed) -> str:
    there = shortcut.protector(testbed.cloud("site-b"))
    (group,) = there.protection_groups(name=scenario.GROUP)
    return str(there.reprotect(group).operation_id)


def fail_back(testbed: Testbed) -> str:
    here = shortcut.protector(testbed.cloud("site-a"))
    (group,) = here.protection_groups(name=scenario.GROUP)
    return str(here.fail_back(group).operation_id)


def fail_back_in_vain(testbed: Testbed) -> str:
    """Let the first original not be overwritten, so that all is undone.

    Only that: to put back what was saved is to overwrite, too.
    """
    refusal = {"status": 400, "error": "No space is left."}
    testbed.control.fault("flasharray-a", "/volumes$", method="POST", count=1, **refusal)
    return fail_back(testbed)


def fail_over(testbed: Testbed, type: str = "unplanned") -> str:
    there = shortcut.protector(testbed.cloud("site-b"))
    (group,) = there.protection_groups(name=scenario.GROUP)
    asked = there.fail_over(
        group,
        type=type,
        network_mapping=dict(scenario.NETWORKS),
        flavor_mapping=scenario.FLAVORS,
    )
    return str(asked.operation_id)


def fail_over_in_vain(testbed: Testbed, type: str = "unplanned") -> str:
    """Let no server come up, so that all is undone."""
    testbed.control.fault("flasharray-b", "/connections", method="POST", count=0)
    return fail_over(testbed, type)


def move(testbed: Testbed) -> str:
    return fail_over(testbed, "planned")


def move_in_vain(testbed: Testbed) -> str:
    return fail_over_in_vain(testbed, "planned")


def rehearse(testbed: Testbed) -> str:
    there = shortcut.protector(testbed.cloud("site-b"))
    (group,) = there.protection_groups(name=scenario.GROUP)
    return str(there.test_failover(group, flavor_mapping=scenario.FLAVORS).operation_id)


def rehearse_in_vain(testbed: Testbed) -> str:
    """Let no server come up, so that all is undone."""
    testbed.control.fault("flasharray-b", "/connections", method="POST", count=0)
    return rehearse(testbed)


def clean_up(testbed: Testbed) -> str:
    there = shortcut.protector(testbed.cloud("site-b"))
    (group,) = there.protection_groups(name=scenario.GROUP)
    return str(there.clean_up_test(group).operation_id)


# Those that make something.
STORAGE_STEPS = ("promote_volumes_from_snapshot", "manage_volumes_into_cinder")
VM_STEPS = tuple(f"recreate_vm_{server.name}" for server in SERVERS)
REVERSING_STEPS = ("set_up_reverse_replication", "wait_for_first_snapshot", "reprotect")
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
TEST_FAILOVER = Drill(
    operation="test-failover",
    site="site-b",
    arrange=arrange_two_sites,
    ask=rehearse,
    act="execute",
    steps=(
        *("validate_target_site", "record_test"),
        *("identify_latest_snapshot", *STORAGE_STEPS),
        *("make_test_networks", *VM_STEPS),
        *("check_test_vms", "record_test_result"),
    ),
    status="completed",
    group_status="testing",
    elsewhere=dict.fromkeys((server.name for server in SERVERS), "ACTIVE"),
    members={
        f"test-{server.name}": Member(
            nics=len(server.addresses),
            volumes=tuple(f"test-{server.name}-{n}" for n in range(len(server.volumes))),
            prefix="test-",
            networks=tuple(f"test-{network}" for network in server.addresses),
        )
        for server in SERVERS
    },
)
UNDONE_TEST_FAILOVER = Drill(
    operation="undone-test-failover",
    site="site-b",
    arrange=arrange_two_sites,
    ask=rehearse_in_vain,
    act="revert",
    steps=(*STORAGE_STEPS, "make_test_networks", *VM_STEPS),
    status="failed",
    group_status="active",
    members={},
    elsewhere=dict.fromkeys((server.name for server in SERVERS), "ACTIVE"),
)
TEST_CLEANUP = Drill(
    operation="test-cleanup",
    site="site-b",
    arrange=arrange_test,
    ask=clean_up,
    act="execute",
    steps=("remove_test_servers", "remove_test_volumes", "remove_test_networks", "end_test"),
    status="completed",
    group_status="active",
    members={},
    elsewhere=dict.fromkeys((server.name for server in SERVERS), "ACTIVE"),
)
PLANNED = dataclasses.replace(
    FAILOVER,
    operation="planned",
    arrange=arrange_two_sites,
    ask=move,
    steps=(
        *("validate_target_site", "create_dr_operation_record"),
        *("stop_source_vms", "take_last_snapshot", "wait_for_last_snapshot", *STORAGE_STEPS),
        *VM_STEPS,
        *("finalization", *REVERSING_STEPS),
    ),
    elsewhere=dict.fromkeys((server.name for server in SERVERS), "SHUTOFF"),
)
UNDONE_PLANNED = dataclasses.replace(
    UNDONE_FAILOVER,
    operation="undone-planned",
    arrange=arrange_two_sites,
    ask=move_in_vain,
    steps=("stop_source_vms", *STORAGE_STEPS, *VM_STEPS),
    elsewhere=dict.fromkeys((server.name for server in SERVERS), "ACTIVE"),
)
# The site that hands over, or takes back, is where engines die.
HAND_OVER = dataclasses.replace(
    PLANNED,
    operation="hand-over",
    mortal="site-a",
    steps=("validate_source_site", "stop_vms_of_tier_3", "take_last_snapshot"),
)
HAND_BACK = dataclasses.replace(
    UNDONE_PLANNED,
    operation="hand-back",
    mortal="site-a",
    act="execute",
    steps=("start_vms_of_tier_3", "give_group_back"),
)
REPROTECT = dataclasses.replace(
    FAILOVER,
    operation="reprotect",
    arrange=arrange_return,
    ask=reprotect,
    steps=REVERSING_STEPS,
    elsewhere=dict.fromkeys((server.name for server in SERVERS), "SHUTOFF"),
)
SYNC_FAILOVER = dataclasses.replace(
    FAILOVER, operation="sync-failover", arrange=arrange_mirrored_disaster
)
SYNC_REPROTECT = dataclasses.replace(
    REPROTECT, operation="sync-reprotect", arrange=arrange_mirrored_return
)
FAILBACK = dataclasses.replace(
    PLANNED,
    operation="failback",
    site="site-a",
    arrange=arrange_away,
    ask=fail_back,
    steps=(
        *("validate_target_site", "create_dr_operation_record"),
        *("stop_source_vms", "take_last_snapshot", "wait_for_last_snapshot"),
        *("save_originals", "overwrite_originals", *STORAGE_STEPS),
        *VM_STEPS,
        *("finalization", "resume_replication", "remove_copies"),
    ),
    group_status="active",
    elsewhere=dict.fromkeys((server.name for server in SERVERS), GONE),
)
UNDONE_FAILBACK = dataclasses.replace(
    UNDONE_PLANNED,
    operation="undone-failback",
    site="site-a",
    arrange=arrange_away,
    ask=fail_back_in_vain,
    steps=("stop_source_vms", "overwrite_originals"),
    group_status="failed_over",
    members=FAILOVER.members,
    counted="site-b",
)
DRILLS = {
    drill.operation: drill
    for drill in (
        *(FAILOVER, UNDONE_FAILOVER, PLANNED, UNDONE_PLANNED, HAND_OVER, HAND_BACK),
        *(TEST_FAILOVER, UNDONE_TEST_FAILOVER, TEST_CLEANUP),
        *(REPROTECT, FAILBACK, UNDONE_FAILBACK),
        *(SYNC_FAILOVER, SYNC_REPROTECT),
    )
}
