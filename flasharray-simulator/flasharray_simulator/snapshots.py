# SPDX-License-Identifier: Apache-2.0
"""Making snapshots, of volumes and of groups."""

import re

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.tables import Group, GroupSnapshot, Volume, VolumeSnapshot
from flasharray_simulator.world import World, new_id

SUFFIX = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def take(world: World, volume: Volume, suffix: str | None) -> VolumeSnapshot:
    """Freeze one volume."""
    suffix = suffix or _free_suffix(world, volume)
    check_suffix(suffix)
    return _freeze(world, volume, f"{volume.name}.{suffix}", suffix)


def take_group(world: World, group: Group, suffix: str | None, *, kept: bool) -> GroupSnapshot:
    """Freeze all volumes of a group, at one moment."""
    suffix = suffix or _next_number(world, group)
    check_suffix(suffix)
    name = f"{group.name}.{suffix}"
    world.must_be_free(GroupSnapshot, group.place, name)
    snapshot = GroupSnapshot(
        id=new_id(),
        place=group.place,
        name=name,
        created=world.now,
        suffix=suffix,
        kept=kept,
        group=group,
    )
    world.session.add(snapshot)
    snapshot.members = [
        _freeze(world, volume, f"{name}.{volume.name.rpartition('::')[2]}", suffix)
        for volume in group.volumes
        if not volume.destroyed
    ]
    world.session.flush()
    return snapshot


def _freeze(world: World, volume: Volume, name: str, suffix: str) -> VolumeSnapshot:
    world.must_be_free(VolumeSnapshot, volume.place, name)
    snapshot = VolumeSnapshot(
        id=new_id(),
        place=volume.place,
        name=name,
        created=world.now,
        suffix=suffix,
        serial=world.next_serial(volume.place),
        provisioned=volume.provisioned,
        source=volume.reference,
        content=volume.content,
        volume=volume,
    )
    world.session.add(snapshot)
    return snapshot


def check_suffix(suffix: str) -> None:
    if not SUFFIX.fullmatch(suffix):
        raise Refusal("Snapshot suffix is invalid: 1 to 63 letters, digits and '-'.", suffix)


def _free_suffix(world: World, volume: Volume) -> str:
    number = 1
    while world.get(VolumeSnapshot, volume.place, f"{volume.name}.{number}"):
        number += 1
    return str(number)


def _next_number(world: World, group: Group) -> str:
    """Return a number that neither the group nor what stands for it at a target has used."""
    standing = [group, *(target.replica for target in group.targets)]
    while True:
        group.counter += 1
        number = str(group.counter)
        names = ((each.place, f"{each.name}.{number}") for each in standing)
        if not any(world.get(GroupSnapshot, place, name) for place, name in names):
            return number
