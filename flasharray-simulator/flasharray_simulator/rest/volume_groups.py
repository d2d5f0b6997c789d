# SPDX-License-Identifier: Apache-2.0
"""/volume-groups."""

from typing import Any

from flasharray_simulator import lifecycle
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.tables import VolumeGroup
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.items import NO_PRIORITY, NOTHING, PRIORITY, QOS, space
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World, check_name, new_id

NEW = {"qos": QOS, "priority_adjustment": PRIORITY}
CHANGE = NEW | {"name": str, "destroyed": bool}


def get(ask: Ask) -> dict[str, Any]:
    return answer(ask, [_item(group, ask.world) for group in chosen(ask, VolumeGroup)])


def create(ask: Ask) -> dict[str, Any]:
    made = []
    for name in ask.required("names"):
        check_name(name, VolumeGroup)
        ask.world.must_be_free(VolumeGroup, ask.array, name)
        group = VolumeGroup(
            id=new_id(),
            place=ask.array,
            name=name,
            created=ask.world.now,
            qos=ask.body.get("qos", {}),
        )
        ask.world.session.add(group)
        made.append(group)
    ask.world.session.flush()
    return reply([_item(group, ask.world) for group in made])


def change(ask: Ask) -> dict[str, Any]:
    changed = named(ask, VolumeGroup)
    for group in changed:
        if "destroyed" in ask.body:
            lifecycle.set_destroyed(ask.world, group, ask.body["destroyed"])
        elif group.destroyed:
            raise Refusal("Volume group has been destroyed.", group.name)
        group.qos = group.qos | ask.body.get("qos", {})
        if "name" in ask.body:
            _rename(ask, group, ask.body["name"])
    return reply([_item(group, ask.world) for group in changed])


def eradicate(ask: Ask) -> None:
    for group in named(ask, VolumeGroup):
        lifecycle.eradicate(ask.world, group)


def _rename(ask: Ask, group: VolumeGroup, name: str) -> None:
    check_name(name, VolumeGroup)
    if name.lower() != group.name.lower():
        ask.world.must_be_free(VolumeGroup, ask.array, name)
    for volume in group.volumes:
        volume.name = f"{name}/{volume.name.rpartition('/')[2]}"
    group.name = name


def _item(group: VolumeGroup, world: World) -> Item:
    live = [volume for volume in group.volumes if not volume.destroyed]
    return group.reference | {
        "destroyed": group.destroyed,
        "time_remaining": lifecycle.time_remaining(group, world.now),
        "qos": group.qos,
        "pod": NOTHING,
        "priority_adjustment": NO_PRIORITY,
        "volume_count": len(live),
        "space": space(
            sum(content.size(volume.content) for volume in live),
            sum(volume.provisioned for volume in live),
        ),
    }
