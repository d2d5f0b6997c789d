# SPDX-License-Identifier: Apache-2.0
"""The cloud as a tenant sees it: everything that is made is made here."""

import concurrent.futures
import dataclasses
from collections.abc import Iterable, Sequence

from openstack.connection import Connection

from protector.cloud.asking import asking
from protector.cloud.base import (
    Inventory,
    Named,
    Network,
    Outcome,
    Server,
    ServerRequest,
    Subnet,
    TenantCloud,
    VolumeRequest,
)
from protector.cloud.groups import VolumeGroups
from protector.cloud.servers import Servers
from protector.cloud.volumes import Volumes


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds: how long a server and a volume may take, and between two looks at a list."""

    server_timeout: float
    volume_timeout: float
    poll_interval: float


class OpenStackTenantCloud(TenantCloud):
    def __init__(
        self,
        site: str,
        connection: Connection,
        executor: concurrent.futures.Executor,
        limits: Limits,
    ) -> None:
        self.site = site
        self._connection = connection
        self._executor = executor
        interval = limits.poll_interval
        self._groups = VolumeGroups(site, connection, limits.volume_timeout, interval)
        self._volumes = Volumes(site, connection, executor, limits.volume_timeout, interval)
        self._servers = Servers(site, connection, executor, limits.server_timeout, interval)

    def create_volume_group(self, *, key: str, group_type_id: str, volume_type_id: str) -> str:
        return self._groups.create(key, group_type_id, volume_type_id)

    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        self._groups.change(group_id, add=set(add), remove=set(remove))

    def delete_volume_group(self, *, key: str) -> None:
        self._groups.delete(key)

    def inventory(self) -> Inventory:
        network, compute = self._connection.network, self._connection.compute
        with asking(self.site, "Neutron", "list networks, subnets and security groups"):
            networks = self._executor.submit(lambda: list(network.networks()))
            subnets = self._executor.submit(lambda: list(network.subnets()))
            security_groups = self._executor.submit(lambda: list(network.security_groups()))
            found = [
                Network(
                    one.id,
                    one.name,
                    [Subnet(s.id, s.cidr) for s in subnets.result() if s.network_id == one.id],
                )
                for one in networks.result()
            ]
            groups = [Named(group.id, group.name) for group in security_groups.result()]
        with asking(self.site, "Nova", "list flavors, server groups, keypairs and zones"):
            flavors = self._executor.submit(lambda: list(compute.flavors(details=False)))
            server_groups = self._executor.submit(lambda: list(compute.server_groups()))
            keypairs = self._executor.submit(lambda: list(compute.keypairs()))
            zones = self._executor.submit(lambda: list(compute.availability_zones()))
            return Inventory(
                networks=found,
                flavors=[Named(flavor.id, flavor.name) for flavor in flavors.result()],
                security_groups=groups,
                server_groups=[Named(group.id, group.name) for group in server_groups.result()],
                keypairs=[keypair.name for keypair in keypairs.result()],
                availability_zones=[
                    zone.name for zone in zones.result() if zone.state.get("available")
                ],
            )

    def manage_volumes(
        self, requests: Sequence[VolumeRequest], *, pool: str, volume_type_id: str
    ) -> list[Outcome]:
        return self._volumes.manage(requests, pool, volume_type_id)

    def unmanage_volumes(self, keys: Sequence[str]) -> list[Outcome]:
        return self._volumes.unmanage(keys)

    def recreate_server(self, request: ServerRequest) -> Server:
        return self._servers.recreate(request)

    def remove_server(self, key: str) -> None:
        self._servers.remove(key)
