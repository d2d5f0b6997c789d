# SPDX-License-Identifier: Apache-2.0
"""/pods, as one of their arrays sees them."""

from typing import Any

from flasharray_simulator import copying, lifecycle, stretching
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.pods import MARK, Gone, Pod, PodSide
from flasharray_simulator.model.tables import Group, GroupSnapshot, Volume, VolumeSnapshot
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.items import NOTHING, REFERENCE, space
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World, check_name, new_id

NEW = {"failover_preferences": [REFERENCE], "source": REFERENCE}
CHANGE = {
    "name": str,
    "destroyed": bool,
    "failover_preferences": [REFERENCE],
    "mediator": str,
}
CONTENTS: tuple[type[Any], ...] = (Volume, VolumeSnapshot, Group, GroupSnapshot)


def get(ask: Ask) -> dict[str, Any]:
    return answer(ask, [item(pod, ask.world, ask.array) for pod in chosen(ask, Pod)])


def create(ask: Ask) -> dict[str, Any]:
    made = [_create(ask, name) for name in ask.required("names")]
    ask.world.session.flush()
    return reply([item(pod, ask.world, ask.array) for pod in made])


def change(ask: Ask) -> dict[str, Any]:
    changed = named(ask, Pod)
    for pod in changed:
        _change(ask, pod)
    ask.world.session.flush()
    return reply([item(pod, ask.world, ask.array) for pod in changed])


def eradicate(ask: Ask) -> None:
    for pod in named(ask, Pod):
        full = any(ask.world.inside(kind, pod) for kind in CONTENTS)
        if pod.destroyed and full and not pod.remains_of and not ask.flag("eradicate_contents"):
            raise Refusal("Pod is not empty. Give eradicate_contents=true.", pod.name)
        lifecycle.eradicate(ask.world, pod)


def item(pod: Pod, world: World, array: str) -> Item:
    sides = [side for side in pod.sides if side.array == array or side is pod.peer(array)]
    volumes = [volume for volume in world.inside(Volume, pod) if not volume.destroyed]
    used = sum(content.size(volume.content) for volume in volumes)
    return pod.reference | {
        "array_count": len(sides),
        "arrays": [_side(side, pod.side(array), world) for side in sides],
        "members": [member(world, side.array) for side in sides],
        "destroyed": pod.destroyed,
        "time_remaining": lifecycle.time_remaining(pod, world.now),
        "failover_preferences": [_array(world, name) for name in pod.preferences],
        "mediator": pod.mediator,
        "mediator_version": "1.0",
        "link_source_count": 0,
        "link_target_count": 0,
        "promotion_status": "promoted",
        "requested_promotion_state": "promoted",
        "source": pod.source or NOTHING,
        "footprint": used,
        "space": space(used, sum(volume.provisioned for volume in volumes)),
    }


def member(world: World, array: str) -> Item:
    return _array(world, array) | {"resource_type": "arrays"}


def _array(world: World, name: str) -> Item:
    found = world.array(name)
    return {"id": found.id, "name": found.name}


def _side(side: PodSide, own: PodSide, world: World) -> Item:
    """Return a side as the array of ``own`` knows it.

    Who is offline, and does not reach the other array, does not know how that one is.
    """
    apart = side is not own and not stretching.connected(world, own.pod)
    unknown = apart and own.status == "offline"
    reached = "online" if world.array(side.array).mediator else "unreachable"
    return _array(world, side.array) | {
        "member": member(world, side.array),
        "status": "unknown" if unknown else side.status,
        "frozen_at": None if unknown else side.frozen_at,
        "mediator_status": "unknown" if apart else reached,
        "pre_elected": side.pre_elected,
        "progress": side.progress if side.status == "resyncing" else None,
    }


# -- making and changing --------------------------------------------------------------------------


def _create(ask: Ask, name: str) -> Pod:
    world = ask.world
    check_name(name, Pod)
    world.must_be_free(Pod, ask.array, name)
    if "source" in ask.body:
        pod = _clone(ask, name, ask.body["source"])
    else:
        pod = Pod(id=new_id(), name=name, created=world.now, mediator="purestorage")
        pod.place = pod.id
        pod.sides = [PodSide(array=ask.array, number=0)]
        world.session.add(pod)
    pod.preferences = _preferences(ask, ask.body.get("failover_preferences", []))
    return pod


def _clone(ask: Ask, name: str, wanted: dict[str, str]) -> Pod:
    """Copy a pod's volumes and protection groups; of what unstretching left, too."""
    world = ask.world
    source = world.find(Pod, ask.array, wanted.get("name", ""))
    if source.destroyed and not source.remains_of:
        raise Refusal("Source pod has been destroyed.", source.name)
    world.must_be_online(source, ask.array)
    contents = stretching.contents(world, source)
    return copying.copy(world, source, ask.array, name, contents=contents, keep=False)


def _change(ask: Ask, pod: Pod) -> None:
    body = ask.body
    if "destroyed" in body:
        _set_destroyed(ask, pod, body["destroyed"])
    elif pod.destroyed:
        raise Refusal("Pod has been destroyed.", pod.name)
    if "failover_preferences" in body:
        pod.preferences = _preferences(ask, body["failover_preferences"])
    if "mediator" in body:
        pod.mediator = body["mediator"]
    if "name" in body:
        _rename(ask, pod, body["name"])


def _preferences(ask: Ask, wanted: list[dict[str, str]]) -> list[str]:
    names = [each.get("name", "") for each in wanted]
    known = {ask.array, *(link.peer_of(ask.array) for link in ask.world.sync_links(ask.array))}
    for name in names:
        if name not in known:
            raise Refusal(
                f"Array {name} is neither this one nor connected to it for synchronous "
                "replication.",
                name,
            )
    return names


def _set_destroyed(ask: Ask, pod: Pod, destroyed: bool) -> None:
    world = ask.world
    if destroyed and not pod.destroyed:
        if len(pod.sides) > 1:
            raise Refusal("Pod is stretched and cannot be destroyed. Unstretch it first.", pod.name)
        kinds: tuple[type[Group], type[Volume]] = (Group, Volume)
        live: list[Group | Volume] = [
            thing for kind in kinds for thing in world.inside(kind, pod) if not thing.destroyed
        ]
        if live and not ask.flag("destroy_contents"):
            raise Refusal("Pod is not empty. Give destroy_contents=true.", pod.name)
        for thing in live:
            lifecycle.set_destroyed(world, thing, True)
    lifecycle.set_destroyed(world, pod, destroyed)


def _rename(ask: Ask, pod: Pod, name: str) -> None:
    check_name(name, Pod)
    if name.lower() != pod.name.lower():
        for side in pod.sides:
            if side.gone != Gone.LEFT:
                ask.world.must_be_free(Pod, side.array, name)
    for kind in CONTENTS:
        for thing in ask.world.inside(kind, pod):
            thing.name = name + MARK + thing.name.partition(MARK)[2]
    pod.name = name
