# SPDX-License-Identifier: Apache-2.0
"""/protection-groups/targets: where a group is replicated to, and whether that array allows it."""

from typing import Any

from sqlalchemy import select

from flasharray_simulator import lifecycle
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.tables import Group, Target
from flasharray_simulator.rest import groups
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World, in_a_pod, new_id

CHANGE = {"allowed": bool}
MOST = 4


def get(ask: Ask) -> dict[str, Any]:
    wanted = {name.lower() for name in ask.values("member_names")}
    rows = [
        _item(ask.world, target, group)
        for group in chosen(ask, Group, "group_names", "group_ids")
        for target in _targets_of(ask.world, group)
        if not wanted or target.array.lower() in wanted
    ]
    return answer(ask, rows)


def add(ask: Ask) -> dict[str, Any]:
    rows = []
    for name in ask.required("group_names"):
        group = ask.world.live(Group, ask.array, name)
        for array in ask.required("member_names"):
            rows.append(_item(ask.world, _add(ask.world, group, array), group))
    return reply(rows)


def change(ask: Ask) -> dict[str, Any]:
    """Allow or disallow; only the array that receives may say so."""
    rows = []
    for group in named(ask, Group, "group_names", "group_ids"):
        if group.destroyed:
            raise Refusal("Protection group has been destroyed.", group.name)
        if not group.replica_of:
            raise Refusal("Only a target can allow a protection group, not its source.", group.name)
        for target in _targets_of(ask.world, group):
            if "allowed" in ask.body:
                _set_allowed(ask.world, target, ask.body["allowed"])
            rows.append(_item(ask.world, target, group))
    return reply(rows)


def remove(ask: Ask) -> None:
    for name in ask.required("group_names"):
        group = ask.world.live(Group, ask.array, name)
        for array in ask.required("member_names"):
            target = ask.world.session.get(Target, (group.id, array))
            if not target:
                raise Refusal(f"Target does not exist in {group.name}.", array)
            lifecycle.remove_target(ask.world, target)


def _targets_of(world: World, group: Group) -> list[Target]:
    here = Target.replica_id if group.replica_of else Target.group_id
    return list(world.session.scalars(select(Target).where(here == group.id)))


def _add(world: World, group: Group, array: str) -> Target:
    if group.replica_of:
        raise Refusal(f"Protection group must be changed on {group.replica_of}.", group.name)
    if in_a_pod(group.name):
        raise Refusal("The target of a protection group in a pod is not simulated.", group.name)
    link = world.link(group.place, array)
    if any(target.array == array for target in group.targets):
        raise Refusal(f"Protection group already includes target {array}.", group.name)
    if len(group.targets) >= MOST:
        raise Refusal(f"Target limit reached: at most {MOST}.", group.name)
    if not world.carries(link):
        raise Refusal(f"Array {array} cannot be reached; its connection is down.", array)
    replica = _replica(world, group, array)
    target = Target(group=group, array=array, replica=replica)
    world.session.add(target)
    world.session.flush()
    groups.tell_targets(group)
    return target


def _replica(world: World, group: Group, array: str) -> Group:
    """Return what stands for the group at the target; there at once, or still from before."""
    name = f"{group.place}:{group.name}"
    replica = world.get(Group, array, name)
    if not replica:
        replica = Group(
            id=new_id(),
            place=array,
            name=name,
            created=world.now,
            replication_schedule=group.replication_schedule,
            snapshot_schedule=groups.SNAPSHOT_SCHEDULE,
            source_retention=group.source_retention,
            target_retention=group.target_retention,
            last_runs={},
            replica_of=group.place,
        )
        world.session.add(replica)
    replica.origin = group
    replica.destroyed_at = None
    return replica


def _set_allowed(world: World, target: Target, allowed: bool) -> None:
    if allowed and target.allowed:
        raise Refusal(
            f"Protection group is already allowed on {target.array}.", target.replica.name
        )
    target.allowed = allowed
    if not allowed:
        lifecycle.discard(world, lifecycle.transfers_to(world, target))


def _item(world: World, target: Target, group: Group) -> Item:
    return {
        "group": group.reference,
        "member": {"id": world.array(target.array).id, "name": target.array},
        "allowed": target.allowed,
    }
