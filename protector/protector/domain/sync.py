# SPDX-License-Identifier: Apache-2.0
"""How a group's document stands against the peer's copy."""

import enum


class Status(enum.StrEnum):
    SYNCED = "SYNCED"
    PENDING = "PENDING"  # committed here, the peer has not acknowledged yet
    OUT_OF_SYNC = "OUT_OF_SYNC"
    UNREACHABLE = "UNREACHABLE"
    BLOCKED = "BLOCKED"  # the peer's base is another one, or an edit was prepared and never ended
    FAILED = "FAILED"  # the peer answered, and said no


class Direction(enum.StrEnum):
    """Whose version holds: that of the group's primary or secondary site, as it was set up."""

    SECONDARY_TO_PRIMARY = "secondary-to-primary"
    PRIMARY_TO_SECONDARY = "primary-to-secondary"

    def source(self, *, primary_site: str, secondary_site: str) -> str:
        return secondary_site if self is Direction.SECONDARY_TO_PRIMARY else primary_site


class Plight(enum.StrEnum):
    """What a status may come from, where that decides what helps."""

    FAILED_OVER_THERE = "failed over there"  # OUT_OF_SYNC: the peer has the newer version
    NOT_TOLD = "not told"  # OUT_OF_SYNC: a failover here, when the peer was not to be reached
    UNFINISHED = "unfinished"  # BLOCKED: the peer began an edit, and cannot be asked about it


FORCE = "openstack protector protection-group sync-force {group}"

AFTER_A_DISASTER = (
    "Check remote site connectivity",
    "Force sync once remote site is available",
)

# What to do about it, in sentences that name the group and the peer.
ACTIONS: dict[Status | Plight, tuple[str, ...]] = {
    Status.SYNCED: (),
    Status.PENDING: ("Wait: the change is sent again until both sites have it",),
    Status.OUT_OF_SYNC: (f"Force sync: {FORCE}",),
    Plight.FAILED_OVER_THERE: (f"Force sync from {{peer}}: export OS_CLOUD={{peer}}; {FORCE}",),
    Status.UNREACHABLE: AFTER_A_DISASTER,
    Plight.NOT_TOLD: AFTER_A_DISASTER,
    Status.BLOCKED: (
        "Compare the versions of both sites: openstack protector protection-group document show"
        " {group}, here and with OS_CLOUD={peer}",
        f"Say whose version holds: {FORCE} --force-direction secondary-to-primary, or"
        " --force-direction primary-to-secondary",
    ),
    Plight.UNFINISHED: (
        "Wait for {peer} if it is coming back: it finishes or withdraws its change by itself",
        "See what it had begun: openstack protector protection-group document list {group}",
        "If this site's version is enough to recover the workloads, fail over with"
        " --accept-stale-metadata",
    ),
    Status.FAILED: ("Correct what {peer} refused", f"Force sync: {FORCE}"),
}


def actions(status: Status, *, group: str, peer: str, plight: Plight | None = None) -> list[str]:
    """Return what an operator can do, in order."""
    return [action.format(group=group, peer=peer) for action in ACTIONS[plight or status]]
