# SPDX-License-Identifier: Apache-2.0
"""Many alike VMs on site-a, and their protection groups: made as fast as the site allows."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from openstack.connection import Connection

from protectorclient.v1.protection_group import ProtectionGroup
from testbed import shortcut
from testbed.errors import BrokenTestbed
from testbed.progress import wait_for
from testbed.testbed import Testbed

HERE, THERE = "site-a", "site-b"
# Network and flavor of HERE -> of THERE. The fake hypervisor has room for hundreds of the flavor.
NETWORK, FLAVOR = ("web", "dr-web"), "m1.small"
SECURITY_GROUP, KEYPAIR = "web-sg", "alice-key"
VOLUME_TYPE = "replicated"
VOLUMES = 2
# GiB.
SIZE = 1
# Requests side by side: more of them wait for the same two cores.
WIDTH = 8
# Seconds that the last of many may take, and between two looks.
PATIENCE, PAUSE = 900, 1.0


@dataclasses.dataclass(frozen=True)
class Vm:
    """A server that runs on HERE. ``volumes``: ids, the root's first."""

    name: str
    server_id: str
    address: str
    mac_address: str
    volumes: tuple[str, ...]

    @property
    def array_volumes(self) -> list[str]:
        """Return what Cinder's driver calls its volumes on the array."""
        return [f"volume-{id}-cinder" for id in self.volumes]


def boot(cloud: Connection, names: Sequence[str], network: str | None = NETWORK[0]) -> list[Vm]:
    """Boot servers from replicated volumes; return them when all are ACTIVE.

    :param network: of their only port, if they are to have one.
    """
    with concurrent.futures.ThreadPoolExecutor(WIDTH) as pool:
        volumes = list(pool.map(lambda name: _volumes(cloud, name), names))
        ports = list(pool.map(_ports(cloud, network), names))
        _await(cloud.block_storage.volumes, [id for ids in volumes for id in ids], "available")
        bootable = cloud.block_storage.set_volume_bootable_status
        list(pool.map(lambda ids: bootable(ids[0], True), volumes))
        # When the first two attachments of all come at once, Cinder's driver may find the array's
        # host neither there nor to be made.
        flavor = cloud.compute.find_flavor(FLAVOR, ignore_missing=False).id
        begin = [(cloud, flavor, *one) for one in zip(names, volumes, ports, strict=True)]
        servers = [_server(*begin[0])]
        _await(cloud.compute.servers, servers, "ACTIVE")
        servers += pool.map(lambda one: _server(*one), begin[1:])
        _await(cloud.compute.servers, servers, "ACTIVE")
    return [
        Vm(
            name,
            server,
            port.fixed_ips[0]["ip_address"] if port else "",
            port.mac_address if port else "",
            tuple(ids),
        )
        for name, server, ids, port in zip(names, servers, volumes, ports, strict=True)
    ]


def make_group(testbed: Testbed, name: str) -> ProtectionGroup:
    return shortcut.protector(testbed.cloud(HERE)).create_protection_group(
        name=name, primary_site=HERE, secondary_site=THERE, rpo_minutes=15
    )


def protect(testbed: Testbed, group: ProtectionGroup, vms: Iterable[Vm]) -> None:
    """Add them one edit each, as there is no other way."""
    here = shortcut.protector(testbed.cloud(HERE))
    for vm in vms:
        here.add_member(group, vm.server_id)


def replicate(testbed: Testbed) -> list[str]:
    """Take a snapshot of every group; return their names on THERE when they are complete."""
    groups = [
        f"consisgroup-{group.id}-cinder" for group in testbed.cloud(HERE).block_storage.groups()
    ]
    taken = [
        f"flasharray-a:{group}.{testbed.control.replicate('flasharray-a', group)}"
        for group in groups
    ]
    for snapshot in taken:
        testbed.control.wait_replicated("flasharray-b", snapshot, timeout=PATIENCE)
    return taken


def settle_there(testbed: Testbed) -> None:
    """Let another tenant's VM run on THERE already, so that its array knows the hypervisor."""
    boot(testbed.cloud(f"{THERE}-rival"), ["resident"], network=None)


# -- inside ---------------------------------------------------------------------------------------


def _volumes(cloud: Connection, name: str) -> list[str]:
    return [
        cloud.block_storage.create_volume(
            name=f"{name}-{number}", size=SIZE, volume_type=VOLUME_TYPE
        ).id
        for number in range(VOLUMES)
    ]


def _ports(cloud: Connection, network: str | None) -> Callable[[str], Any]:
    """Return what makes a server's port."""
    if network is None:
        return lambda name: None
    network_id = cloud.network.find_network(network, ignore_missing=False).id
    group = cloud.network.find_security_group(SECURITY_GROUP, ignore_missing=False).id
    return lambda name: cloud.network.create_port(
        name=name, network_id=network_id, security_groups=[group]
    )


def _server(cloud: Connection, flavor: str, name: str, volumes: Sequence[str], port: Any) -> str:
    created = cloud.compute.create_server(
        name=name,
        flavor_id=flavor,
        networks=[{"port": port.id}] if port else "none",
        metadata={"role": "web"},
        block_device_mapping=[
            {
                "boot_index": number if number == 0 else -1,
                "uuid": volume,
                "source_type": "volume",
                "destination_type": "volume",
                "delete_on_termination": False,
            }
            for number, volume in enumerate(volumes)
        ],
        # The other tenant has no keypair.
        **({"key_name": KEYPAIR} if port else {}),
    )
    return str(created.id)


def _await(listed: Callable[[], Iterable[Any]], ids: Sequence[str], status: str) -> None:
    """:raises BrokenTestbed: one of them comes to nothing, or does not come on."""

    def all_are() -> bool:
        found: Mapping[str, str] = {one.id: one.status for one in listed()}
        if lost := [id for id in ids if found.get(id, "gone").lower() in ("error", "gone")]:
            raise BrokenTestbed(f"{', '.join(lost)} did not become {status}")
        return all(found[id] == status for id in ids)

    wait_for(all_are, seconds=PATIENCE, otherwise=f"not all are {status}", pause=PAUSE)
