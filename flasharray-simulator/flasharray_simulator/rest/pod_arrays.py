# SPDX-License-Identifier: Apache-2.0
"""/pods/arrays, and /pods/members in its place: stretching and unstretching."""

from typing import Any

from flasharray_simulator import stretching
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.pods import Pod, PodSide
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.listing import Item, answer, chosen, reply
from flasharray_simulator.rest.pods import member

MOST = 2


def get_arrays(ask: Ask) -> dict[str, Any]:
    pods = chosen(ask, Pod, "group_names", "group_ids")
    return answer(ask, [_array_row(side) for side in _sides(ask, pods)])


def get_members(ask: Ask) -> dict[str, Any]:
    pods = chosen(ask, Pod, "pod_names", "pod_ids")
    return answer(ask, [_member_row(ask, side) for side in _sides(ask, pods)])


def stretch_to_arrays(ask: Ask) -> dict[str, Any]:
    return reply([_array_row(side) for side in _stretch(ask, "group_names")])


def stretch_to_members(ask: Ask) -> dict[str, Any]:
    return reply([_member_row(ask, side) for side in _stretch(ask, "pod_names")])


def unstretch_arrays(ask: Ask) -> None:
    _unstretch(ask, "group_names")


def unstretch_members(ask: Ask) -> None:
    _unstretch(ask, "pod_names")


def _sides(ask: Ask, pods: list[Pod]) -> list[PodSide]:
    wanted = {name.lower() for name in ask.values("member_names")}
    return [
        side
        for pod in pods
        for side in pod.sides
        if side.array == ask.array or side is pod.peer(ask.array)
        if not wanted or side.array.lower() in wanted
    ]


def _array_row(side: PodSide) -> Item:
    return {"group": {"name": side.pod.name}, "member": {"name": side.array}}


def _member_row(ask: Ask, side: PodSide) -> Item:
    return {
        "pod": side.pod.reference | {"resource_type": "pods"},
        "member": member(ask.world, side.array),
    }


# -- stretching -----------------------------------------------------------------------------------


def _stretch(ask: Ask, pods: str) -> list[PodSide]:
    world, made = ask.world, []
    for name in ask.required(pods):
        pod = world.find(Pod, ask.array, name)
        for array in ask.required("member_names"):
            _must_be_stretchable(ask, pod, array)
            stretching.stretch(world, pod, array)
            made.append(pod.side(array))
    return made


def _must_be_stretchable(ask: Ask, pod: Pod, array: str) -> None:
    world = ask.world
    if array in [side.array for side in pod.sides]:
        raise Refusal(f"Pod already exists on {array}.", pod.name)
    if len(pod.sides) >= MOST:
        raise Refusal(f"Array limit reached: a pod is on {MOST} arrays at most.", pod.name)
    world.live(Pod, ask.array, pod.name)
    link = next((each for each in world.sync_links(ask.array) if each.joins(array)), None)
    if not link:
        raise Refusal(
            f"Array {ask.array} is not connected to {array} for synchronous replication.", array
        )
    if not world.carries(link):
        raise Refusal(f"Array {array} cannot be reached; its connection is down.", array)
    if world.get(Pod, array, pod.name):
        raise Refusal(f"Array {array} has another pod named {pod.name}.", pod.name)


def _unstretch(ask: Ask, pods: str) -> None:
    for name in ask.required(pods):
        pod = ask.world.find(Pod, ask.array, name)
        for array in ask.required("member_names"):
            _must_be_unstretchable(ask, pod, array)
            if pod.side(ask.array).status == "offline":
                stretching.leave(ask.world, pod, ask.array)
            else:
                stretching.unstretch(ask.world, pod, array)


def _must_be_unstretchable(ask: Ask, pod: Pod, array: str) -> None:
    own, peer = pod.side(ask.array), pod.peer(ask.array)
    if peer is None or array not in (own.array, peer.array):
        raise Refusal(f"Pod does not exist on {array}, or on no other array.", pod.name)
    if own.status == "offline":
        _must_be_forced(ask, pod, array)
    elif own.status != "online":
        raise Refusal(f"Pod {pod.name} is {own.status} on {own.array}. Wait for it.", pod.name)
    elif array == own.array and peer.status != "online":
        raise Refusal(
            f"Pod {pod.name} is {peer.status} on {peer.array}, and would be online nowhere.",
            pod.name,
        )


def _must_be_forced(ask: Ask, pod: Pod, array: str) -> None:
    """An array that is offline may go on alone, but not without a word."""
    if array == ask.array or not ask.flag("with_unknown"):
        raise Refusal(
            f"Pod {pod.name} is offline on {ask.array}, and may be online elsewhere. Give "
            "with_unknown=true and the other array to go on here with what this array has.",
            pod.name,
        )
