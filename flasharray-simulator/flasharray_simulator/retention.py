# SPDX-License-Identifier: Apache-2.0
"""Which snapshots of a group have been kept for long enough."""

from collections.abc import Iterator

from sqlalchemy import select

from flasharray_simulator.lifecycle import set_destroyed, unfinished
from flasharray_simulator.model.tables import Group, GroupSnapshot
from flasharray_simulator.world import World

DAY = 24 * 3600 * 1000


def apply(world: World, since: int) -> None:
    """Destroy what every group's policy stopped keeping, after ``since`` at the earliest."""
    for group in world.session.scalars(select(Group)).all():
        policy = group.target_retention if group.replica_of else group.source_retention
        for snapshot, moment in expired(_candidates(world, group), policy, world.now):
            set_destroyed(world, snapshot, True, at=max(moment, since))


def expired(
    snapshots: list[GroupSnapshot], policy: dict[str, int], now: int
) -> Iterator[tuple[GroupSnapshot, int]]:
    """Give those the policy does not keep, and since when.

    All are kept for a while; then, of every day, the first of each of ``per_day`` equal parts.
    """
    kept_parts = set()
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.created):
        rest = snapshot.created + policy["all_for_sec"] * 1000
        end = rest + policy["days"] * DAY
        part = snapshot.created * policy["per_day"] // DAY
        if policy["per_day"] and part not in kept_parts:
            kept_parts.add(part)
            rest = end
        if rest < now:
            yield snapshot, rest


def _candidates(world: World, group: Group) -> list[GroupSnapshot]:
    """Return the snapshots the policy may take.

    Not one that is on its way, nor the newest complete replica: the next transfer builds on it.
    """
    moving = unfinished(world)
    in_transit = {transfer.sent_id for transfer in moving} | {t.replica_id for t in moving}
    found = [s for s in group.snapshots if not s.destroyed and s.id not in in_transit]
    if group.replica_of:
        found.sort(key=lambda snapshot: snapshot.created)
        found = found[:-1]
    return [snapshot for snapshot in found if not snapshot.kept]
