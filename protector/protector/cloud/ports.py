# SPDX-License-Identifier: Apache-2.0
"""Ports for a server that is made again: with the old addresses where the network has room."""

import concurrent.futures
from collections.abc import Mapping, Sequence
from typing import Any

import openstack.exceptions
import requests
from openstack.connection import Connection

from protector.cloud.asking import asking, status
from protector.cloud.base import PortRequest
from protector.cloud.waiting import Listing

MARK = "Recovered by Protector: "

# What Neutron refuses, by the type of its error: what to give up then.
MAC, ADDRESSES = "mac_address", "fixed_ips"
GIVE_UP = {
    "MacAddressInUse": MAC,
    "IpAddressAlreadyAllocated": ADDRESSES,
    "IpAddressInUse": ADDRESSES,
    "InvalidIpForNetwork": ADDRESSES,
    "InvalidIpForSubnet": ADDRESSES,
}


class Ports:
    def __init__(
        self,
        site: str,
        connection: Connection,
        executor: concurrent.futures.Executor,
        interval: float,
    ) -> None:
        self._site = site
        self._connection = connection
        self._executor = executor
        self._listing = Listing(self._list, interval)

    def make(self, key: str, requests: Sequence[PortRequest]) -> list[Any]:
        """Return a port for each request, made under the server's key or found there."""
        there = self._of(key) if requests else {}
        return list(
            self._executor.map(
                lambda request: there.get(request.key) or self._create(key, request), requests
            )
        )

    def remove(self, key: str) -> None:
        ports = list(self._of(key).values())
        with asking(self._site, "Neutron", "delete the server's ports"):
            list(self._executor.map(self._connection.network.delete_port, ports))

    # -- inside -------------------------------------------------------------------------------

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Neutron", "list ports"):
            return {port.id: port for port in self._connection.network.ports()}

    def _of(self, key: str) -> dict[str, Any]:
        mark = f"{MARK}{key} "
        return {
            port.description.removeprefix(mark): port
            for port in self._listing.fresh().values()
            if (port.description or "").startswith(mark)
        }

    def _create(self, key: str, request: PortRequest) -> Any:
        wanted = {
            "name": request.name,
            "description": f"{MARK}{key} {request.key}",
            "network_id": request.network_id,
            MAC: request.mac_address,
            "is_port_security_enabled": request.port_security,
            "security_groups": list(request.security_groups),
        }
        if request.fixed_addresses:
            wanted[ADDRESSES] = [
                {"subnet_id": subnet, "ip_address": address}
                for subnet, address in request.fixed_addresses
            ]
        with asking(self._site, "Neutron", f"create a port on network {request.network_id}"):
            return self._create_with_less(wanted)

    def _create_with_less(self, wanted: dict[str, Any]) -> Any:
        try:
            return self._connection.network.create_port(**wanted)
        except openstack.exceptions.HttpException as error:
            refused = _refused(error, wanted)
            if refused is None:
                raise
        return self._create_with_less({k: v for k, v in wanted.items() if k != refused})


def _refused(error: openstack.exceptions.HttpException, wanted: Mapping[str, Any]) -> str | None:
    """Return what of the wanted the network has no room for or does not let the tenant choose."""
    if status(error) == 403:
        said = str(error.details)
        candidates = [field for field in (MAC, ADDRESSES) if f"create_port:{field}" in said]
    elif status(error) in (400, 409) and error.response is not None:
        candidates = [GIVE_UP.get(_type(error.response), "")]
    else:
        candidates = []
    return next((field for field in candidates if field in wanted), None)


def _type(answer: requests.Response) -> str:
    """Return the type of Neutron's error; none when something else answered in its place."""
    try:
        return str(answer.json()["NeutronError"]["type"])
    except (ValueError, KeyError, TypeError):
        return ""


def given_up(port: Any, request: PortRequest) -> list[str]:
    """Return what the port has instead of what was asked for, in sentences."""
    notes = []
    if port.mac_address != request.mac_address:
        notes.append(
            f"port {request.name or port.id} has MAC address {port.mac_address}: the network did"
            f" not accept {request.mac_address}"
        )
    has = {fixed["ip_address"] for fixed in port.fixed_ips}
    lost = [address for _, address in request.fixed_addresses if address not in has]
    if lost:
        notes.append(
            f"port {request.name or port.id} has address {', '.join(sorted(has))}: the network did"
            f" not accept {', '.join(lost)}"
        )
    return notes
