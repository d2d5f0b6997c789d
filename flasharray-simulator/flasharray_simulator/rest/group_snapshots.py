# SPDX-License-Identifier: Apache-2.0
"""/protection-group-snapshots and their transfers."""

from typing import Any

from flasharray_simulator import lifecycle, replication, retention, snapshots
from flasharray_simulator.errors import Refusal
from flasharray_simulator.filters import matches
from flasharray_simulator.model import content
from flasharray_simulator.model.tables import Group, GroupSnapshot
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World

NEW = {"suffix": str}
CHANGE = {"destroyed": bool, "name": str}


def get(ask: Ask) -> dict[str, Any]:
    return answer(ask, [_item(snapshot, ask.world) for snapshot in _chosen(ask)])


def create(ask: Ask) -> dict[str, Any]:
    now, later = bool(ask.flag("replicate_now")), bool(ask.flag("replicate"))
    if now and later:
        raise Refusal("Parameters replicate and replicate_now exclude each other.")
    taken = []
    for name in ask.required("source_names"):
        group = ask.world.live(Group, ask.array, name)
        if group.replica_of:
            raise Refusal(f"Snapshots of it are made on {group.replica_of}.", name)
        snapshot = snapshots.take_group(
            ask.world, group, ask.body.get("suffix"), kept=not ask.flag("apply_retention")
        )
        if now or later:
            replication.queue(ask.world, snapshot, urgent=now)
        taken.append(snapshot)
    if ask.flag("apply_retention"):
        retention.apply(ask.world, ask.world.now)
    return reply([_item(snapshot, ask.world) for snapshot in taken])


def change(ask: Ask) -> dict[str, Any]:
    changed = named(ask, GroupSnapshot)
    for snapshot in changed:
        if "destroyed" in ask.body:
            lifecycle.set_destroyed(ask.world, snapshot, ask.body["destroyed"])
        elif snapshot.destroyed:
            raise Refusal("Protection group snapshot has been destroyed.", snapshot.name)
        if "name" in ask.body:
            _rename(ask, snapshot, ask.body["name"])
    return reply([_item(snapshot, ask.world) for snapshot in changed])


def eradicate(ask: Ask) -> None:
    for snapshot in named(ask, GroupSnapshot):
        lifecycle.eradicate(ask.world, snapshot)


def get_transfers(ask: Ask) -> dict[str, Any]:
    return answer(ask, [_transfer_item(snapshot) for snapshot in _chosen(ask)])


def _chosen(ask: Ask) -> list[GroupSnapshot]:
    """Return those asked for; a group's name stands for all its snapshots."""
    everything = ask.world.all(GroupSnapshot, ask.array)
    names = [*ask.values("names"), *ask.values("source_names")]
    if not names:
        return chosen(ask, GroupSnapshot)
    found: list[GroupSnapshot] = []
    for name in names:
        group = ask.world.get(Group, ask.array, name)
        if group or "*" in name:
            pattern = f"{name}.*" if group else name
            found += [s for s in everything if matches(s.name, pattern) and _fits(ask, s)]
        else:
            found.append(_one(ask, name))
    return found


def _fits(ask: Ask, snapshot: GroupSnapshot) -> bool:
    wanted = ask.flag("destroyed")
    return wanted is None or snapshot.destroyed == wanted


def _one(ask: Ask, name: str) -> GroupSnapshot:
    snapshot = ask.world.find(GroupSnapshot, ask.array, name)
    if not _fits(ask, snapshot):
        state = "is not destroyed" if ask.flag("destroyed") else "has been destroyed"
        raise Refusal(f"Protection group snapshot {state}.", name)
    return snapshot


def _rename(ask: Ask, snapshot: GroupSnapshot, name: str) -> None:
    suffix = name.removeprefix(f"{snapshot.group.name}.")
    snapshots.check_suffix(suffix)
    full = f"{snapshot.group.name}.{suffix}"
    if full.lower() != snapshot.name.lower():
        ask.world.must_be_free(GroupSnapshot, ask.array, full)
    for member in snapshot.members:
        member.name = full + member.name[len(snapshot.name) :]
        member.suffix = suffix
    snapshot.name, snapshot.suffix = full, suffix


def _item(snapshot: GroupSnapshot, world: World) -> Item:
    return snapshot.reference | {
        "created": snapshot.created,
        "destroyed": snapshot.destroyed,
        "time_remaining": lifecycle.time_remaining(snapshot, world.now),
        "suffix": snapshot.suffix,
        "source": snapshot.group.reference,
        "pod": world.pod_reference(snapshot),
        "eradication_config": {"manual_eradication": "all-enabled"},
        "space": {"snapshots": sum(content.size(m.content) for m in snapshot.members)},
    }


def _transfer_item(snapshot: GroupSnapshot) -> Item:
    """Return how far it has come; only the receiving array knows."""
    transfer = snapshot.transfer
    return snapshot.reference | {
        "destroyed": snapshot.destroyed,
        "started": transfer.started if transfer else None,
        "completed": transfer.completed if transfer else None,
        "progress": transfer.progress if transfer else None,
        "data_transferred": int(transfer.done) if transfer else None,
        "physical_bytes_written": int(transfer.done) if transfer else None,
    }
