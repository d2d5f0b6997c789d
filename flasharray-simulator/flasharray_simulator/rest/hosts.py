# SPDX-License-Identifier: Apache-2.0
"""/hosts and /connections."""

from typing import Any

from sqlalchemy import select

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.tables import Connection, Host, Volume
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.items import NOTHING
from flasharray_simulator.rest.listing import Item, among, answer, named, reply
from flasharray_simulator.world import KINDS, check_name, new_id

INITIATORS = ("iqns", "nqns", "wwns")
CHAP = {"host_user": str, "host_password": str, "target_user": str, "target_password": str}
NEW = {**{kind: [str] for kind in INITIATORS}, "personality": str, "chap": CHAP}
CHANGE = NEW | {
    "name": str,
    **{f"{verb}_{kind}": [str] for verb in ("add", "remove") for kind in INITIATORS},
}
NEW_CONNECTION = {"lun": int}
# iSCSI's first; Cinder takes 0 for a failure, as arrays begin at 1.
FIRST_LUN, LAST_LUN = 1, 4095


def get(ask: Ask) -> dict[str, Any]:
    """Answer also with the hosts of arrays that share pods, which only those can change."""
    items = [_item(host) for host in ask.world.all(Host, ask.array)]
    for link in ask.world.sync_links(ask.array):
        peer = link.peer_of(ask.array)
        items += [_remote(_item(host), peer) for host in ask.world.all(Host, peer)]
    return answer(ask, among(ask, items, KINDS[Host]))


def create(ask: Ask) -> dict[str, Any]:
    made = []
    for name in ask.required("names"):
        check_name(name, Host)
        ask.world.must_be_free(Host, ask.array, name)
        host = Host(
            id=new_id(),
            place=ask.array,
            name=name,
            created=ask.world.now,
            **{kind: [] for kind in INITIATORS},
            chap={},
        )
        _change(ask, host)
        ask.world.session.add(host)
        made.append(host)
    ask.world.session.flush()
    return reply([_item(host) for host in made])


def change(ask: Ask) -> dict[str, Any]:
    changed = named(ask, Host)
    for host in changed:
        if "name" in ask.body:
            check_name(ask.body["name"], Host)
            ask.world.must_be_free(Host, ask.array, ask.body["name"])
            host.name = ask.body["name"]
        _change(ask, host)
    return reply([_item(host) for host in changed])


def delete(ask: Ask) -> None:
    for host in named(ask, Host):
        if host.connections:
            raise Refusal("Host cannot be deleted due to existing connections.", host.name)
        ask.world.session.delete(host)


def _change(ask: Ask, host: Host) -> None:
    body = ask.body
    for kind in INITIATORS:
        wanted = body.get(kind, getattr(host, kind))
        wanted = [each for each in wanted if each not in body.get(f"remove_{kind}", [])]
        wanted += [each for each in body.get(f"add_{kind}", []) if each not in wanted]
        _must_be_unused(ask, host, kind, wanted)
        setattr(host, kind, wanted)
    host.personality = body.get("personality", host.personality)
    host.chap = {**host.chap, **body.get("chap", {})}


def _must_be_unused(ask: Ask, host: Host, kind: str, initiators: list[str]) -> None:
    for other in ask.world.all(Host, ask.array):
        taken = {each.lower() for each in getattr(other, kind)}
        for initiator in initiators:
            if other.id != host.id and initiator.lower() in taken:
                raise Refusal(f"Initiator is already in use by host {other.name}.", initiator)


def _item(host: Host) -> Item:
    return {
        "name": host.name,
        **{kind: getattr(host, kind) for kind in INITIATORS},
        "is_local": True,
        "personality": host.personality,
        "chap": {field: "****" if "password" in field else v for field, v in host.chap.items()},
        "connection_count": len(host.connections),
        "host_group": {"name": None},
        "port_connectivity": {"details": "Redundant", "status": "healthy"},
        "preferred_arrays": [],
        "destroyed": False,
    }


def _remote(item: Item, array: str) -> Item:
    return item | {"name": f"{array}:{item['name']}", "is_local": False}


# -- connections ----------------------------------------------------------------------------------


def get_connections(ask: Ask) -> dict[str, Any]:
    volumes = [ask.world.find(Volume, ask.array, name).id for name in ask.values("volume_names")]
    hosts = [ask.world.find(Host, ask.array, name).id for name in ask.values("host_names")]
    rows = ask.world.session.scalars(
        select(Connection).join(Host).where(Host.place == ask.array).order_by(Host.name)
    )
    return answer(
        ask,
        [
            _connection_item(row)
            for row in rows
            if (not volumes or row.volume_id in volumes) and (not hosts or row.host_id in hosts)
        ],
    )


def connect(ask: Ask) -> dict[str, Any]:
    host = ask.world.find(Host, ask.array, ask.one("host_names"))
    volume = ask.world.live(Volume, ask.array, ask.one("volume_names"))
    if any(connection.host is host for connection in volume.connections):
        raise Refusal("Connection already exists.", volume.name)
    connection = Connection(host=host, volume=volume, lun=_lun(host, ask.body.get("lun")))
    ask.world.session.add(connection)
    ask.world.session.flush()
    return reply([_connection_item(connection)])


def disconnect(ask: Ask) -> None:
    host = ask.world.find(Host, ask.array, ask.one("host_names"))
    for name in ask.required("volume_names"):
        volume = ask.world.find(Volume, ask.array, name)
        connection = ask.world.session.get(Connection, (host.id, volume.id))
        if not connection:
            raise Refusal("Connection does not exist.", name)
        ask.world.session.delete(connection)


def _lun(host: Host, wanted: int | None) -> int:
    taken = {connection.lun for connection in host.connections}
    if wanted is None:
        return next(lun for lun in range(FIRST_LUN, LAST_LUN + 1) if lun not in taken)
    if wanted in taken:
        raise Refusal("LUN is already in use.", str(wanted))
    if not FIRST_LUN <= wanted <= LAST_LUN:
        raise Refusal(f"LUN must be between {FIRST_LUN} and {LAST_LUN}.", str(wanted))
    return wanted


def _connection_item(connection: Connection) -> Item:
    return {
        "host": {"name": connection.host.name},
        "host_group": {"name": None},
        "volume": connection.volume.reference,
        "lun": connection.lun,
        "nsid": connection.lun,
        "protocol_endpoint": NOTHING,
    }
