# SPDX-License-Identifier: Apache-2.0
"""An array in memory, for tests and for trying Protector out.

Two of them replicate once they are connected::

    a, b = FakeArray("array-a"), FakeArray("array-b")
    a.connect(b)
    a.create_volume("vol1"); a.create_group("web"); a.add_to_group("web", "vol1")
    a.replicate("web", target_array="array-b", ...); b.allow(ReplicaGroup("array-a", "web"))
    a.send_point("web")

or points are laid down at the target alone, as when the source is gone: ``b.receive(...)``. What
is in a pod is on both (:mod:`protector.storage.fake_pods`).
"""

import dataclasses
import datetime
import itertools
import threading
import uuid
from collections.abc import Iterable, Mapping

from protector import errors
from protector.faults import Faults, faulty
from protector.storage.base import (
    ArrayVolume,
    Mirror,
    Point,
    ReplicaGroup,
    Replication,
    StorageDriver,
)
from protector.storage.fake_pods import MARK, FakePod

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
    """``volumes`` by id, ``groups`` and ``pods`` by name.

    ``hosts``: ids of volumes a host is connected to.

    ``contents``: id of a volume -> what was written to it, as text.
    ``speed``: how much of a point that is taken on demand is at the target at once.
    """

    points_are_atomic = True

    def __init__(self, array: str = "array-b") -> None:
        self.array = array
        self.faults = Faults()
        self.lock = threading.RLock()
        self.down = False
        self.speed = 1.0
        self.volumes: dict[str, ArrayVolume] = {}
        self.groups: dict[str, set[str]] = {}
        self.pods: dict[str, FakePod[FakeArray]] = {}
        self.hosts: set[str] = set()
        self.contents: dict[str, str] = {}
        # What is in points, by the name of a volume's snapshot, and what is saved, by id and key.
        self._frozen: dict[str, str] = {}
        self._saved: dict[tuple[str, str], tuple[datetime.datetime, str]] = {}
        self._schedules: dict[str, _Schedule] = {}
        self._replicas: dict[ReplicaGroup, _Replica] = {}
        self._peers: dict[str, FakeArray] = {}
        self._serial = itertools.count(1)

    # -- what happens to an array without Protector -------------------------------------------

    def connect(self, peer: "FakeArray") -> None:
        """Join two arrays, so that each may be the other's target."""
        self._peers[peer.array] = peer
        peer._peers[self.array] = self

    def create_pod(
        self, name: str, *, stretched_to: "FakeArray | None" = None
    ) -> "FakePod[FakeArray]":
        """Make a pod before what is in it: it is on both arrays from the beginning."""
        pod = self.pods[name] = FakePod(name, self)
        if stretched_to:
            pod.other = stretched_to.pods[name] = FakePod(name, stretched_to, other=pod)
        return pod

    def create_volume(self, name: str, size_bytes: int = GIB) -> ArrayVolume:
        volume = ArrayVolume(str(uuid.uuid4()), name, size_bytes)
        self._keep(volume)
        return volume

    def resize(self, name: str, size_gb: int) -> None:
        self._keep(dataclasses.replace(self._volume(name), size_bytes=size_gb * GIB))

    def saved(self) -> list[str]:
        """Return the ids of the volumes of which something is kept."""
        return [volume_id for volume_id, _ in self._saved]

    def age_saved(self, *, seconds: float) -> None:
        """Let time pass for what is kept."""
        by = datetime.timedelta(seconds=seconds)
        self._saved = {which: (at - by, text) for which, (at, text) in self._saved.items()}

    def delete_volume(self, name: str) -> None:
        volume = self._volume(name)
        for array in self._having(name):
            del array.volumes[volume.id]

    def write(self, name: str, text: str) -> None:
        self._write(self._volume(name), text)

    def read(self, name: str) -> str:
        return self.contents.get(self._volume(name).id, "")

    def rename_volume(self, name: str, new_name: str) -> None:
        """Rename a volume, or move it into a pod or out of one."""
        renamed = dataclasses.replace(self._volume(name), name=new_name)
        for array in self._having(name):
            if array is not self:
                del array.volumes[renamed.id]
            for members in array.groups.values():
                if name in members:
                    members.remove(name)
                    members.add(new_name)
        self._keep(renamed)
        self._write(renamed, self.contents.get(renamed.id, ""))

    def create_group(self, name: str) -> None:
        for array in self._having(name):
            array.groups.setdefault(name, set())

    def add_to_group(self, name: str, volume: str) -> None:
        for array in self._having(name):
            array.groups[name].add(self._volume(volume).name)

    def remove_from_group(self, name: str, volume: str) -> None:
        for array in self._having(name):
            array.groups[name].discard(volume)

    def delete_group(self, name: str) -> None:
        for array in self._having(name):
            array.groups.pop(name, None)
        self._forget_target(name)

    def send_point(
        self, group: str, *, created: datetime.datetime | None = None, progress: float = 1.0
    ) -> Point:
        """Do what the schedule does: send the group as it is now to its target.

        One in a pod has a schedule of its own array, which keeps the point.
        """
        if pod := self._pod(group):
            return self._snapshot(pod, group, str(next(self._serial)), created)
        peer = self._peers[self._schedules[group].target]
        return peer.receive(
            ReplicaGroup(self.array, group),
            self.groups[group],
            created=created,
            progress=progress,
            contents=self._contents(group),
        )

    def receive(
        self,
        group: ReplicaGroup,
        volumes: Iterable[str],
        *,
        created: datetime.datetime | None = None,
        progress: float = 1.0,
        contents: Mapping[str, str] | None = None,
        suffix: str | None = None,
    ) -> Point:
        """Be sent a point; one whose progress is below 1.0 stays incomplete (:meth:`arrive`)."""
        name = f"{group.source_array}:{group.name}.{suffix or next(self._serial)}"
        point = Point(
            name,
            created or datetime.datetime.now(datetime.UTC),
            complete=progress >= 1.0,
            progress=progress,
            volumes={volume: f"{name}.{volume}" for volume in volumes},
            sent_bytes=int(progress * GIB),
        )
        for volume, text in (contents or {}).items():
            self._frozen[point.volumes[volume]] = text
        self._replicas.setdefault(group, _Replica(allowed=True)).points.append(point)
        return point

    def arrive(self, name: str, progress: float = 1.0) -> None:
        """Be sent more of a point, or all of it."""
        for replica in self._replicas.values():
            replica.points = [
                dataclasses.replace(one, progress=progress, complete=progress >= 1.0)
                if one.name == name
                else one
                for one in replica.points
            ]

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
        if pod := self._pod(group):
            pod.must_be_stretched(to=target_array)
            return
        if target_array not in self._peers:
            reason = f"it is not connected to {target_array}; connect the arrays first"
            raise errors.StorageError(array=self.array, reason=reason)
        self._schedules[group] = _Schedule(target_array, interval_seconds, retention_seconds)
        self._peers[target_array]._replicas.setdefault(ReplicaGroup(self.array, group), _Replica())

    @faulty
    def replication(self, group: str) -> Replication | None:
        self._answer()
        return self._replication(group) if group in self._replicated() else None

    @faulty
    def replications(self) -> dict[str, Replication]:
        self._answer()
        return {group: self._replication(group) for group in self._replicated()}

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
    def take_point(self, group: str, *, key: str) -> str:
        self._answer()
        if (pod := self._pod(group)) and group in self.groups:
            pod.must_be_online()
            return self._snapshot(pod, group, PREFIX + key).name
        if group not in self._schedules:
            reason = f"its group {group} is not sent to any array"
            raise errors.StorageError(array=self.array, reason=reason)
        replica, peer = ReplicaGroup(self.array, group), self._peers[self._schedules[group].target]
        name = f"{self.array}:{group}.{key}"
        if name not in {point.name for point in peer._replicas[replica].points}:
            peer.receive(
                replica,
                self.groups[group],
                progress=self.speed,
                contents=self._contents(group),
                suffix=key,
            )
        return name

    @faulty
    def group_called(self, name: str) -> str | None:
        self._answer()
        found = [group for group in self.groups if f"{MARK}{group}".endswith(f"{MARK}{name}")]
        if len(found) > 1:
            reason = f"several groups are called {name}: {', '.join(found)}"
            raise errors.StorageError(array=self.array, reason=reason)
        return found[0] if found else None

    @faulty
    def mirror(self, group: str) -> Mirror | None:
        self._answer()
        pod = self._pod(group)
        return pod.mirror() if pod and group in self.groups else None

    @faulty
    def forget_points(self, before: datetime.datetime) -> int:
        self._answer()
        old = {
            point.name
            for pod in self.pods.values()
            if pod.here == "online"
            for point in pod.points
            if f".{PREFIX}" in point.name and point.created < before
        }
        for side in [side for pod in self.pods.values() for side in pod.sides]:
            side.points = [point for point in side.points if point.name not in old]
        return len(old)

    @faulty
    def allow(self, group: ReplicaGroup) -> None:
        self._answer()
        if (pod := self._pod(group.name)) and group.name in self.groups:
            pod.must_be_stretched(to=group.source_array)
            return
        if group not in self._replicas:
            reason = f"{group.source_array} has not named it as the target of {group.name} yet"
            raise errors.StorageError(array=self.array, reason=reason)
        self._replicas[group].allowed = True

    @faulty
    def points(self, group: ReplicaGroup) -> list[Point]:
        self._answer()
        if pod := self._pod(group.name):
            points = pod.points_of(group.name)
        else:
            points = self._replicas[group].points if group in self._replicas else []
        return sorted(points, key=lambda point: point.created, reverse=True)

    @faulty
    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        self._answer()
        if not point.complete or volume not in point.volumes:
            reason = f"point {point.name} does not hold all of volume {volume}"
            raise errors.StorageError(array=self.array, reason=reason)
        found = self._named(PREFIX + key)
        if found is None:
            found = self.create_volume(PREFIX + key)
            self.contents[found.id] = self._frozen.get(point.volumes[volume], "")
        return found

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
        self._must_have(volume_id)
        self.rename_volume(self.volumes[volume_id].name, PREFIX + key)

    def removal(self, name: str) -> str:
        return f"array remove {name}"

    @faulty
    def volume(self, name: str) -> ArrayVolume | None:
        self._answer()
        return self._named(name)

    @faulty
    def save(self, volume_id: str, *, key: str) -> None:
        self._answer()
        self._must_have(volume_id)
        now = datetime.datetime.now(datetime.UTC)
        for array in self._having(self.volumes[volume_id].name):
            array._saved.setdefault((volume_id, key), (now, self.contents.get(volume_id, "")))

    @faulty
    def restore(self, volume_id: str, *, key: str) -> None:
        self._answer()
        self._must_have(volume_id)
        if (volume_id, key) in self._saved:
            self._write(self.volumes[volume_id], self._saved[volume_id, key][1])

    @faulty
    def overwrite(self, volume_id: str, *, source: str) -> None:
        self._answer()
        self._must_have(volume_id)
        volume, other = self.volumes[volume_id], self._volume(source)
        if volume.size_bytes != other.size_bytes:
            reason = f"volumes {volume.name} and {source} differ in size"
            raise errors.StorageError(array=self.array, reason=reason)
        self._write(volume, self.contents.get(other.id, ""))

    @faulty
    def forget_saved(self, before: datetime.datetime) -> int:
        self._answer()
        old = [
            (volume_id, key)
            for (volume_id, key), (since, _) in self._saved.items()
            if since < before and self._changeable(volume_id)
        ]
        for which in old:
            for array in (self, *self._peers.values()):
                array._saved.pop(which, None)
        return len(old)

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

    def _pod(self, name: str) -> "FakePod[FakeArray] | None":
        """Return the pod that what bears the name is in."""
        pod, mark, _ = name.partition(MARK)
        return self.pods.get(pod) if mark else None

    def _having(self, name: str) -> "list[FakeArray]":
        """Return the arrays that have what bears the name."""
        pod = self._pod(name)
        return [side.array for side in pod.sides] if pod else [self]

    def _changeable(self, volume_id: str) -> bool:
        volume = self.volumes.get(volume_id)
        pod = self._pod(volume.name) if volume else None
        return pod is None or pod.here == "online"

    def _keep(self, volume: ArrayVolume) -> None:
        for array in self._having(volume.name):
            array.volumes[volume.id] = volume

    def _write(self, volume: ArrayVolume, text: str) -> None:
        for array in self._having(volume.name):
            pod = array._pod(volume.name)
            if array is self or (pod and pod.here == "online"):
                array.contents[volume.id] = text

    def _snapshot(
        self,
        pod: "FakePod[FakeArray]",
        group: str,
        suffix: str,
        created: datetime.datetime | None = None,
    ) -> Point:
        """Take a point of a group in a pod, if there is none of the name."""
        name = f"{group}.{suffix}"
        for point in pod.points:
            if point.name == name:
                return point
        point = Point(
            name,
            created or datetime.datetime.now(datetime.UTC),
            complete=True,
            progress=1.0,
            volumes={full: f"{name}.{full.partition(MARK)[2]}" for full in self.groups[group]},
        )
        texts = {point.volumes[full]: text for full, text in self._contents(group).items()}
        for side in pod.sides:
            side.points.append(point)
            side.array._frozen |= texts
        return point

    def _contents(self, group: str) -> dict[str, str]:
        return {volume: self.read(volume) for volume in self.groups[group]}

    def _must_have(self, volume_id: str) -> None:
        if volume_id not in self.volumes:
            raise errors.StorageError(array=self.array, reason=f"it has no volume {volume_id}")

    def _volume(self, name: str) -> ArrayVolume:
        volume = self._named(name)
        if volume is None:
            raise errors.StorageError(array=self.array, reason=f"it has no volume {name}")
        return volume

    def _named(self, name: str) -> ArrayVolume | None:
        return next((made for made in self.volumes.values() if made.name == name), None)

    def _replicated(self) -> list[str]:
        """Return the groups that have a target, or another array."""
        mirrored = [name for name in self.groups if (pod := self._pod(name)) and pod.other]
        return [*self._schedules, *mirrored]

    def _replication(self, group: str) -> Replication:
        if pod := self._pod(group):
            return pod.replication(self.groups[group])
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
