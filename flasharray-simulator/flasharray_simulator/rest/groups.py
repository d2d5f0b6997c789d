# SPDX-License-Identifier: Apache-2.0
"""/protection-groups and their volumes."""

from collections.abc import Iterable
from typing import Any

from flasharray_simulator import lifecycle
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.base import Thing
from flasharray_simulator.model.pods import MARK
from flasharray_simulator.model.tables import Group, Volume
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World, check_name, new_id

RETENTION = {"all_for_sec": int, "per_day": int, "days": int}
CHANGE = {
    "name": str,
    "destroyed": bool,
    "replication_schedule": {"enabled": bool, "frequency": int},
    "snapshot_schedule": {"enabled": bool, "frequency": int},
    "source_retention": RETENTION,
    "target_retention": RETENTION,
}

# What a new group has on an array; times of schedules are milliseconds.
REPLICATION_SCHEDULE = {"enabled": False, "frequency": 4 * 3600 * 1000, "at": None}
SNAPSHOT_SCHEDULE = {"enabled": False, "frequency": 3600 * 1000, "at": None}
KEEP = {"all_for_sec": 86400, "per_day": 4, "days": 7}
SHORTEST_RETENTION, LONGEST_RETENTION = 60, 34_560_000


def get(ask: Ask) -> dict[str, Any]:
    return answer(ask, [_item(group, ask.world) for group in chosen(ask, Group)])


def create(ask: Ask) -> dict[str, Any]:
    made = [_create(ask, name) for name in ask.required("names")]
    ask.world.session.flush()
    return reply([_item(group, ask.world) for group in made])


def change(ask: Ask) -> dict[str, Any]:
    changed = named(ask, Group)
    for group in changed:
        _change(ask, group)
    return reply([_item(group, ask.world) for group in changed])


def eradicate(ask: Ask) -> None:
    for group in named(ask, Group):
        lifecycle.eradicate(ask.world, group)


def _create(ask: Ask, name: str) -> Group:
    place, base = ask.world.place(ask.array, name)
    check_name(base, Group)
    ask.world.must_be_free(Group, ask.array, name)
    group = Group(
        id=new_id(),
        place=place,
        name=name,
        created=ask.world.now,
        replication_schedule=REPLICATION_SCHEDULE,
        snapshot_schedule=SNAPSHOT_SCHEDULE,
        source_retention=KEEP,
        target_retention=KEEP,
        last_runs={},
    )
    ask.world.session.add(group)
    return group


def _change(ask: Ask, group: Group) -> None:
    body = ask.body
    if "destroyed" in body:
        lifecycle.set_destroyed(ask.world, group, body["destroyed"])
    elif group.destroyed:
        raise Refusal("Protection group has been destroyed.", group.name)
    if group.replica_of and body.keys() - {"destroyed"}:
        raise Refusal(f"Protection group must be changed on {group.replica_of}.", group.name)
    for field in body.keys() & {"replication_schedule", "snapshot_schedule"}:
        _check_frequency(ask.world, body[field].get("frequency"))
        setattr(group, field, getattr(group, field) | body[field])
    for field in body.keys() & {"source_retention", "target_retention"}:
        _check_retention(body[field])
        setattr(group, field, getattr(group, field) | body[field])
    if "name" in body:
        _rename(ask, group, body["name"])
    tell_targets(group)


def _check_frequency(world: World, frequency: int | None) -> None:
    shortest = world.settings.strict.min_frequency
    if frequency is not None and frequency < shortest:
        raise Refusal(
            f"frequency must be at least {shortest} milliseconds ({shortest // 1000} seconds).",
            str(frequency),
        )


def _check_retention(retention: dict[str, int]) -> None:
    seconds = retention.get("all_for_sec")
    if seconds is not None and not SHORTEST_RETENTION <= seconds <= LONGEST_RETENTION:
        raise Refusal(
            f"all_for_sec must be between {SHORTEST_RETENTION} and {LONGEST_RETENTION} seconds.",
            str(seconds),
        )
    for field in ("per_day", "days"):
        if retention.get(field, 0) < 0:
            raise Refusal(f"{field} must not be negative.", str(retention[field]))


def _rename(ask: Ask, group: Group, name: str) -> None:
    pod, _, base = name.rpartition(MARK)
    its_pod, mark, _ = group.name.rpartition(MARK)
    if pod and pod.lower() != its_pod.lower():
        raise Refusal("Renaming does not move a protection group to another pod.", name)
    check_name(base, Group)
    full = f"{its_pod}{mark}{base}"
    if full.lower() != group.name.lower():
        ask.world.must_be_free(Group, ask.array, full)
    _take_name(group, full)
    for target in group.targets:
        _take_name(target.replica, f"{group.place}:{full}")


def _take_name(group: Group, name: str) -> None:
    for snapshot in group.snapshots:
        things: list[Thing] = [snapshot, *snapshot.members]
        for thing in things:
            thing.name = name + thing.name[len(group.name) :]
    group.name = name


def tell_targets(group: Group) -> None:
    for target in group.targets:
        target.replica.replication_schedule = group.replication_schedule
        target.replica.target_retention = group.target_retention


def _item(group: Group, world: World) -> Item:
    source, pod = group.origin or group, world.pod_reference(group)
    members = [] if group.replica_of and not group.origin else live(source.volumes)
    return group.reference | {
        "destroyed": group.destroyed,
        "time_remaining": lifecycle.time_remaining(group, world.now),
        "is_local": group.replica_of is None,
        "source": {"id": None, "name": group.replica_of or (pod["name"] or group.place)},
        "pod": pod,
        "volume_count": len(members),
        "host_count": 0,
        "host_group_count": 0,
        "target_count": len(source.targets),
        "replication_schedule": group.replication_schedule | {"blackout": None},
        "snapshot_schedule": group.snapshot_schedule,
        "source_retention": group.source_retention,
        "target_retention": group.target_retention,
        "retention_lock": "unlocked",
        "eradication_config": {"manual_eradication": "all-enabled"},
        "space": {
            "snapshots": sum(
                content.size(member.content)
                for snapshot in group.snapshots
                for member in snapshot.members
            )
        },
    }


def live(volumes: Iterable[Volume]) -> list[Volume]:
    return [volume for volume in volumes if not volume.destroyed]


# -- volumes --------------------------------------------------------------------------------------


def get_volumes(ask: Ask) -> dict[str, Any]:
    members = {name.lower() for name in ask.values("member_names")}
    rows = [
        row
        for group in chosen(ask, Group, "group_names", "group_ids")
        for row in _member_items(group)
        if not members or row["member"]["name"].lower() in members
    ]
    if not rows:
        for name in ask.values("member_names"):
            ask.world.find(Volume, ask.array, name)
    return answer(ask, rows)


def add_volumes(ask: Ask) -> dict[str, Any]:
    rows = []
    for name in ask.required("group_names"):
        group = ask.world.live(Group, ask.array, name)
        added = [ask.world.live(Volume, ask.array, each) for each in ask.values("member_names")]
        add_members(group, added)
        rows += [{"group": group.reference, "member": volume.reference} for volume in added]
    return reply(rows)


def remove_volumes(ask: Ask) -> None:
    for name in ask.required("group_names"):
        group = ask.world.live(Group, ask.array, name)
        members = ask.values("member_names")
        remove_members(group, [ask.world.find(Volume, ask.array, each) for each in members])


def add_members(group: Group, volumes: Iterable[Volume]) -> None:
    if group.replica_of:
        raise Refusal(f"Protection group must be changed on {group.replica_of}.", group.name)
    for volume in volumes:
        if volume in group.volumes:
            raise Refusal(f"Volume already belongs to {group.name}.", volume.name)
        if volume.place != group.place:
            raise Refusal(f"Volume is not in the same pod as {group.name}.", volume.name)
        group.volumes.append(volume)


def remove_members(group: Group, volumes: Iterable[Volume]) -> None:
    for volume in volumes:
        if volume not in group.volumes:
            raise Refusal(f"Volume could not be found in {group.name}.", volume.name)
        group.volumes.remove(volume)


def _member_items(group: Group) -> list[Item]:
    """Return the members; a target shows them under their array's name."""
    if not group.replica_of:
        return [{"group": group.reference, "member": v.reference} for v in live(group.volumes)]
    volumes = live(group.origin.volumes) if group.origin else []
    return [
        {
            "group": group.reference,
            "member": volume.reference | {"name": f"{group.replica_of}:{volume.name}"},
        }
        for volume in volumes
    ]
