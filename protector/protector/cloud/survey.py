# SPDX-License-Identifier: Apache-2.0
"""See at a glance whether anything has changed of a project's servers.

What is looked at is what :mod:`protector.cloud.capture` tells of a server, by a listing of each
service. Of things with a name of their own (networks, security groups) only the ids are seen, and
of the server's ports those that are the project's.
"""

import concurrent.futures
import hashlib
import json
from typing import Any

from openstack.connection import Connection

from protector.cloud.asking import asking
from protector.cloud.base import Glance
from protector.cloud.capture import ARRAY, tenants


def look(
    connection: Connection, executor: concurrent.futures.Executor, site: str, project_id: str
) -> dict[str, Glance]:
    """Return server id -> what is seen of it."""
    project = _Project(connection, site, project_id)
    ports, volumes = executor.submit(project.ports), executor.submit(project.volumes)
    servers = project.servers()
    return {
        server.id: Glance(
            id=server.id,
            name=server.name,
            status=server.status,
            fingerprint=_fingerprint(server, ports.result(), volumes.result()),
        )
        for server in servers
    }


class _Project:
    def __init__(self, connection: Connection, site: str, project_id: str) -> None:
        self._connection = connection
        self._site = site
        self._id = project_id

    def servers(self) -> list[Any]:
        with asking(self._site, "Nova", "list the project's servers"):
            return list(self._connection.compute.servers(all_projects=True, project_id=self._id))

    def ports(self) -> dict[str, list[Any]]:
        """Return id of the server -> its ports."""
        with asking(self._site, "Neutron", "list the project's ports"):
            ports = list(self._connection.network.ports(project_id=self._id))
        by_device: dict[str, list[Any]] = {}
        for port in sorted(ports, key=lambda port: str(port.id)):
            by_device.setdefault(port.device_id, []).append(port)
        return by_device

    def volumes(self) -> dict[str, Any]:
        with asking(self._site, "Cinder", "list the project's volumes"):
            storage = self._connection.block_storage
            listed = storage.volumes(details=True, all_projects=True, project_id=self._id)
            return {volume.id: volume for volume in listed}


def _fingerprint(server: Any, ports: dict[str, list[Any]], volumes: dict[str, Any]) -> str:
    attached = sorted(server.attached_volumes, key=lambda attachment: str(attachment["id"]))
    seen = [
        _of_server(server),
        [_of_port(port) for port in ports.get(server.id, [])],
        [_of_volume(server, one, volumes.get(one["id"])) for one in attached],
    ]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def _of_server(server: Any) -> list[Any]:
    flavor = server.flavor
    return [
        server.name,
        server.description,
        [flavor.original_name, flavor.vcpus, flavor.ram, flavor.disk],
        server.key_name,
        tenants(server.metadata),
        sorted(server.tags),
        server.availability_zone,
        server.user_data,
        bool(server.has_config_drive),
        server.root_device_name,
        # The order of the NICs.
        [one["OS-EXT-IPS-MAC:mac_addr"] for net in server.addresses.values() for one in net],
    ]


def _of_port(port: Any) -> list[Any]:
    return [
        port.id,
        port.name,
        port.network_id,
        port.mac_address,
        [[fixed["subnet_id"], fixed["ip_address"]] for fixed in port.fixed_ips],
        sorted(port.security_group_ids),
        port.is_port_security_enabled,
    ]


def _of_volume(server: Any, attached: dict[str, Any], volume: Any) -> list[Any]:
    seen = [attached["id"], attached["delete_on_termination"]]
    if volume is None:  # another project's, or gone since Nova was asked
        return seen
    devices = [one["device"] for one in volume.attachments if one["server_id"] == server.id]
    return [
        *seen,
        devices,
        volume.name,
        volume.size,
        volume.volume_type,
        volume.host,
        volume.provider_id,
        volume.metadata.get(ARRAY),
        tenants(volume.metadata),
        [volume.is_bootable, volume.is_multiattach, volume.is_encrypted],
    ]
