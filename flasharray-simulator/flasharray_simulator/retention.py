# SPDX-License-Identifier: Apache-2.0
"""Which snapshots of a group have been kept for long enough."""

from collections import Counter

from sqlalchemy import select

from flasharray_simulator.lifecycle import set_destroyed, unfinished
from flasharray_simulator.model.tables import Group, GroupSnapshot
from flasharray_simulator.world import World

DAY = 24 * 3600 * 1000


def apply(world: World) -> None:
    """Destroy what every group's policy does not keep."""
    for group in world.session.scalars(select(Group)).all():
        policy = group.target_retention if group.replica_of else group.source_retention
        candidates = _candidates(world, group)
        for snapshot in expired(candidates, policy, world.now):
            set_destroyed(world, snapshot, True)


def expired(
    snapshots: list[GroupSnapshot], policy: dict[str, int], now: int
) -> list[GroupSnapshot]:
    """Return those the policy does not keep: all for a while, then some of each day."""
    all_for = policy["all_for_sec"] * 1000
    of_day: Counter[int] = Counter()
    gone = []
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.created, reverse=True):
        older_by = now - snapshot.created - all_for
        if older_by <= 0:
            continue
        day = older_by // DAY
        of_day[day] += 1
        if day >= policy["days"] or of_day[day] > policy["per_day"]:
            gone.append(snapshot)
    return gone


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
