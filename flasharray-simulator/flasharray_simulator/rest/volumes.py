# SPDX-License-Identifier: Apache-2.0
"""/volumes and /volumes/tags."""

from typing import Any

from flasharray_simulator import lifecycle
from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.tables import Group, Volume, VolumeGroup, VolumeSnapshot
from flasharray_simulator.rest import groups, moving
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.items import NO_PRIORITY, NOTHING, PRIORITY, QOS, REFERENCE, space
from flasharray_simulator.rest.listing import Item, answer, chosen, named, reply
from flasharray_simulator.world import World, check_name, new_id

MIB = 1024**2
SMALLEST, LARGEST = MIB, 4 * 1024**5

NEW = {
    "provisioned": int,
    "source": REFERENCE,
    "qos": QOS,
    "priority_adjustment": PRIORITY,
    "subtype": str,
}
CHANGE = {
    "name": str,
    "destroyed": bool,
    "provisioned": int,
    "qos": QOS,
    "priority_adjustment": PRIORITY,
    "volume_group": REFERENCE,
    "pod": REFERENCE,
    "requested_promotion_state": str,
}


def get(ask: Ask) -> dict[str, Any]:
    return answer(ask, [item(volume, ask.world, ask.array) for volume in chosen(ask, Volume)])


def create(ask: Ask) -> dict[str, Any]:
    made = [_create(ask, name) for name in ask.required("names")]
    ask.world.session.flush()
    for name in ask.values("add_to_protection_group_names"):
        groups.add_members(ask.world.live(Group, ask.array, name), made)
    return reply([item(volume, ask.world, ask.array) for volume in made])


def change(ask: Ask) -> dict[str, Any]:
    volumes = named(ask, Volume)
    for name in ask.values("remove_from_protection_group_names"):
        groups.remove_members(ask.world.live(Group, ask.array, name), volumes)
    for volume in volumes:
        _change(ask, volume)
    for name in ask.values("add_to_protection_group_names"):
        groups.add_members(ask.world.live(Group, ask.array, name), volumes)
    return reply([item(volume, ask.world, ask.array) for volume in volumes])


def eradicate(ask: Ask) -> None:
    for volume in named(ask, Volume):
        lifecycle.eradicate(ask.world, volume)


def item(volume: Volume, world: World, array: str) -> Item:
    """Return the volume as the array shows it: with the connections of its own hosts."""
    used = content.size(volume.content)
    return volume.reference | {
        "serial": volume.serial,
        "provisioned": volume.provisioned,
        "created": volume.created,
        "destroyed": volume.destroyed,
        "time_remaining": lifecycle.time_remaining(volume, world.now),
        "connection_count": sum(each.host.place == array for each in volume.connections),
        "qos": volume.qos,
        "source": volume.source,
        "pod": world.pod_reference(volume),
        "volume_group": volume.volume_group.reference if volume.volume_group else NOTHING,
        "subtype": "regular",
        "promotion_status": volume.promotion,
        "requested_promotion_state": volume.promotion,
        "host_encryption_key_status": "none",
        "priority": 0,
        "priority_adjustment": NO_PRIORITY,
        "space": space(used, volume.provisioned),
    }


# -- making ---------------------------------------------------------------------------------------


def _create(ask: Ask, name: str) -> Volume:
    world, overwrite = ask.world, bool(ask.flag("overwrite"))
    _check_overwrite(ask, overwrite)
    source = _source(ask)
    if overwrite and (existing := world.get(Volume, ask.array, name)):
        world.must_be_online(existing, ask.array)
        assert source is not None
        return _overwrite(world, existing, source)
    place, base = world.place(ask.array, name)
    volume_group = _volume_group(ask, place, base)
    world.must_be_free(Volume, ask.array, name)
    volume = Volume(
        id=new_id(),
        place=place,
        name=name,
        created=world.now,
        serial=world.array(ask.array).next_serial(),
        provisioned=source.provisioned if source else _new_size(ask, name),
        source=_origin(source) if source else NOTHING,
        qos=ask.body.get("qos", {}),
        tags=[],
        content=source.content if source else [],
        volume_group=volume_group,
    )
    world.session.add(volume)
    return volume


def _check_overwrite(ask: Ask, overwrite: bool) -> None:
    if not overwrite:
        return
    if "source" not in ask.body:
        raise Refusal("Overwriting a volume needs a source.")
    both = ask.query.keys() & {"with_default_protection", "add_to_protection_group_names"}
    if both and not ask.world.settings.strict.overwrite_with_default_protection:
        raise Refusal(f"Parameters overwrite and {min(both)} exclude each other.")


def _source(ask: Ask) -> Volume | VolumeSnapshot | None:
    """Return the volume, or else the snapshot, that is copied; all of it must be here."""
    if "source" not in ask.body:
        return None
    if "provisioned" in ask.body:
        raise Refusal("A copy has its source's size. Resize it afterwards.")
    return source_named(ask.world, ask.array, ask.body["source"])


def source_named(world: World, array: str, wanted: dict[str, str]) -> Volume | VolumeSnapshot:
    found: Volume | VolumeSnapshot | None
    if "id" in wanted:
        found = world.by_id(Volume, array, wanted["id"]) or world.by_id(
            VolumeSnapshot, array, wanted["id"]
        )
    else:
        name = wanted.get("name", "")
        found = world.get(Volume, array, name) or world.get(VolumeSnapshot, array, name)
    context = wanted.get("name") or wanted.get("id")
    if found is None:
        raise Refusal("No such volume or snapshot; source does not exist.", context)
    if found.destroyed:
        raise Refusal("Source has been destroyed.", context)
    world.must_be_online(found, array)
    if isinstance(found, VolumeSnapshot) and found.group_snapshot:
        transfer = found.group_snapshot.transfer
        if transfer and transfer.completed is None:
            raise Refusal("Source snapshot has not been replicated completely.", context)
    return found


def _origin(source: Volume | VolumeSnapshot) -> Item:
    return source.source if isinstance(source, VolumeSnapshot) else source.reference


def _overwrite(world: World, volume: Volume, source: Volume | VolumeSnapshot) -> Volume:
    """Give the volume the source's content; it remains the same volume to its hosts."""
    if volume.destroyed:
        raise Refusal("Volume has been destroyed.", volume.name)
    volume.content = source.content
    volume.provisioned = source.provisioned
    volume.source = _origin(source)
    volume.created = world.now
    return volume


def _volume_group(ask: Ask, place: str, name: str) -> VolumeGroup | None:
    """Return the volume group the name puts the volume in."""
    container, _, base = name.rpartition("/")
    check_name(base, Volume)
    if container and place != ask.array:
        raise Refusal("Volume groups in pods are not simulated.", name)
    return ask.world.live(VolumeGroup, ask.array, container) if container else None


def _new_size(ask: Ask, name: str) -> int:
    if "provisioned" not in ask.body:
        raise Refusal("Give the size of the volume (provisioned), or a source.", name)
    return check_size(ask.body["provisioned"])


def check_size(size: int) -> int:
    if size % 512 or not SMALLEST <= size <= LARGEST:
        raise Refusal(
            f"Volume size must be a multiple of 512 bytes between {SMALLEST} and {LARGEST}.",
            str(size),
        )
    return size


# -- changing -------------------------------------------------------------------------------------


def _change(ask: Ask, volume: Volume) -> None:
    body = ask.body
    if "destroyed" in body:
        lifecycle.set_destroyed(ask.world, volume, body["destroyed"])
    elif volume.destroyed:
        raise Refusal("Volume has been destroyed.", volume.name)
    if "provisioned" in body:
        _resize(ask, volume, body["provisioned"])
    if "qos" in body:
        volume.qos = volume.qos | body["qos"]
    if "requested_promotion_state" in body:
        volume.promotion = _promotion(body["requested_promotion_state"])
    if "volume_group" in body:
        moving.into_volume_group(ask, volume, body["volume_group"].get("name", ""))
    if "pod" in body:
        moving.into_pod(ask, volume, body["pod"].get("name", ""))
    if "name" in body:
        moving.rename(ask, volume, body["name"])


def _resize(ask: Ask, volume: Volume, size: int) -> None:
    if check_size(size) < volume.provisioned and not ask.flag("truncate"):
        raise Refusal("Volume can only be made smaller with truncate=true.", volume.name)
    volume.provisioned = size


def _promotion(state: str) -> str:
    if state not in ("promoted", "demoted"):
        raise Refusal("requested_promotion_state must be promoted or demoted.", state)
    return state
