# SPDX-License-Identifier: Apache-2.0
"""Pure Storage FlashArray: protection groups in a pod, which two arrays have at once.

Such a group has one name on both, ``<pod>::<group>``. Its snapshots are one on both as well, on
whichever they were taken: ``<pod>::<group>.<suffix>``, and a volume's
``<pod>::<group>.<suffix>.<volume>``. A pod is everybody's who has a volume in it, so nothing is
done to the pod itself.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from pypureclient.flasharray import ProtectionGroupSnapshotPatch, ProtectionGroupSnapshotPost

from protector import errors
from protector.storage.base import Mirror, Point, Replication
from protector.storage.purity import GONE, Purity, alive

MARK = "::"
ONLINE = "online"

# The suffix of a snapshot that is taken on demand is this + key, so that it is known for ours.
SUFFIX = "protector-"


class Pods:
    """What the driver asks of an array about groups in pods."""

    def __init__(self, purity: Purity) -> None:
        self._purity = purity
        self._array = purity.array

    def group_called(self, name: str) -> str | None:
        groups = self._purity.ask(
            "get_protection_groups",
            filter=f"name='{name}' or name='*{MARK}{name}'",
            destroyed=False,
        )
        found = [group.name for group in groups if group.is_local]
        if len(found) > 1:
            raise self._error(
                f"several of its protection groups are called {name}: {', '.join(found)}. Rename"
                " those that Cinder does not use"
            )
        return found[0] if found else None

    def mirror(self, group: str) -> Mirror | None:
        if not alive(self._purity.ask("get_protection_groups", names=[group], unless=GONE)):
            return None
        pod = alive(self._purity.ask("get_pods", names=[pod_of(group)], unless=GONE))
        return mirror(pod, self._array) if pod else None

    def must_be_stretched(self, group: str, *, to: str) -> None:
        found = self._there(group)
        if found.other != to:
            arrays = " and ".join(filter(None, (self._array, found.other)))
            raise self._error(
                f"pod {found.pod}, which protection group {group} is in, is on {arrays}, and not on"
                f" {to}. Check replication_device and pod of Cinder's backend, and that the"
                f" connection of {self._array} and {to} is of type sync-replication"
            )

    def replication(self, group: str) -> Replication | None:
        found = self.mirror(group)
        if not found or not found.other:
            return None
        members = self._purity.ask(
            "get_protection_groups_volumes", group_names=[group], unless=GONE
        )
        return replication(found.other, found, members)

    def replications(
        self, groups: Iterable[str], members: Mapping[str, Iterable[Any]]
    ) -> dict[str, Replication]:
        """Return how those of the groups are replicated that are in stretched pods."""
        mirrors = self._mirrors()
        return {
            group: replication(found.other, found, members.get(group, []))
            for group in filter(in_a_pod, groups)
            if (found := mirrors.get(pod_of(group))) and found.other
        }

    def take(self, group: str, *, key: str) -> str:
        self._must_be_online(group)
        suffix = SUFFIX + key
        name = f"{group}.{suffix}"
        if not alive(self._purity.ask("get_protection_group_snapshots", names=[name], unless=GONE)):
            self._purity.ask(
                "post_protection_group_snapshots",
                source_names=[group],
                protection_group_snapshot=ProtectionGroupSnapshotPost(suffix=suffix),
                unless=("already exists",),
            )
        return name

    def points(self, group: str) -> list[Point]:
        snapshots = self._purity.ask(
            "get_protection_group_snapshots", names=[group], destroyed=False, unless=GONE
        )
        found = self.mirror(group)
        if not snapshots or not found:
            return []
        whole = found.here == ONLINE
        members = self._purity.ask(
            "get_volume_snapshots", filter=f"name='{group}.*'", destroyed=False
        )
        volumes: dict[str, dict[str, str]] = {}
        for member in members:
            of_point, _, volume = member.name.rpartition(".")
            volumes.setdefault(of_point, {})[f"{pod_of(group)}{MARK}{volume}"] = member.name
        points = [
            Point(
                name=snapshot.name,
                created=moment(snapshot.created),
                complete=whole,
                progress=1.0 if whole else found.progress or 0.0,
                volumes=volumes.get(snapshot.name, {}),
            )
            for snapshot in snapshots
        ]
        return sorted(points, key=lambda point: point.created, reverse=True)

    def forget(self, before: datetime.datetime) -> int:
        """One by one: the other array's Protector, which sees them too, may be at it as well."""
        ours = self._purity.ask(
            "get_protection_group_snapshots", filter=f"name='*{MARK}*.{SUFFIX}*'", destroyed=False
        )
        old = [snapshot.name for snapshot in ours if moment(snapshot.created) < before]
        return sum(self._destroy(name) for name in self.changeable(old))

    def changeable(self, names: Iterable[str]) -> list[str]:
        """Return the names of what is in no pod, or in one that is online here."""
        online = {name for name, found in self._mirrors().items() if found.here == ONLINE}
        return [name for name in names if not in_a_pod(name) or pod_of(name) in online]

    # -- inside -------------------------------------------------------------------------------

    def _error(self, reason: str) -> errors.StorageError:
        return errors.StorageError(array=self._array, reason=reason)

    def _mirrors(self) -> dict[str, Mirror]:
        pods = self._purity.ask("get_pods", destroyed=False)
        return {pod.name: mirror(pod, self._array) for pod in pods}

    def _there(self, group: str) -> Mirror:
        found = self.mirror(group)
        if not found:
            raise self._error(f"it has no protection group {group}")
        return found

    def _must_be_online(self, group: str) -> None:
        found = self._there(group)
        state = f"pod {found.pod} is {found.here} on {self._array}"
        if found.here == "suspended":
            raise errors.ArrayBusy(array=self._array, reason=state)
        if found.here != ONLINE:
            raise self._error(f"{state}, so no snapshot of protection group {group} can be taken")

    def _destroy(self, snapshot: str) -> bool:
        """Return whether it was still there."""
        destroyed = ProtectionGroupSnapshotPatch(destroyed=True)
        return bool(
            self._purity.ask(
                "patch_protection_group_snapshots",
                names=[snapshot],
                protection_group_snapshot=destroyed,
                unless=GONE,
            )
        )


def in_a_pod(name: str) -> bool:
    return MARK in name


def pod_of(name: str) -> str:
    """Return the pod of what is in one."""
    return name.partition(MARK)[0]


def mirror(pod: Any, array: str) -> Mirror:
    """Return what the array says of a pod, which has the array itself among its own."""
    own = next(side for side in pod.arrays if side.name == array)
    other = next((side for side in pod.arrays if side is not own), None)
    preferences = getattr(pod, "failover_preferences", None) or []
    frozen_at = getattr(own, "frozen_at", None) if own.status != ONLINE else None
    return Mirror(
        pod=pod.name,
        other=other.name if other else None,
        here=own.status,
        there=other.status if other else "unknown",
        progress=progress(side for side in pod.arrays if side.status == "resyncing"),
        as_of=moment(frozen_at) if frozen_at is not None else None,
        preferred=preferences[0].name if preferences else None,
        mediated=getattr(own, "mediator_status", None) == ONLINE,
    )


def progress(resyncing: Iterable[Any]) -> float | None:
    return next((getattr(side, "progress", None) for side in resyncing), None)


def moment(milliseconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def replication(other: str, found: Mirror, members: Iterable[Any]) -> Replication:
    return Replication(
        target=other,
        allowed=True,
        enabled=found.here == found.there == ONLINE,
        interval_seconds=0,
        volumes=frozenset(row.member.name for row in members),
    )
