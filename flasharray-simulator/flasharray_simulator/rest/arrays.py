# SPDX-License-Identifier: Apache-2.0
"""What the array is: itself, its hardware, its connections to other arrays."""

from typing import Any

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model import content
from flasharray_simulator.model.pods import Pod
from flasharray_simulator.model.tables import Link, Volume, VolumeSnapshot
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.rest.items import space
from flasharray_simulator.rest.listing import Item, among, answer, reply

OS, VERSION = "Purity//FA", "6.7.2"
CAPACITY = 100 * 1024**4
PERFORMANCE = [
    "bytes_per_mirrored_write",
    "bytes_per_op",
    "bytes_per_read",
    "bytes_per_write",
    "local_queue_usec_per_op",
    "mirrored_write_bytes_per_sec",
    "mirrored_writes_per_sec",
    "others_per_sec",
    "qos_rate_limit_usec_per_mirrored_write_op",
    "qos_rate_limit_usec_per_read_op",
    "qos_rate_limit_usec_per_write_op",
    "queue_depth",
    "queue_usec_per_mirrored_write_op",
    "queue_usec_per_read_op",
    "queue_usec_per_write_op",
    "read_bytes_per_sec",
    "reads_per_sec",
    "san_usec_per_mirrored_write_op",
    "san_usec_per_read_op",
    "san_usec_per_write_op",
    "service_usec_per_mirrored_write_op",
    "service_usec_per_read_op",
    "service_usec_per_read_op_cache_reduction",
    "service_usec_per_write_op",
    "usec_per_mirrored_write_op",
    "usec_per_other_op",
    "usec_per_read_op",
    "usec_per_write_op",
    "write_bytes_per_sec",
    "writes_per_sec",
]
CHANGE_PROTECTIONS = {"default_protections": [{"name": str, "type": str}]}


def get(ask: Ask) -> dict[str, Any]:
    return answer(
        ask,
        [
            _self(ask)
            | {
                "os": OS,
                "version": VERSION,
                "as_of": ask.world.now,
                "capacity": CAPACITY,
                "parity": 1.0,
                "space": _space(ask),
                "banner": "",
                "console_lock_enabled": False,
                "idle_timeout": 1_800_000,
                "ntp_servers": [],
                "scsi_timeout": 60_000,
                "time_zone": "UTC",
            }
        ],
    )


def get_space(ask: Ask) -> dict[str, Any]:
    now = {"capacity": CAPACITY, "parity": 1.0, "space": _space(ask), "time": ask.world.now}
    return answer(ask, [_self(ask) | now])


def get_performance(ask: Ask) -> dict[str, Any]:
    """Return one figure of each kind, all nought: nobody reads or writes."""
    figures = dict.fromkeys(PERFORMANCE, 0)
    return answer(ask, [_self(ask) | figures | {"time": ask.world.now}])


def _self(ask: Ask) -> Item:
    array = ask.world.array(ask.array)
    return {"id": array.id, "name": array.name}


def _space(ask: Ask) -> Item:
    volumes = ask.world.all(Volume, ask.array)
    snapshots = ask.world.all(VolumeSnapshot, ask.array)
    used = sum(content.size(volume.content) for volume in volumes)
    frozen = sum(content.size(snapshot.content) for snapshot in snapshots)
    return space(used, sum(volume.provisioned for volume in volumes), frozen) | {
        "total_physical": used + frozen,
        "total_used": used + frozen,
        "replication": 0,
        "footprint": 0,
    }


# -- other arrays ---------------------------------------------------------------------------------


def get_connections(ask: Ask) -> dict[str, Any]:
    wanted = {name.lower() for name in ask.values("names")}
    rows = [_connection(ask, link) for link in ask.world.links(ask.array)]
    for name in wanted - {row["name"].lower() for row in rows}:
        raise Refusal("Array connection does not exist.", name)
    return answer(ask, [row for row in rows if not wanted or row["name"].lower() in wanted])


def _connection(ask: Ask, link: Link) -> Item:
    here_is_first = link.first == ask.array
    peer = link.peer_of(ask.array)
    address = next(a.address for a in ask.world.settings.arrays if a.name == peer)
    return {
        "id": link.first_id if here_is_first else link.second_id,
        "name": peer,
        "status": "connected" if ask.world.carries(link) else "connecting",
        "type": "sync-replication" if link.synchronous else "async-replication",
        "management_address": address,
        "replication_addresses": [address],
        "replication_transport": "ip",
        "version": VERSION,
        "encryption": "unencrypted",
        "throttle": {},
    }


# -- hardware -------------------------------------------------------------------------------------

CONTROLLERS = ("CT0", "CT1")


def get_controllers(ask: Ask) -> dict[str, Any]:
    return answer(
        ask,
        [
            {
                "name": name,
                "mode": "primary" if name == CONTROLLERS[0] else "secondary",
                "mode_since": 0,
                "model": "FA-X20R4",
                "status": "ready",
                "type": "array_controller",
                "version": VERSION,
            }
            for name in CONTROLLERS
        ],
    )


def get_ports(ask: Ask) -> dict[str, Any]:
    """Return an iSCSI port of each controller."""
    array = ask.world.array(ask.array)
    iqn = f"iqn.2010-06.com.purestorage:flasharray.{array.serial_prefix.lower()}"
    rows = [
        {
            "name": f"{controller}.ETH4",
            "iqn": iqn,
            "nqn": None,
            "wwn": None,
            "portal": f"{_address(ask)}:3260",
            "failover": None,
        }
        for controller in CONTROLLERS
    ]
    return answer(ask, among(ask, rows, "Port"))


def get_network_interfaces(ask: Ask) -> dict[str, Any]:
    rows = [
        {
            "name": f"{controller.lower()}.eth4",
            "enabled": True,
            "interface_type": "eth",
            "services": ["iscsi", "replication"],
            "speed": 25_000_000_000,
            "eth": {
                "address": _address(ask),
                "netmask": "255.0.0.0",
                "gateway": None,
                "mac_address": f"24:a9:37:00:00:0{number}",
                "mtu": 9000,
                "subtype": "physical",
                "subinterfaces": [],
                "subnet": {"name": None},
                "vlan": None,
            },
        }
        for number, controller in enumerate(CONTROLLERS)
    ]
    return answer(ask, among(ask, rows, "Network interface"))


def _address(ask: Ask) -> str:
    return next(a.address for a in ask.world.settings.arrays if a.name == ask.array)


# -- containers -----------------------------------------------------------------------------------


def get_default_protections(ask: Ask) -> dict[str, Any]:
    return answer(ask, _protections(ask))


def change_default_protections(ask: Ask) -> dict[str, Any]:
    if ask.body.get("default_protections"):
        raise Refusal("Default protections are not simulated; only an empty list is taken.")
    return reply(_protections(ask))


def _protections(ask: Ask) -> list[Item]:
    pods = [pod.reference for pod in ask.world.all(Pod, ask.array) if not pod.destroyed]
    rows = [_self(ask) | {"type": "array"}, *(pod | {"type": "pod"} for pod in pods)]
    return among(ask, [row | {"default_protections": []} for row in rows], "Container")
