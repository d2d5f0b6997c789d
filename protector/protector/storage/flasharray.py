# SPDX-License-Identifier: Apache-2.0
"""Pure Storage FlashArray: replication of protection groups.

Of those that are mirrored (:mod:`protector.storage.pods`) only the way there is here. Of others, at
the source a group is the array's protection group; at the target it appears as
``<source array>:<group>``, its snapshots as ``<source array>:<group>.<suffix>``, and a volume's as
``<source array>:<group>.<suffix>.<volume>``.

Every change asks first what is there, unless the array itself refuses to make it twice: so it may
be repeated when an answer was lost, or the array was busy.
"""

import datetime
import functools
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar

import tenacity
from oslo_config import cfg

# The SDK reads 300 modules for the first of these: for two seconds, which are the engine's when it
# starts, and not those of the first operation.
from pypureclient.flasharray import (
    ProtectionGroup,
    ProtectionGroupSnapshotPost,
    Reference,
    ReplicationSchedule,
    RetentionPolicy,
    TargetProtectionGroupPostPatch,
    VolumePatch,
    VolumePost,
    VolumeSnapshotPatch,
    VolumeSnapshotPost,
)

from protector import errors
from protector.storage.base import (
    ArrayVolume,
    Mirror,
    Point,
    ReplicaGroup,
    Replication,
    StorageDriver,
)
from protector.storage.pods import Pods, in_a_pod
from protector.storage.purity import GONE, Purity, alive

# A promoted volume is named PREFIX + key. A discarded one gives that name up, so that the same
# key can be used again during the day in which the array still keeps what was destroyed.
PREFIX = "protector-"
DISCARDED = "protector-discarded-"
# The suffix of a snapshot that keeps what a volume held is this + key. With the name that Cinder
# gives a volume it has room in the 96 characters of a snapshot's name.
SAVED = "protector-saved-"

P = ParamSpec("P")
R = TypeVar("R")


# Seconds: between two attempts, at first and at most.
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0


def patiently(
    method: Callable[Concatenate["FlashArrayDriver", P], R],
) -> Callable[Concatenate["FlashArrayDriver", P], R]:
    """Repeat the method within the call's budget, as its contract allows."""

    @functools.wraps(method)
    def call(self: "FlashArrayDriver", /, *args: P.args, **kwargs: P.kwargs) -> R:
        repeating = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(errors.PASSING),
            stop=tenacity.stop_before_delay(self.call_budget),
            wait=as_the_array_asks,
            reraise=True,
        )
        return repeating(method, self, *args, **kwargs)

    return call


def as_the_array_asks(state: tenacity.RetryCallState) -> float:
    """Return how long to wait: what a busy array says, or longer each time."""
    fault = state.outcome.exception() if state.outcome else None
    asked = getattr(fault and fault.__cause__, "retry_after", None)
    return asked or tenacity.wait_random_exponential(FIRST_WAIT, max=LONGEST_WAIT)(state)


class FlashArrayDriver(StorageDriver):
    points_are_atomic = True

    def __init__(self, array: str, purity: Purity, *, call_budget: float) -> None:
        self.array = array
        self.call_budget = call_budget
        self._purity = purity
        self._pods = Pods(purity)

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "FlashArrayDriver":
        options = conf.flasharray
        purity = Purity(
            options.name,
            target=options.target,
            api_token=options.api_token,
            ca_file=options.ca_file,
            connect_timeout=options.connect_timeout,
            timeout=options.timeout,
            parallel_requests=options.parallel_requests,
        )
        return cls(options.name, purity, call_budget=options.call_budget)

    @patiently
    def check(self) -> None:
        name = self._purity.ask("get_arrays")[0].name
        if name != self.array:
            raise self._error(f"the array at this address is {name}. Check [flasharray] name")

    # -- at the source ------------------------------------------------------------------------

    @patiently
    def replicate(
        self, group: str, *, target_array: str, interval_seconds: int, retention_seconds: int
    ) -> None:
        if in_a_pod(group):
            self._pods.must_be_stretched(group, to=target_array)
            return
        if not self._group(group):
            raise self._error(f"it has no protection group {group}")
        if target_array not in [target.member.name for target in self._targets(group)]:
            self._must_be_connected_to(target_array)
            self._purity.ask(
                "post_protection_groups_targets",
                group_names=[group],
                member_names=[target_array],
                unless=("already includes",),
            )
        schedule = ReplicationSchedule(enabled=True, frequency=interval_seconds * 1000)
        retention = RetentionPolicy(all_for_sec=retention_seconds)
        settings = ProtectionGroup(replication_schedule=schedule, target_retention=retention)
        self._purity.ask("patch_protection_groups", names=[group], protection_group=settings)

    @patiently
    def replication(self, group: str) -> Replication | None:
        if in_a_pod(group):
            return self._pods.replication(group)
        found, targets = self._group(group), self._targets(group)
        if not found or not targets:
            return None
        members = self._purity.ask(
            "get_protection_groups_volumes", group_names=[group], unless=GONE
        )
        return replication(found, targets[0], members)

    @patiently
    def replications(self) -> dict[str, Replication]:
        groups = self._purity.ask("get_protection_groups", destroyed=False)
        targets = by_group(self._purity.ask("get_protection_groups_targets"))
        members = by_group(self._purity.ask("get_protection_groups_volumes"))
        sent = {
            group.name: replication(group, targets[group.name][0], members.get(group.name, []))
            for group in groups
            if group.is_local and group.name in targets and not in_a_pod(group.name)
        }
        return sent | self._pods.replications([group.name for group in groups], members)

    @patiently
    def suspend(self, group: str) -> None:
        if not in_a_pod(group) and self._group(group):
            self._switch_off(group)

    @patiently
    def stop_replicating(self, group: str) -> None:
        if in_a_pod(group) or not self._group(group):
            return
        self._switch_off(group)
        for target in self._targets(group):
            self._purity.ask(
                "delete_protection_groups_targets",
                group_names=[group],
                member_names=[target.member.name],
                unless=GONE,
            )

    @patiently
    def take_point(self, group: str, *, key: str) -> str:
        """``apply_retention``: it is kept as long as a point of the schedule, and no longer."""
        if in_a_pod(group):
            return self._pods.take(group, key=key)
        if not self._group(group):
            raise self._error(f"it has no protection group {group}")
        if not self._targets(group):
            raise self._error(f"its protection group {group} is not sent to any array")
        name = f"{group}.{key}"
        if not self._purity.ask("get_protection_group_snapshots", names=[name], unless=GONE):
            self._purity.ask(
                "post_protection_group_snapshots",
                source_names=[group],
                replicate_now=True,
                apply_retention=True,
                protection_group_snapshot=ProtectionGroupSnapshotPost(suffix=key),
                unless=("already exists",),
            )
        return here(ReplicaGroup(self.array, name))

    # -- at either ----------------------------------------------------------------------------

    @patiently
    def group_called(self, name: str) -> str | None:
        return self._pods.group_called(name)

    @patiently
    def mirror(self, group: str) -> Mirror | None:
        return self._pods.mirror(group) if in_a_pod(group) else None

    @patiently
    def forget_points(self, before: datetime.datetime) -> int:
        return self._pods.forget(before)

    # -- at the target ------------------------------------------------------------------------

    @patiently
    def allow(self, group: ReplicaGroup) -> None:
        if in_a_pod(group.name):
            self._pods.must_be_stretched(group.name, to=group.source_array)
            return
        if not self._group(here(group)):
            raise self._error(
                f"{group.source_array} has not named it as a target of protection group"
                f" {group.name} yet. Check the connection of the two arrays"
            )
        self._purity.ask(
            "patch_protection_groups_targets",
            group_names=[here(group)],
            target=TargetProtectionGroupPostPatch(allowed=True),
            unless=("already allowed on",),
        )

    @patiently
    def points(self, group: ReplicaGroup) -> list[Point]:
        if in_a_pod(group.name):
            return self._pods.points(group.name)
        name = here(group)
        snapshots = self._purity.ask(
            "get_protection_group_snapshots", names=[name], destroyed=False, unless=GONE
        )
        if not snapshots:
            return []
        transfers = self._purity.ask(
            "get_protection_group_snapshots_transfer", names=[name], destroyed=False, unless=GONE
        )
        members = self._purity.ask(
            "get_volume_snapshots", filter=f"name='{name}.*'", destroyed=False
        )
        by_name = {transfer.name: transfer for transfer in transfers}
        volumes = by_point(member.name for member in members)
        points = [
            point(snapshot, by_name.get(snapshot.name), volumes.get(snapshot.name, {}))
            for snapshot in snapshots
        ]
        return sorted(points, key=lambda point: point.created, reverse=True)

    @patiently
    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        if not point.complete or volume not in point.volumes:
            raise self._error(f"snapshot {point.name} does not hold all of volume {volume}")
        # The array refuses a name that is taken: so there is no need to look first.
        name = PREFIX + key
        made = self._purity.ask(
            "post_volumes",
            names=[name],
            volume=VolumePost(source=Reference(name=point.volumes[volume])),
            with_default_protection=False,
            unless=("already exists",),
        )
        found = array_volume(made[0]) if made else self._named(name)
        if not found:
            raise self._error(f"a destroyed volume bears the name {name}. Eradicate it")
        return found

    @patiently
    def promoted(self, key: str) -> ArrayVolume | None:
        return self._named(PREFIX + key)

    @patiently
    def holds(self, volume_id: str) -> bool:
        return self._volume(ids=[volume_id]) is not None

    @patiently
    def reclaim(self, volume_id: str, *, key: str) -> None:
        found = self._volume(ids=[volume_id])
        if not found:
            raise self._error(
                f"volume {volume_id}, which was made as {PREFIX + key}, is not there any more"
            )
        if found.name != PREFIX + key:
            self._patch_volume(found.name, name=PREFIX + key)

    def removal(self, name: str) -> str:
        return f"purevol destroy {name}"

    # -- onto volumes that are there ----------------------------------------------------------

    @patiently
    def volume(self, name: str) -> ArrayVolume | None:
        return self._named(name)

    @patiently
    def save(self, volume_id: str, *, key: str) -> None:
        volume = self._there(volume_id)
        if not self._saved(volume.name, key):
            self._purity.ask(
                "post_volume_snapshots",
                source_names=[volume.name],
                volume_snapshot=VolumeSnapshotPost(suffix=SAVED + key),
                unless=("already exists",),
            )

    @patiently
    def restore(self, volume_id: str, *, key: str) -> None:
        volume = self._there(volume_id)
        saved = self._saved(volume.name, key)
        if saved:
            self._overwrite(volume.name, saved.name)

    @patiently
    def overwrite(self, volume_id: str, *, source: str) -> None:
        volume, other = self._there(volume_id), self._volume(names=[source])
        if not other:
            raise self._error(f"volume {source}, which was to be copied, is not there any more")
        if other.provisioned != volume.provisioned:
            raise self._error(
                f"volume {volume.name} has {volume.provisioned} bytes, and {source}, which was to"
                f" be copied onto it, {other.provisioned}"
            )
        self._overwrite(volume.name, source)

    @patiently
    def forget_saved(self, before: datetime.datetime) -> int:
        found = self._purity.ask(
            "get_volume_snapshots", filter=f"name='*.{SAVED}*'", destroyed=False
        )
        old = self._pods.changeable(
            one.name for one in found if one.created < before.timestamp() * 1000
        )
        if old:
            self._purity.ask(
                "patch_volume_snapshots",
                names=old,
                volume_snapshot=VolumeSnapshotPatch(destroyed=True),
                unless=GONE,
            )
        return len(old)

    # -- in the end ---------------------------------------------------------------------------

    @patiently
    def discard(self, volume_id: str) -> None:
        found = self._volume(ids=[volume_id])
        if not found:
            return
        hosts = self._hosts(found.name)
        if hosts:
            raise self._error(f"volume {found.name} is connected to {', '.join(hosts)}")
        discarded = DISCARDED + volume_id
        if found.name != discarded:
            self._patch_volume(found.name, name=discarded)
        self._patch_volume(discarded, destroyed=True)

    # -- inside -------------------------------------------------------------------------------

    def _error(self, reason: str) -> errors.StorageError:
        return errors.StorageError(array=self.array, reason=reason)

    def _group(self, name: str) -> Any:
        return alive(self._purity.ask("get_protection_groups", names=[name], unless=GONE))

    def _volume(self, **which: list[str]) -> Any:
        return alive(self._purity.ask("get_volumes", **which, unless=GONE))

    def _there(self, volume_id: str) -> Any:
        found = self._volume(ids=[volume_id])
        if not found:
            raise self._error(f"volume {volume_id} is not there any more")
        return found

    def _saved(self, volume: str, key: str) -> Any:
        name = f"{volume}.{SAVED}{key}"
        return alive(self._purity.ask("get_volume_snapshots", names=[name], unless=GONE))

    def _overwrite(self, volume: str, source: str) -> None:
        new = VolumePost(source=Reference(name=source))
        self._purity.ask("post_volumes", names=[volume], volume=new, overwrite=True)

    def _named(self, name: str) -> ArrayVolume | None:
        found = self._volume(names=[name])
        return array_volume(found) if found else None

    def _patch_volume(self, volume: str, **changes: Any) -> None:
        self._purity.ask("patch_volumes", names=[volume], volume=VolumePatch(**changes))

    def _targets(self, group: str) -> list[Any]:
        return self._purity.ask("get_protection_groups_targets", group_names=[group], unless=GONE)

    def _switch_off(self, group: str) -> None:
        off = ReplicationSchedule(enabled=False)
        self._purity.ask(
            "patch_protection_groups",
            names=[group],
            protection_group=ProtectionGroup(replication_schedule=off),
        )

    def _hosts(self, volume: str) -> list[str]:
        rows = self._purity.ask("get_connections", volume_names=[volume], unless=GONE)
        return [row.host.name for row in rows]

    def _must_be_connected_to(self, target_array: str) -> None:
        connected = [row.name for row in self._purity.ask("get_array_connections")]
        if target_array not in connected:
            peers = ", ".join(connected) or "no array"
            raise self._error(
                f"it is connected to {peers}, not to {target_array}. Connect the two arrays"
            )


def here(group: ReplicaGroup) -> str:
    """Return the group's name at the target."""
    return f"{group.source_array}:{group.name}"


def array_volume(found: Any) -> ArrayVolume:
    return ArrayVolume(id=found.id, name=found.name, size_bytes=found.provisioned)


def by_group(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Sort rows of groups' targets or volumes: name of the group -> its rows."""
    sorted_out: dict[str, list[Any]] = {}
    for row in rows:
        sorted_out.setdefault(row.group.name, []).append(row)
    return sorted_out


def replication(group: Any, target: Any, members: Iterable[Any]) -> Replication:
    schedule = group.replication_schedule
    return Replication(
        target=target.member.name,
        allowed=bool(getattr(target, "allowed", False)),
        enabled=bool(getattr(schedule, "enabled", False)),
        interval_seconds=getattr(schedule, "frequency", 0) // 1000,
        volumes=frozenset(row.member.name for row in members),
    )


def by_point(snapshots: Iterable[str]) -> dict[str, dict[str, str]]:
    """Sort volumes' snapshots: name of the point -> volume -> name of its snapshot."""
    sorted_out: dict[str, dict[str, str]] = {}
    for name in snapshots:
        of_point, _, volume = name.rpartition(".")
        sorted_out.setdefault(of_point, {})[volume] = name
    return sorted_out


def point(snapshot: Any, transfer: Any, volumes: dict[str, str]) -> Point:
    """A point is complete when its transfer says so twice: at the end, and that it has ended."""
    progress = float(getattr(transfer, "progress", None) or 0.0)
    completed = getattr(transfer, "completed", None)
    return Point(
        name=snapshot.name,
        created=datetime.datetime.fromtimestamp(snapshot.created / 1000, datetime.UTC),
        complete=progress == 1.0 and completed is not None,
        progress=progress,
        volumes=volumes,
        sent_bytes=getattr(transfer, "data_transferred", None),
    )
