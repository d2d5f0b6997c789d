# SPDX-License-Identifier: Apache-2.0
"""/volume-snapshots and their transfers."""

from typing import Any

from flasharray_simulator import lifecycle, snapshots
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.tables import Volume, VolumeSnapshot
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.items import NOTHING, space
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World

NEW = {"suffix": str}
CHANGE = {"name": str, "destroyed": bool}


def get(ask: Ask) -> dict[str, Any]:
    return answer(ask, [_item(snapshot, ask.world) for snapshot in _chosen(ask)])


def create(ask: Ask) -> dict[str, Any]:
    taken = [
        snapshots.take(ask.world, ask.world.live(Volume, ask.array, name), ask.body.get("suffix"))
        for name in ask.required("source_names")
    ]
    ask.world.session.flush()
    return reply([_item(snapshot, ask.world) for snapshot in taken])


def change(ask: Ask) -> dict[str, Any]:
    changed = named(ask, VolumeSnapshot)
    for snapshot in changed:
        if "destroyed" in ask.body:
            lifecycle.set_destroyed(ask.world, snapshot, ask.body["destroyed"])
        elif snapshot.destroyed:
            raise Refusal("Snapshot has been destroyed.", snapshot.name)
        if "name" in ask.body:
            _rename(ask, snapshot, ask.body["name"])
    return reply([_item(snapshot, ask.world) for snapshot in changed])


def eradicate(ask: Ask) -> None:
    for snapshot in named(ask, VolumeSnapshot):
        if snapshot.group_snapshot:
            raise Refusal(
                f"Snapshot is part of {snapshot.group_snapshot.name}. Eradicate that.",
                snapshot.name,
            )
        lifecycle.eradicate(ask.world, snapshot)


def get_transfers(ask: Ask) -> dict[str, Any]:
    return answer(ask, [_transfer_item(snapshot) for snapshot in _chosen(ask)])


def _chosen(ask: Ask) -> list[VolumeSnapshot]:
    """Return those asked for, by their own names or by their volumes' names."""
    sources = {name.lower() for name in ask.values("source_names")}
    found = chosen(ask, VolumeSnapshot)
    return [s for s in found if not sources or s.source["name"].lower() in sources]


def _rename(ask: Ask, snapshot: VolumeSnapshot, name: str) -> None:
    """Take another suffix; the volume's name before it may be given or not."""
    if snapshot.group_snapshot or snapshot.volume is None:
        raise Refusal("The snapshot of a protection group cannot be renamed.", snapshot.name)
    suffix = name.removeprefix(f"{snapshot.volume.name}.")
    snapshots.check_suffix(suffix)
    full = f"{snapshot.volume.name}.{suffix}"
    if full.lower() != snapshot.name.lower():
        ask.world.must_be_free(VolumeSnapshot, ask.array, full)
    snapshot.name, snapshot.suffix = full, suffix


def _item(snapshot: VolumeSnapshot, world: World) -> Item:
    return snapshot.reference | {
        "created": snapshot.created,
        "destroyed": snapshot.destroyed,
        "time_remaining": lifecycle.time_remaining(snapshot, world.now),
        "provisioned": snapshot.provisioned,
        "serial": snapshot.serial,
        "source": snapshot.source,
        "suffix": snapshot.suffix,
        "pod": world.pod_reference(snapshot),
        "volume_group": NOTHING,
        "space": space(content.size(snapshot.content), snapshot.provisioned),
    }


def _transfer_item(snapshot: VolumeSnapshot) -> Item:
    transfer = snapshot.group_snapshot and snapshot.group_snapshot.transfer
    share = content.size(snapshot.content)
    return snapshot.reference | {
        "destroyed": snapshot.destroyed,
        "started": transfer.started if transfer else None,
        "completed": transfer.completed if transfer else None,
        "progress": transfer.progress if transfer else None,
        "data_transferred": int(share * transfer.progress) if transfer else None,
        "physical_bytes_written": int(share * transfer.progress) if transfer else None,
    }
