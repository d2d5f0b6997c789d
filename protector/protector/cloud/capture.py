# SPDX-License-Identifier: Apache-2.0
"""Read everything about a server that is needed to make it again elsewhere."""

import concurrent.futures
import contextlib
import re
from collections.abc import Mapping
from typing import Any

import openstack.exceptions
from openstack.connection import Connection
from oslo_utils import uuidutils

from protector import errors
from protector.cloud.asking import NOT_FOUND, asking
from protector.cloud.base import KEY, STANDBY, ServerFacts, VolumeFacts
from protector.domain.document import FixedAddress, Flavor, Member, Nic, ServerGroup, Volume

# The last version in which Nova tells a server's flavor by its id, and one in which it tells all
# else that is wanted.
WITH_FLAVOR_ID = "2.46"
WITH_ALL_ELSE = "2.79"

# What Cinder's driver writes into a volume's metadata, and what Protector does: neither belongs
# to the tenant, and both would be wrong on the other site.
ARRAY, ARRAY_VOLUME = "array_name", "array_volume_name"
NOT_THE_TENANTS = {ARRAY, ARRAY_VOLUME, KEY, STANDBY}


def describe(
    connection: Connection,
    executor: concurrent.futures.Executor,
    site: str,
    project_id: str,
    server: str,
) -> ServerFacts:
    """Return the facts of a server of the project, given by id or name."""
    with asking(site, "Nova", f"show server {server}"):
        found = _find(connection, site, project_id, server)
    capture = _Capture(connection, site, found)
    nics, disks = executor.submit(capture.nics), executor.submit(capture.attachments)
    flavor, group = executor.submit(capture.flavor), executor.submit(capture.server_group)
    volumes = list(executor.map(capture.volume, disks.result()))
    attached = dict(zip([volume.id for volume in volumes], disks.result(), strict=True))
    types = capture.types()
    return ServerFacts(
        member=Member(
            server_id=found["id"],
            name=found["name"],
            description=found["description"],
            flavor=flavor.result(),
            nics=nics.result(),
            volumes=[capture.disk(volume, attached[volume.id]) for volume in volumes],
            key_name=found["key_name"],
            metadata=tenants(found["metadata"]),
            tags=sorted(found["tags"]),
            availability_zone=found["OS-EXT-AZ:availability_zone"] or None,
            server_group=group.result(),
            user_data=found.get("OS-EXT-SRV-ATTR:user_data"),
            config_drive=bool(found["config_drive"]),
        ),
        boots_from_image=bool(found["image"]),
        volumes=[facts(volume, types) for volume in volumes],
    )


def tenants(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata without what Cinder or Protector put there."""
    return {name: value for name, value in metadata.items() if name not in NOT_THE_TENANTS}


def facts(volume: Any, types: Mapping[str, str]) -> VolumeFacts:
    return VolumeFacts(
        id=volume.id,
        name=volume.name or "",
        type_id=types.get(volume.volume_type, ""),
        type_name=volume.volume_type or "",
        pool=volume.host or "",
        array=volume.metadata.get(ARRAY),
        multiattach=bool(volume.is_multiattach),
        encrypted=bool(volume.is_encrypted),
    )


def _find(connection: Connection, site: str, project_id: str, server: str) -> dict[str, Any]:
    if uuidutils.is_uuid_like(server):  # else it is no part of a URL
        with contextlib.suppress(*NOT_FOUND):
            found = _show(connection, server, WITH_ALL_ELSE)
            if found["tenant_id"] == project_id:
                return found
    named = [
        one.id
        for one in connection.compute.servers(
            details=False, all_projects=True, project_id=project_id, name=f"^{re.escape(server)}$"
        )
        if one.name == server  # Nova's database may take upper case for lower
    ]
    if not named:
        raise errors.ServerNotFound(server=server, site=site)
    if len(named) > 1:
        reason = (
            f"{len(named)} servers are named {server}: {', '.join(sorted(named))}. Give the id of"
            " the one you mean."
        )
        raise errors.InvalidRequest(reason=reason)
    return _show(connection, named[0], WITH_ALL_ELSE)


def _show(connection: Connection, server_id: str, microversion: str) -> dict[str, Any]:
    answer = connection.compute.get(f"/servers/{server_id}", microversion=microversion)
    openstack.exceptions.raise_from_response(answer)
    shown: dict[str, Any] = answer.json()["server"]
    return shown


class _Capture:
    """One server's surroundings; the methods may run side by side."""

    def __init__(self, connection: Connection, site: str, server: dict[str, Any]) -> None:
        self._connection = connection
        self._site = site
        self._server = server

    def flavor(self) -> Flavor:
        with asking(self._site, "Nova", "show the server's flavor"):
            by_id = _show(self._connection, self._server["id"], WITH_FLAVOR_ID)["flavor"]
        flavor = self._server["flavor"]
        return Flavor(
            id=by_id["id"],
            name=flavor["original_name"],
            vcpus=flavor["vcpus"],
            ram_mb=flavor["ram"],
            disk_gb=flavor["disk"],
        )

    def server_group(self) -> ServerGroup | None:
        if not self._server["server_groups"]:
            return None
        with asking(self._site, "Nova", "show the server's group"):
            group = self._connection.compute.get_server_group(self._server["server_groups"][0])
        return ServerGroup(name=group.name, policy=group.policy or (group.policies or [""])[0])

    def attachments(self) -> list[dict[str, Any]]:
        path = f"/servers/{self._server['id']}/os-volume_attachments"
        with asking(self._site, "Nova", "list the server's volumes"):
            answer = self._connection.compute.get(path, microversion=WITH_ALL_ELSE)
            openstack.exceptions.raise_from_response(answer)
        attachments: list[dict[str, Any]] = answer.json()["volumeAttachments"]
        return sorted(attachments, key=lambda attachment: attachment["device"] or "")

    def volume(self, attachment: dict[str, Any]) -> Any:
        with asking(self._site, "Cinder", f"show volume {attachment['volumeId']}"):
            return self._connection.block_storage.get_volume(attachment["volumeId"])

    def disk(self, volume: Any, attachment: dict[str, Any]) -> Volume:
        """Nova does not tell the boot index; the root device is the one it boots from."""
        root = self._server.get("OS-EXT-SRV-ATTR:root_device_name")
        return Volume(
            id=volume.id,
            name=volume.name or "",
            array_volume=volume.provider_id or f"volume-{volume.id}-cinder",
            size_gb=volume.size,
            volume_type=volume.volume_type or "",
            bootable=bool(volume.is_bootable),
            boot_index=0 if attachment["device"] == root else None,
            device=attachment["device"] or "",
            delete_on_termination=attachment["delete_on_termination"],
            metadata=tenants(volume.metadata),
        )

    def types(self) -> dict[str, str]:
        with asking(self._site, "Cinder", "list its volume types"):
            types = self._connection.block_storage.types(is_public=None)
            return {type.name: type.id for type in types}

    def nics(self) -> list[Nic]:
        with asking(self._site, "Neutron", "list the server's ports"):
            network = self._connection.network
            ports = list(network.ports(device_id=self._server["id"]))
            networks = {id: network.get_network(id) for id in {p.network_id for p in ports}}
            cidrs = {s.id: s.cidr for id in networks for s in network.subnets(network_id=id)}
            groups = {id for port in ports for id in port.security_group_ids}
            names = {id: network.get_security_group(id).name for id in groups}
        return [
            Nic(
                port_id=port.id,
                name=port.name or "",
                network_id=port.network_id,
                network_name=networks[port.network_id].name,
                mac_address=port.mac_address,
                fixed_addresses=[
                    FixedAddress(ip_address=fixed["ip_address"], cidr=cidrs[fixed["subnet_id"]])
                    for fixed in port.fixed_ips
                ],
                security_groups=sorted(names[id] for id in port.security_group_ids),
                port_security=bool(port.is_port_security_enabled),
            )
            for port in sorted(ports, key=self._place)
        ]

    def _place(self, port: Any) -> tuple[int, str]:
        """Nova lists addresses in the order in which the guest sees its NICs."""
        macs = [
            address["OS-EXT-IPS-MAC:mac_addr"]
            for addresses in self._server["addresses"].values()
            for address in addresses
        ]
        known = port.mac_address in macs
        return (macs.index(port.mac_address) if known else len(macs), port.id)
