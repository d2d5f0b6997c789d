# SPDX-License-Identifier: Apache-2.0
"""Copies of pods: clones, and what an array keeps of a pod it does not share any more."""

from collections.abc import Mapping

from flasharray_simulator.model.base import Thing
from flasharray_simulator.model.content import Content
from flasharray_simulator.model.pods import MARK, Pod, PodSide
from flasharray_simulator.model.tables import Group, GroupSnapshot, Volume, VolumeSnapshot
from flasharray_simulator.world import World, new_id


def copy(
    world: World,
    pod: Pod,
    array: str,
    name: str,
    *,
    contents: Mapping[str, Content],
    keep: bool,
    until: int | None = None,
) -> Pod:
    """Make a pod on an array, with the volumes that ``contents`` has (serial -> content).

    ``keep`` makes it the same pod, elsewhere: with serials, what is destroyed, and the snapshots
    that were there at the moment ``until``, or are there now.
    """
    made = Pod(
        id=new_id(),
        name=name,
        created=world.now,
        preferences=pod.preferences if keep else [],
        mediator=pod.mediator,
        source={} if keep else pod.reference,
    )
    made.place = made.id
    made.sides = [PodSide(array=array, number=0)]
    world.session.add(made)
    volumes = {
        volume.id: _volume(world, volume, made, contents[volume.serial], keep)
        for volume in world.inside(Volume, pod)
        if volume.serial in contents and (keep or _alive(pod, volume))
    }
    groups = {
        group.id: _group(world, group, made, volumes, keep)
        for group in world.inside(Group, pod)
        if keep or _alive(pod, group)
    }
    world.session.flush()
    if keep:
        _copy_snapshots(world, pod, made, volumes, groups, until or world.now)
    return made


def _alive(pod: Pod, thing: Volume | Group) -> bool:
    """Whether it is there as far as its pod is: all of a destroyed pod is destroyed."""
    return thing.destroyed_at in (None, pod.destroyed_at)


def _renamed(thing: Thing, pod: Pod) -> str:
    return pod.name + MARK + thing.name.partition(MARK)[2]


def _volume(world: World, volume: Volume, pod: Pod, content: Content, keep: bool) -> Volume:
    made = Volume(
        id=new_id(),
        place=pod.id,
        name=_renamed(volume, pod),
        created=volume.created if keep else world.now,
        destroyed_at=volume.destroyed_at if keep else None,
        serial=volume.serial if keep else world.array(pod.sides[0].array).next_serial(),
        provisioned=volume.provisioned,
        source=volume.source if keep else volume.reference,
        qos=volume.qos,
        tags=volume.tags,
        promotion=volume.promotion,
        content=content,
    )
    world.session.add(made)
    return made


def _group(
    world: World, group: Group, pod: Pod, volumes: Mapping[str, Volume], keep: bool
) -> Group:
    made = Group(
        id=new_id(),
        place=pod.id,
        name=_renamed(group, pod),
        created=group.created if keep else world.now,
        destroyed_at=group.destroyed_at if keep else None,
        replication_schedule=group.replication_schedule,
        snapshot_schedule=group.snapshot_schedule,
        source_retention=group.source_retention,
        target_retention=group.target_retention,
        last_runs=group.last_runs,
        counter=group.counter,
    )
    made.volumes = [volumes[volume.id] for volume in group.volumes if volume.id in volumes]
    world.session.add(made)
    return made


def _copy_snapshots(
    world: World,
    pod: Pod,
    made: Pod,
    volumes: Mapping[str, Volume],
    groups: Mapping[str, Group],
    until: int,
) -> None:
    of_groups = {
        snapshot.id: GroupSnapshot(
            id=new_id(),
            place=made.id,
            name=_renamed(snapshot, made),
            created=snapshot.created,
            destroyed_at=snapshot.destroyed_at,
            suffix=snapshot.suffix,
            kept=snapshot.kept,
            group=groups[snapshot.group_id],
        )
        for snapshot in world.inside(GroupSnapshot, pod)
        if snapshot.created <= until
    }
    world.session.add_all(of_groups.values())
    world.session.flush()
    for snapshot in world.inside(VolumeSnapshot, pod):
        if snapshot.created > until:
            continue
        world.session.add(
            VolumeSnapshot(
                id=new_id(),
                place=made.id,
                name=_renamed(snapshot, made),
                created=snapshot.created,
                destroyed_at=snapshot.destroyed_at,
                suffix=snapshot.suffix,
                serial=snapshot.serial,
                provisioned=snapshot.provisioned,
                source=snapshot.source,
                content=snapshot.content,
                volume=volumes.get(snapshot.volume_id or ""),
                group_snapshot=of_groups.get(snapshot.group_snapshot_id or ""),
            )
        )
    world.session.flush()
