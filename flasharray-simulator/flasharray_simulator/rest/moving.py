# SPDX-License-Identifier: Apache-2.0
"""Another place, or another name, for a volume."""

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.pods import MARK, Pod
from flasharray_simulator.model.tables import Volume, VolumeGroup, VolumeSnapshot
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.world import check_name, in_a_pod


def into_volume_group(ask: Ask, volume: Volume, container: str) -> None:
    if in_a_pod(volume.name):
        raise Refusal("Volume groups in pods are not simulated.", volume.name)
    volume_group = ask.world.live(VolumeGroup, ask.array, container) if container else None
    base = volume.name.rpartition("/")[2]
    _take_name(ask, volume, f"{container}/{base}" if container else base)
    volume.volume_group = volume_group


def into_pod(ask: Ask, volume: Volume, name: str) -> None:
    """Move the volume, and its own snapshots, into a pod or, without a name, out of one.

    Nothing is sent by it: the volume must be on the same arrays before and after.
    """
    world = ask.world
    before, after = world.pod(volume), world.live(Pod, ask.array, name) if name else None
    if _arrays(before, ask.array) != _arrays(after, ask.array):
        stretched = max(filter(None, (before, after)), key=lambda pod: len(pod.sides))
        raise Refusal(
            f"Volume cannot be moved into or out of pod {stretched.name}, which is stretched. "
            "Unstretch it first, or move through a pod that is on the same arrays.",
            volume.name,
        )
    if volume.volume_group:
        raise Refusal(f"Volume is in volume group {volume.volume_group.name}.", volume.name)
    if volume.groups:
        names = ", ".join(sorted(group.name for group in volume.groups))
        raise Refusal(f"Volume belongs to {names}. Remove it from there first.", volume.name)
    place, base = after.id if after else ask.array, volume.name.rpartition(MARK)[2]
    _take_name(ask, volume, f"{after.name}{MARK}{base}" if after else base)
    volume.place = place
    for snapshot in _own_snapshots(volume):
        snapshot.place = place


def _arrays(pod: Pod | None, array: str) -> set[str]:
    return {side.array for side in pod.sides} if pod else {array}


def rename(ask: Ask, volume: Volume, name: str) -> None:
    pod, _, rest = name.rpartition(MARK)
    container, _, base = rest.rpartition("/")
    its_pod, mark, its_rest = volume.name.rpartition(MARK)
    its_container = its_rest.rpartition("/")[0]
    if pod and pod.lower() != its_pod.lower():
        raise Refusal("Renaming does not move a volume. Change its pod.", name)
    if container and container.lower() != its_container.lower():
        raise Refusal("Renaming does not move a volume. Change its volume_group.", name)
    check_name(base, Volume)
    rest = f"{its_container}/{base}" if its_container else base
    _take_name(ask, volume, f"{its_pod}{mark}{rest}")


def _take_name(ask: Ask, volume: Volume, name: str) -> None:
    """Rename the volume and with it its own snapshots; a group's keep the name of their time."""
    if name.lower() != volume.name.lower():
        ask.world.must_be_free(Volume, ask.array, name)
    volume.name = name
    for snapshot in _own_snapshots(volume):
        snapshot.name = f"{name}.{snapshot.suffix}"


def _own_snapshots(volume: Volume) -> list[VolumeSnapshot]:
    return [snapshot for snapshot in volume.snapshots if not snapshot.group_snapshot_id]
