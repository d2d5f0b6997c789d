# SPDX-License-Identifier: Apache-2.0
"""An array in memory, for tests and for trying Protector out.

Two of them replicate once they are connected::

    a, b = FakeArray("array-a"), FakeArray("array-b")
    a.connect(b)
    a.create_volume("vol1"); a.create_group("web"); a.add_to_group("web", "vol1")
    a.replicate("web", target_array="array-b", ...); b.allow(ReplicaGroup("array-a", "web"))
    a.take_point("web")

or points are laid down at the target alone, as when the source is gone: ``b.receive(...)``.
"""

import dataclasses
import datetime
import itertools
import threading
import uuid
from collections.abc import Iterable

from protector import errors
from protector.faults import Faults, faulty
from protector.storage.base import ArrayVolume, Point, ReplicaGroup, Replication, StorageDriver

GIB = 1024**3
PREFIX = "protector-"


@dataclasses.dataclass
class _Schedule:
    target: str
    interval_seconds: int
    retention_seconds: int
    enabled: bool = True


@dataclasses.dataclass
class _Replica:
    allowed: bool = False
    points: list[Point] = dataclasses.field(default_factory=list)


class FakeArray(StorageDriver):
    """``volumes`` by id, ``groups`` by name, ``hosts``: ids of volumes a host is connected to."""

    points_are_atomic = True

    def __init__(self, array: str = "array-b") -> None:
        self.array = array
        self.faults = Faults()
        self.lock = threading.RLock()
        self.down = False
        self.volumes: dict[str, ArrayVolume] = {}
        self.groups: dict[str, set[str]] = {}
        self.hosts: set[str] = set()
        self._schedules: dict[str, _Schedule] = {}
        self._replicas: dict[ReplicaGroup, _Replica] = {}
        self._peers: dict[str, FakeArray] = {}
        self._serial = itertools.count(1)

    # -- what happens to an array without Protector -------------------------------------------

    def connect(self, peer: "FakeArray") -> None:
        """Join two arrays, so that each may be the other's target."""
        self._peers[peer.array] = peer
        peer._peers[self.array] = self

    def create_volume(self, name: str, size_bytes: int = GIB) -> ArrayVolume:
        volume = ArrayVolume(str(uuid.uuid4()), name, size_bytes)
        self.volumes[volume.id] = volume
        return volume

    def rename_volume(self, name: str, new_name: str) -> None:
        volume = self._volume(name)
        self.volumes[volume.id] = dataclasses.replace(volume, name=new_name)
        for members in self.groups.values():
            if name in members:
                members.remove(name)
                members.add(new_name)

    def create_group(self, name: str) -> None:
        self.groups.setdefault(name, set())

    def add_to_group(self, name: str, volume: str) -> None:
        self.groups[name].add(self._volume(volume).name)

    def remove_from_group(self, name: str, volume: str) -> None:
        self.groups[name].discard(volume)

    def delete_group(self, name: str) -> None:
        self.groups.pop(name, None)
        self._forget_target(name)

    def take_point(
        self, group: str, *, created: datetime.datetime | None = None, progress: float = 1.0
    ) -> Point:
        """Do what the schedule does: send the group as it is now to its target."""
        peer = self._peers[self._schedules[group].target]
        return peer.receive(
            ReplicaGroup(self.array, group), self.groups[group], created=created, progress=progress
        )

    def receive(
        self,
        group: ReplicaGroup,
        volumes: Iterable[str],
        *,
        created: datetime.datetime | None = None,
        progress: float = 1.0,
    ) -> Point:
        """Be sent a point; one whose progress is below 1.0 stays incomplete."""
        name = f"{group.source_array}:{group.name}.{next(self._serial)}"
        point = Point(
            name,
            created or datetime.datetime.now(datetime.UTC),
            complete=progress >= 1.0,
            progress=progress,
            volumes={volume: f"{name}.{volume}" for volume in volumes},
        )
        self._replicas.setdefault(group, _Replica(allowed=True)).points.append(point)
        return point

    def allows(self, group: ReplicaGroup) -> bool:
        return group in self._replicas and self._replicas[group].allowed

    # -- the driver ---------------------------------------------------------------------------

    @faulty
    def check(self) -> None:
        self._answer()

    @faulty
    def replicate(
        self, group: str, *, target_array: str, interval_seconds: int, retention_seconds: int
    ) -> None:
        self._answer()
        if group not in self.groups:
            raise errors.StorageError(array=self.array, reason=f"it has no group {group}")
        if target_array not in self._peers:
            reason = f"it is not connected to {target_array}; connect the arrays first"
            raise errors.StorageError(array=self.array, reason=reason)
        self._schedules[group] = _Schedule(target_array, interval_seconds, retention_seconds)
        self._peers[target_array]._replicas.setdefault(ReplicaGroup(self.array, group), _Replica())

    @faulty
    def replication(self, group: str) -> Replication | None:
        self._answer()
        return self._replication(group) if group in self._schedules else None

    @faulty
    def replications(self) -> dict[str, Replication]:
        self._answer()
        return {group: self._replication(group) for group in self._schedules}

    @faulty
    def suspend(self, group: str) -> None:
        self._answer()
        if group in self._schedules:
            self._schedules[group].enabled = False

    @faulty
    def stop_replicating(self, group: str) -> None:
        self._answer()
        self._forget_target(group)

    @faulty
    def allow(self, group: ReplicaGroup) -> None:
        self._answer()
        if group not in self._replicas:
            reason = f"{group.source_array} has not named it as the target of {group.name} yet"
            raise errors.StorageError(array=self.array, reason=reason)
        self._replicas[group].allowed = True

    @faulty
    def points(self, group: ReplicaGroup) -> list[Point]:
        self._answer()
        points = self._replicas[group].points if group in self._replicas else []
        return sorted(points, key=lambda point: point.created, reverse=True)

    @faulty
    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        self._answer()
        if not point.complete or volume not in point.volumes:
            reason = f"point {point.name} does not hold all of volume {volume}"
            raise errors.StorageError(array=self.array, reason=reason)
        return self._named(PREFIX + key) or self.create_volume(PREFIX + key)

    @faulty
    def promoted(self, key: str) -> ArrayVolume | None:
        self._answer()
        return self._named(PREFIX + key)

    @faulty
    def holds(self, volume_id: str) -> bool:
        self._answer()
        return volume_id in self.volumes

    @faulty
    def reclaim(self, volume_id: str, *, key: str) -> None:
        self._answer()
        if volume_id not in self.volumes:
            raise errors.StorageError(array=self.array, reason=f"it has no volume {volume_id}")
        self.rename_volume(self.volumes[volume_id].name, PREFIX + key)

    def removal(self, name: str) -> str:
        return f"array remove {name}"

    @faulty
    def discard(self, volume_id: str) -> None:
        self._answer()
        if volume_id in self.hosts:
            reason = f"volume {self.volumes[volume_id].name} is connected to a host"
            raise errors.StorageError(array=self.array, reason=reason)
        self.volumes.pop(volume_id, None)

    # -- inside -------------------------------------------------------------------------------

    def _answer(self) -> None:
        if self.down:
            raise errors.ArrayUnreachable(array=self.array, reason="Connection refused")

    def _volume(self, name: str) -> ArrayVolume:
        volume = self._named(name)
        if volume is None:
            raise errors.StorageError(array=self.array, reason=f"it has no volume {name}")
        return volume

    def _named(self, name: str) -> ArrayVolume | None:
        return next((made for made in self.volumes.values() if made.name == name), None)

    def _replication(self, group: str) -> Replication:
        schedule = self._schedules[group]
        return Replication(
            target=schedule.target,
            allowed=self._peers[schedule.target].allows(ReplicaGroup(self.array, group)),
            enabled=schedule.enabled,
            interval_seconds=schedule.interval_seconds,
            volumes=frozenset(self.groups[group]),
        )

    def _forget_target(self, group: str) -> None:
        schedule = self._schedules.pop(group, None)
        if schedule:
            self._peers[schedule.target]._replicas.pop(ReplicaGroup(self.array, group), None)
