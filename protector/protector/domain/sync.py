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


# What to do about it, in sentences that name the group and the peer.
ACTIONS: dict[Status, tuple[str, ...]] = {
    Status.SYNCED: (),
    Status.PENDING: ("Wait: the change is sent to {peer} again until it is acknowledged",),
    Status.OUT_OF_SYNC: ("Force sync: openstack protector protection-group sync-force {group}",),
    Status.UNREACHABLE: (
        "Check remote site connectivity",
        "Force sync once remote site is available",
    ),
    Status.BLOCKED: (
        "Compare the versions of both sites: openstack protector protection-group sync-status"
        " {group}, here and with OS_CLOUD={peer}",
        "If this site's version is enough to recover the workloads, fail over again with"
        " --accept-stale-metadata",
    ),
    Status.FAILED: (
        "Correct what {peer} refused",
        "Force sync: openstack protector protection-group sync-force {group}",
    ),
}


def actions(status: Status, *, group: str, peer: str) -> list[str]:
    """Return what an operator can do, in order."""
    return [action.format(group=group, peer=peer) for action in ACTIONS[status]]
