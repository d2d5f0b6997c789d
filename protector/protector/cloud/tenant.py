# SPDX-License-Identifier: Apache-2.0
"""The cloud as a tenant sees it: everything that is made is made here."""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from openstack.connection import Connection

from protector.cloud import allowance
from protector.cloud.asking import asking
from protector.cloud.base import (
    Inventory,
    Named,
    Network,
    NetworkRequest,
    Outcome,
    Quotas,
    Server,
    ServerRequest,
    Subnet,
    TargetFlavor,
    TenantCloud,
    VolumeRequest,
)
from protector.cloud.groups import VolumeGroups
from protector.cloud.networks import IsolatedNetworks
from protector.cloud.retyping import Retyping
from protector.cloud.servers import Servers
from protector.cloud.volumes import Volumes
from protector.cloud.waiting import Limits


class OpenStackTenantCloud(TenantCloud):
    """:param project_id: the one that is meant, when the connection sees more of them."""

    def __init__(
        self,
        site: str,
        connection: Connection,
        service: Connection,
        executor: concurrent.futures.Executor,
        limits: Limits,
        *,
        project_id: str | None = None,
    ) -> None:
        self.site = site
        self._connection = connection
        self._executor = executor
        interval = limits.poll_interval
        self._groups = VolumeGroups(site, connection, limits.volume_timeout, interval)
        self._volumes = Volumes(
            site,
            connection,
            service,
            executor,
            limits,
            project_id=project_id,
        )
        self._retyping = Retyping(
            site, connection, limits.volume_timeout, interval, project_id=project_id
        )
        self._servers = Servers(
            site, connection, executor, limits.server_timeout, interval, project_id=project_id
        )
        self._networks = IsolatedNetworks(site, connection, project_id)

    def create_volume_group(self, *, key: str, group_type_id: str, volume_type_id: str) -> str:
        return self._groups.create(key, group_type_id, volume_type_id)

    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        self._groups.change(group_id, add=set(add), remove=set(remove))

    def delete_volume_group(self, *, key: str) -> None:
        self._groups.delete(key)

    def inventory(self) -> Inventory:
        with asking(self.site, "Neutron", "list networks, subnets and security groups"):
            network = self._connection.network
            networks, subnets, security_groups = self._all(
                network.networks, network.subnets, network.security_groups
            )
        with asking(self.site, "Nova", "list flavors, server groups, keypairs and zones"):
            compute = self._connection.compute
            flavors, server_groups, keypairs, zones = self._all(
                compute.flavors,
                compute.server_groups,
                compute.keypairs,
                compute.availability_zones,
            )
        return Inventory(
            networks=[
                Network(one.id, one.name, [Subnet(s.id, s.cidr) for s in subnets if on(s, one)])
                for one in networks
            ],
            flavors=[TargetFlavor(one.id, one.name, one.vcpus, one.ram) for one in flavors],
            security_groups=[Named(group.id, group.name) for group in security_groups],
            server_groups=[Named(group.id, group.name) for group in server_groups],
            keypairs=[keypair.name for keypair in keypairs],
            availability_zones=[zone.name for zone in zones if zone.state.get("available")],
        )

    def quotas(self) -> Quotas:
        return allowance.quotas(self._connection, self._executor, self.site)

    def must_manage_volumes(self, volume_type_id: str) -> None:
        allowance.must_manage_volumes(self._connection, self.site, volume_type_id)

    def manage_volumes(
        self,
        requests: Sequence[VolumeRequest],
        *,
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
        managed: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
    ) -> list[Outcome]:
        return self._volumes.manage(requests, pool, volume_type_id, reclaim, managed)

    def unmanage_volumes(self, keys: Sequence[str]) -> list[Outcome]:
        return self._volumes.unmanage(keys)

    def remove_volumes(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        return self._volumes.remove(volumes)

    def retype_volumes(self, volume_ids: Sequence[str], *, volume_type_id: str) -> list[Outcome]:
        return self._retyping.retype(volume_ids, volume_type_id)

    def make_isolated_network(self, request: NetworkRequest) -> Network:
        return self._networks.make(request)

    def remove_isolated_network(self, key: str) -> None:
        self._networks.remove(key)

    def recreate_server(self, request: ServerRequest) -> Server:
        return self._servers.recreate(request)

    def addresses(self, server_id: str) -> list[str]:
        with asking(self.site, "Neutron", "list a server's ports"):
            ports = self._connection.network.ports(device_id=server_id)
            return [fixed["ip_address"] for port in ports for fixed in port.fixed_ips]

    def remove_server(self, key: str, *, keep_ports: bool = False) -> None:
        self._servers.remove(key, keep_ports=keep_ports)

    # -- inside -------------------------------------------------------------------------------

    def _all(self, *lists: Callable[[], Iterable[Any]]) -> Iterator[list[Any]]:
        """Read the lists side by side."""
        return self._executor.map(lambda read: list(read()), lists)


def on(subnet: Any, network: Any) -> bool:
    return bool(subnet.network_id == network.id)
