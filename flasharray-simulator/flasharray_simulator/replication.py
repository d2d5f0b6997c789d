# SPDX-License-Identifier: Apache-2.0
"""What happens by itself while time passes: schedules, transfers, pods, retention."""

import math
from collections.abc import Iterator

from sqlalchemy import select

from flasharray_simulator import lifecycle, retention, snapshots, stretching
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.pods import PodSide
from flasharray_simulator.model.tables import (
    Group,
    GroupSnapshot,
    Target,
    Transfer,
    VolumeSnapshot,
)
from flasharray_simulator.world import World, new_id

# How often, in world time, what is old is looked for.
SWEEP = 60_000
SCHEDULES = ("replication", "snapshot")
# What goes over a link.
Moving = Transfer | PodSide


def pass_time(world: World, since: int) -> float:
    """Let everything happen between then and now, each thing at its moment.

    :returns: until when nothing else will, unless something is changed.
    """
    until, world.now = world.now, min(since, world.now)
    while True:
        _happen(world)
        rates = _rates(world)
        next_one = min(_coming(world, rates), default=math.inf)
        if world.now >= until or (next_one > until and not rates):
            break
        then = min(until, int(next_one))
        for moving, rate in rates.items():
            moving.done = min(moving.done + rate * (then - world.now), moving.total)
        world.now = then
    world.now = until
    if since // SWEEP != until // SWEEP:
        retention.apply(world, since)
        lifecycle.sweep(world)
    return until if rates else min((until // SWEEP + 1) * SWEEP, next_one)


def queue(world: World, snapshot: GroupSnapshot, *, urgent: bool) -> None:
    """Send a group's snapshot to every target that allows it.

    :raises Refusal: there is none, or one has a snapshot of this name already.
    """
    targets = [target for target in snapshot.group.targets if target.allowed]
    if not targets:
        raise Refusal("No target allows this protection group.", snapshot.group.name)
    for target in targets:
        replica = f"{target.replica.name}.{snapshot.suffix}"
        world.must_be_free(GroupSnapshot, target.array, replica)
        world.session.add(
            Transfer(
                source=snapshot.place,
                target=target.array,
                queued=world.now,
                urgent=urgent,
                sent=snapshot,
            )
        )
    world.session.flush()


# -- at one moment --------------------------------------------------------------------------------


def _happen(world: World) -> None:
    stretching.settle(world)
    for group, schedule in _schedules(world):
        if _due(world, group, schedule) <= world.now and world.runs(group.place):
            _run(world, group, schedule)
    while _start(world) or _complete(world):
        pass


def _schedules(world: World) -> list[tuple[Group, str]]:
    mine = select(Group).where(Group.replica_of.is_(None), Group.destroyed_at.is_(None))
    return [
        (group, schedule)
        for group in world.session.scalars(mine)
        for schedule in SCHEDULES
        if _settings(group, schedule)["enabled"]
    ]


def _settings(group: Group, schedule: str) -> dict[str, int]:
    return group.replication_schedule if schedule == "replication" else group.snapshot_schedule


def _due(world: World, group: Group, schedule: str) -> int:
    last = group.last_runs.get(schedule)
    return world.now if last is None else last + _settings(group, schedule)["frequency"]


def _run(world: World, group: Group, schedule: str) -> None:
    """Take the snapshot that is due; a group without volumes, or targets, lets its turn pass."""
    group.last_runs = group.last_runs | {schedule: world.now}
    replicated = schedule == "replication"
    if not any(not volume.destroyed for volume in group.volumes):
        return
    if replicated and not any(target.allowed for target in group.targets):
        return
    snapshot = snapshots.take_group(world, group, None, kept=False)
    if replicated:
        queue(world, snapshot, urgent=False)


# -- transfers ------------------------------------------------------------------------------------


def _heads(world: World) -> list[Transfer]:
    """Return the transfers whose turn it is: one of each group and target."""
    heads: dict[tuple[str, str], Transfer] = {}
    for transfer in sorted(lifecycle.unfinished(world), key=lambda t: (not t.urgent, t.id)):
        assert transfer.sent is not None
        heads.setdefault((transfer.sent.group_id, transfer.target), transfer)
    return [
        transfer
        for transfer in heads.values()
        if world.carries(world.link(transfer.source, transfer.target))
    ]


def _begins(world: World, transfer: Transfer) -> int:
    return transfer.queued + int(world.link(transfer.source, transfer.target).lag * 1000)


def _start(world: World) -> bool:
    waiting = [
        transfer
        for transfer in _heads(world)
        if transfer.started is None and _begins(world, transfer) <= world.now
    ]
    for transfer in waiting:
        target = _target(world, transfer)
        assert transfer.sent is not None
        base = _base(target)
        transfer.total = sum(_size(world, member, base) for member in transfer.sent.members)
        transfer.replica = _replica(world, transfer.sent, target.replica)
        transfer.started = world.now
    world.session.flush()
    return bool(waiting)


def _complete(world: World) -> bool:
    arrived = [t for t in _heads(world) if t.started is not None and t.done >= t.total]
    for transfer in arrived:
        transfer.completed = world.now
    world.session.flush()
    return bool(arrived)


def _rates(world: World) -> dict[Moving, float]:
    """Return bytes per millisecond of what moves; all that moves shares its link's direction."""
    moving: list[Moving] = [t for t in _heads(world) if t.started is not None]
    moving += stretching.moving(world)
    rates = {}
    for each in moving:
        direction = (each.source, each.target)
        sharing = sum((other.source, other.target) == direction for other in moving)
        rates[each] = world.link(*direction).bandwidth / 1000 / sharing
    return rates


def _coming(world: World, rates: dict[Moving, float]) -> Iterator[int]:
    """Return the moments at which something else will happen."""
    yield from stretching.coming(world)
    for each, rate in rates.items():
        if rate > 0:
            yield world.now + max(math.ceil((each.total - each.done) / rate), 1)
    for transfer in _heads(world):
        if transfer.started is None:
            yield max(_begins(world, transfer), world.now + 1)
    for group, schedule in _schedules(world):
        if world.runs(group.place):
            yield max(_due(world, group, schedule), world.now + 1)


def _target(world: World, transfer: Transfer) -> Target:
    assert transfer.sent is not None
    found = world.session.get(Target, (transfer.sent.group_id, transfer.target))
    assert found is not None
    return found


def _base(target: Target) -> dict[str, content.Content]:
    """Return what is at the target already: volume's id -> content."""
    complete = [
        snapshot
        for snapshot in target.replica.snapshots
        if snapshot.transfer and snapshot.transfer.completed is not None
    ]
    if not complete:
        return {}
    newest = max(complete, key=lambda snapshot: snapshot.created)
    return {member.source["id"]: member.content for member in newest.members}


def _size(world: World, member: VolumeSnapshot, base: dict[str, content.Content]) -> int:
    if member.source["id"] in base:
        return content.size_since(member.content, base[member.source["id"]])
    return world.settings.replication.initial_bytes + content.size(member.content)


def _replica(world: World, sent: GroupSnapshot, group: Group) -> GroupSnapshot:
    """Make the snapshot at the target; ``created`` is the moment it shows, not of its coming."""
    replica = GroupSnapshot(
        id=new_id(),
        place=group.place,
        name=f"{group.name}.{sent.suffix}",
        created=sent.created,
        suffix=sent.suffix,
        kept=sent.kept,
        group=group,
    )
    world.session.add(replica)
    replica.members = [
        VolumeSnapshot(
            id=new_id(),
            place=group.place,
            name=f"{group.name}{member.name.removeprefix(sent.group.name)}",
            created=sent.created,
            suffix=sent.suffix,
            serial=world.next_serial(group.place),
            provisioned=member.provisioned,
            source=member.source | {"name": f"{sent.place}:{member.source['name']}"},
            content=member.content,
        )
        for member in sent.members
    ]
    return replica
