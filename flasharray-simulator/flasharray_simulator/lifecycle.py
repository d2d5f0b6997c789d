# SPDX-License-Identifier: Apache-2.0
"""Destroying, recovering and eradicating."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import or_, select

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.base import Destroyable
from flasharray_simulator.model.pods import Pod
from flasharray_simulator.model.tables import (
    Group,
    GroupSnapshot,
    Target,
    Transfer,
    Volume,
    VolumeGroup,
    VolumeSnapshot,
)
from flasharray_simulator.world import KINDS, World

# How long what is destroyed can be recovered.
ERADICATION_DELAY = 24 * 3600 * 1000
# What others are part of, after them.
BY_DEPENDENCE: tuple[type[Any], ...] = (
    GroupSnapshot,
    Group,
    VolumeSnapshot,
    Volume,
    VolumeGroup,
    Pod,
)
IN_PODS: tuple[type[Any], ...] = (GroupSnapshot, Group, VolumeSnapshot, Volume)


def time_remaining(thing: Destroyable, now: int) -> int | None:
    if thing.destroyed_at is None:
        return None
    return max(thing.destroyed_at + ERADICATION_DELAY - now, 0)


def set_destroyed(world: World, thing: Destroyable, destroyed: bool, at: int | None = None) -> None:
    """Destroy it, now if not at another moment, or recover it.

    :raises Refusal: it is in use, or there is nothing to recover.
    """
    if destroyed == thing.destroyed:
        state = "has been destroyed" if destroyed else "has not been destroyed"
        raise Refusal(f"{KINDS[type(thing)]} {state}.", thing.name)
    moment = (at or world.now) if destroyed else None
    for part in _parts(world, thing, thing.destroyed_at):
        part.destroyed_at = moment
    if destroyed:
        BEFORE_DESTROYING[type(thing)](world, thing)
    else:
        _before_recovering(world, thing)
    thing.destroyed_at = moment


def eradicate(world: World, thing: Destroyable) -> None:
    """Forget what is destroyed, for good."""
    if not thing.destroyed:
        raise Refusal(f"{KINDS[type(thing)]} is not destroyed. Destroy it first.", thing.name)
    _eradicate(world, thing)


def sweep(world: World) -> None:
    """Eradicate what has been destroyed for long enough, and groups nothing is left of."""
    for kind in BY_DEPENDENCE:
        old = select(kind).where(kind.destroyed_at <= world.now - ERADICATION_DELAY)
        for thing in world.session.scalars(old).all():
            _eradicate(world, thing)
    no_target = ~select(Target).where(Target.replica_id == Group.id).exists()
    stranded = select(Group).where(Group.replica_of.is_not(None), no_target, ~Group.snapshots.any())
    for replica in world.session.scalars(stranded).all():
        world.session.delete(replica)


def discard(world: World, transfers: Iterable[Transfer]) -> None:
    """Stop transfers; what has arrived of them is gone too."""
    for transfer in list(transfers):
        world.session.delete(transfer)
        if transfer.replica:
            world.session.delete(transfer.replica)
    _settle(world)


def unfinished(world: World, *which: Any) -> list[Transfer]:
    """Return transfers that have not completed, first come first."""
    wanted = select(Transfer).where(Transfer.completed.is_(None), *which).order_by(Transfer.id)
    return list(world.session.scalars(wanted))


def remove_target(world: World, target: Target) -> None:
    """Stop replicating there; its array keeps the snapshots that are complete."""
    discard(world, transfers_to(world, target))
    replica = target.replica
    world.session.delete(target)
    _settle(world)
    if not replica.snapshots:
        world.session.delete(replica)
        _settle(world)


def transfers_to(world: World, target: Target) -> list[Transfer]:
    of_group = Transfer.sent.has(GroupSnapshot.group_id == target.group_id)
    return unfinished(world, Transfer.target == target.array, of_group)


# -- each kind ------------------------------------------------------------------------------------


def _parts(world: World, thing: Destroyable, destroyed_at: int | None) -> list[Destroyable]:
    """Return what is destroyed with it, or was and is recovered with it."""
    parts: Iterable[Destroyable] = ()
    if isinstance(thing, Volume):
        parts = (s for s in thing.snapshots if not s.group_snapshot_id)
    elif isinstance(thing, GroupSnapshot):
        parts = thing.members
    elif isinstance(thing, Pod):
        parts = (part for kind in IN_PODS for part in world.inside(kind, thing))
    return [part for part in parts if part.destroyed_at == destroyed_at]


def _nothing(_world: World, _thing: Any) -> None:
    pass


def _before_volume(_world: World, volume: Volume) -> None:
    if volume.connections:
        hosts = ", ".join(sorted(connection.host.name for connection in volume.connections))
        raise Refusal(
            f"Volume is connected to {hosts} and cannot be destroyed. Disconnect it first.",
            volume.name,
        )


def _before_recovering(world: World, thing: Destroyable) -> None:
    if isinstance(thing, Pod) and thing.remains_of:
        raise Refusal("Pod is what was left by unstretching; it can only be cloned.", thing.name)
    pod = world.pod(thing)
    if pod and pod.destroyed:
        raise Refusal(f"Pod {pod.name} has been destroyed. Recover it first.", thing.name)
    volume_group = thing.volume_group if isinstance(thing, Volume) else None
    if volume_group and volume_group.destroyed:
        raise Refusal(
            f"Volume group {volume_group.name} has been destroyed. Recover it first.", thing.name
        )


def _before_volume_snapshot(_world: World, snapshot: VolumeSnapshot) -> None:
    if snapshot.group_snapshot:
        raise Refusal(
            f"Snapshot is part of {snapshot.group_snapshot.name}. Destroy that.", snapshot.name
        )


def _before_volume_group(_world: World, volume_group: VolumeGroup) -> None:
    if any(not volume.destroyed for volume in volume_group.volumes):
        raise Refusal("Volume group still has volumes.", volume_group.name)


def _before_group(world: World, group: Group) -> None:
    incoming = world.session.scalar(select(Target).where(Target.replica_id == group.id))
    if incoming and incoming.allowed:
        raise Refusal(
            "Protection group is replicated here. Disallow it first, or remove the target "
            "on its source.",
            group.name,
        )
    for target in group.targets:
        discard(world, transfers_to(world, target))


def _before_group_snapshot(world: World, snapshot: GroupSnapshot) -> None:
    moving = or_(Transfer.sent_id == snapshot.id, Transfer.replica_id == snapshot.id)
    if unfinished(world, moving, Transfer.replica_id == snapshot.id):
        raise Refusal("Snapshot is still being replicated to this array.", snapshot.name)
    discard(world, unfinished(world, moving))


BEFORE_DESTROYING: dict[type, Callable[[World, Any], None]] = {
    Pod: _nothing,
    Volume: _before_volume,
    VolumeSnapshot: _before_volume_snapshot,
    VolumeGroup: _before_volume_group,
    Group: _before_group,
    GroupSnapshot: _before_group_snapshot,
}


def _eradicate(world: World, thing: Destroyable) -> None:
    BEFORE_ERADICATING.get(type(thing), _nothing)(world, thing)
    _settle(world)
    world.session.delete(thing)
    _settle(world)


def _settle(world: World) -> None:
    """Write what has changed, and forget collections that still hold what is gone."""
    world.session.flush()
    world.session.expire_all()


def _forget_volume(world: World, volume: Volume) -> None:
    for snapshot in list(volume.snapshots):
        if snapshot.group_snapshot_id:
            snapshot.volume = None
        else:
            world.session.delete(snapshot)


def _forget_volume_group(world: World, volume_group: VolumeGroup) -> None:
    for volume in list(volume_group.volumes):
        if not volume.destroyed:
            raise Refusal("Volume group still has volumes.", volume_group.name)
        _eradicate(world, volume)


def _forget_group(world: World, group: Group) -> None:
    incoming = world.session.scalars(select(Target).where(Target.replica_id == group.id))
    for target in incoming.all():
        discard(world, transfers_to(world, target))
        world.session.delete(target)
    for target in list(group.targets):
        remove_target(world, target)
    for snapshot in list(group.snapshots):
        _eradicate(world, snapshot)
    for replica in world.session.scalars(select(Group).where(Group.origin_id == group.id)):
        replica.origin = None


def _forget_group_snapshot(world: World, snapshot: GroupSnapshot) -> None:
    discard(world, unfinished(world, Transfer.sent_id == snapshot.id))
    for transfer in world.session.scalars(select(Transfer).where(Transfer.sent_id == snapshot.id)):
        transfer.sent = None
    if snapshot.transfer:
        world.session.delete(snapshot.transfer)


def _forget_pod(world: World, pod: Pod) -> None:
    for kind in IN_PODS:
        for part in world.inside(kind, pod):
            _eradicate(world, part)


BEFORE_ERADICATING: dict[type, Callable[[World, Any], None]] = {
    Pod: _forget_pod,
    Volume: _forget_volume,
    VolumeGroup: _forget_volume_group,
    Group: _forget_group,
    GroupSnapshot: _forget_group_snapshot,
}
