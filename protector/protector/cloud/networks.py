# SPDX-License-Identifier: Apache-2.0
"""Isolated networks for tests, by key: a network bears its key in its description."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import NOT_FOUND, asking
from protector.cloud.base import Network, NetworkRequest, Subnet

MARK = "Made by Protector for a test: "
# Neutron's own ports, which go with their network.
OWN = ("network:dhcp", "network:distributed")
ROUTER = "network:router_interface"


class IsolatedNetworks:
    """:param project_id: the one that is meant, when the connection sees more of them."""

    def __init__(self, site: str, connection: Connection, project_id: str | None) -> None:
        self._site = site
        self._connection = connection
        self._whose = {"project_id": project_id} if project_id else {}

    def make(self, request: NetworkRequest) -> Network:
        with asking(self._site, "Neutron", f"make network {request.name}"):
            found = next(iter(self._all_of(request.key)), None) or self._neutron.create_network(
                name=request.name, description=MARK + request.key
            )
            there = {one.cidr: one.id for one in self._neutron.subnets(network_id=found.id)}
            for cidr, taken in request.subnets.items():
                if cidr not in there:
                    there[cidr] = self._add(found.id, request.name, cidr, taken)
        subnets = [Subnet(there[cidr], cidr) for cidr in request.subnets]
        return Network(found.id, found.name, subnets)

    def remove(self, key: str) -> None:
        with asking(self._site, "Neutron", "list networks"):
            networks = self._all_of(key)
        for network in networks:
            self._remove(network)

    # -- inside -------------------------------------------------------------------------------

    @property
    def _neutron(self) -> Any:
        """It is signed in to at once, so only where a refusal is told in our words."""
        return self._connection.network

    def _all_of(self, key: str) -> list[Any]:
        """Return the networks under the key, the one that counts first."""
        found = self._neutron.networks(description=MARK + key, **self._whose)
        return sorted(found, key=lambda network: (network.created_at, network.id))

    def _add(self, network_id: str, name: str, cidr: str, taken: Iterable[str]) -> str:
        subnet = self._neutron.create_subnet(
            network_id=network_id,
            name=name,
            ip_version=ipaddress.ip_network(cidr).version,
            cidr=cidr,
            gateway_ip=None,
            allocation_pools=[{"start": a, "end": b} for a, b in pools(cidr, taken)],
        )
        return str(subnet.id)

    def _remove(self, network: Any) -> None:
        named = f"network {network.name} ({network.id})"
        with asking(self._site, "Neutron", f"delete {named}"):
            try:
                self._neutron.delete_network(network.id)
            except NOT_FOUND:
                return
            except openstack.exceptions.ConflictException:
                on_it = [*self._neutron.ports(network_id=network.id)]
                users = [_user(p) for p in on_it if not (p.device_owner or "").startswith(OWN)]
                if not users:
                    raise
                raise errors.CloudError(
                    service="Neutron",
                    site=self._site,
                    reason=f"{named} is in use, by what no test has made: {'; '.join(users)}",
                ) from None


def pools(cidr: str, taken: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the first and last of each run of the subnet's addresses that nobody asks for."""
    network = ipaddress.ip_network(cidr)
    usable = network.num_addresses > 2
    first, last = int(network.network_address) + usable, int(network.broadcast_address) - usable
    for address in sorted({int(ipaddress.ip_address(one)) for one in taken}):
        if first < address <= last:
            yield _written(network, first), _written(network, address - 1)
        if address >= first:
            first = address + 1
    if first <= last:
        yield _written(network, first), _written(network, last)


def _written(network: ipaddress.IPv4Network | ipaddress.IPv6Network, number: int) -> str:
    return str(network[number - int(network.network_address)])


def _user(port: Any) -> str:
    """Say which port is on a network, and how it is taken off."""
    if port.device_owner == ROUTER:
        return (
            f"router {port.device_id}. Take it off: openstack router remove port"
            f" {port.device_id} {port.id}"
        )
    whose = f" of server {port.device_id}" if port.device_id else ""
    return f"port {port.id}{whose}. Remove it: openstack port delete {port.id}"
