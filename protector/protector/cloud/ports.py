# SPDX-License-Identifier: Apache-2.0
"""Ports for a server that is made again: with the old addresses where the network has room."""

import concurrent.futures
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import openstack.exceptions
import requests
from openstack.connection import Connection

from protector import errors
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
        *,
        project_id: str | None = None,
    ) -> None:
        self._site = site
        self._connection = connection
        self._executor = executor
        self._whose = {"project_id": project_id} if project_id else {}
        self._listing = Listing(self._list, interval)

    def has_any(self, key: str, *, since: float) -> bool:
        """Tell whether, at some moment after ``since``, any were there under the server's key."""
        return bool(self._all_of(key, since=since))

    def make(self, key: str, requests: Sequence[PortRequest]) -> list[Any]:
        """Return a port for each request; there is none yet under the server's key."""
        return list(self._executor.map(lambda request: self._made(key, request), requests))

    def make_or_find(self, key: str, requests: Sequence[PortRequest], *, in_use: bool) -> list[Any]:
        """Return a port for each request, made under the server's key or found there.

        :param in_use: the server has them already, so that they stay as they are.
        """
        there = self._of(key) if requests else {}

        def one(request: PortRequest) -> Any:
            found = there.get(request.key)
            if found is None:
                return self._made(key, request)
            return found if in_use else self._as_asked(key, request, found)

        return list(self._executor.map(one, requests))

    def settled(self, key: str, requests: Sequence[PortRequest], server_id: str) -> dict[str, Any]:
        """Return the server's ports by the keys of their requests, and remove their doubles."""
        ports: dict[str, Any] = {}
        for port in self._made_for(key, requests):
            request = port.description.removeprefix(_mark(key))
            chosen = ports.setdefault(request, port)
            if chosen is port:
                continue
            if port.device_id == server_id != chosen.device_id:
                ports[request], port = port, chosen
            self._delete(port)
        return ports

    def remove(self, key: str) -> None:
        list(self._executor.map(self._delete, self._all_of(key)))

    # -- inside -------------------------------------------------------------------------------

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Neutron", "list ports"):
            return {port.id: port for port in self._connection.network.ports(**self._whose)}

    def _all_of(self, key: str, *, since: float | None = None) -> list[Any]:
        """Return the ports under the key, the one that counts among several first."""
        listed = self._listing.fresh(since=since).values()
        return _in_order(port for port in listed if (port.description or "").startswith(_mark(key)))

    def _made_for(self, key: str, requests: Sequence[PortRequest]) -> list[Any]:
        """Return those that were made under the key for these, as :meth:`_all_of`."""
        descriptions = [_mark(key) + request.key for request in requests]
        with asking(self._site, "Neutron", "list a server's ports"):
            listed = self._connection.network.ports(description=descriptions, **self._whose)
            return _in_order(port for port in listed if port.description in descriptions)

    def _of(self, key: str) -> dict[str, Any]:
        return {port.description.removeprefix(_mark(key)): port for port in self._all_of(key)[::-1]}

    def _made(self, key: str, request: PortRequest) -> Any:
        return self._reused(key, request) or self._create(key, request)

    def _reused(self, key: str, request: PortRequest) -> Any:
        """Return the port that is to be reused, as one that was made for the key; None: it is not
        to be had.
        """
        there = self._listing.known().get(request.reuse) if request.reuse else None
        if there is None or there.device_id:
            return None
        with asking(self._site, "Neutron", f"take port {there.id}"):
            return self._connection.network.update_port(
                there.id, description=_mark(key) + request.key
            )

    def _create(self, key: str, request: PortRequest) -> Any:
        wanted = {
            "name": request.name,
            "description": _mark(key) + request.key,
            "network_id": request.network_id,
            "is_port_security_enabled": request.port_security,
            "security_groups": list(request.security_groups),
        }
        if request.mac_address:
            wanted[MAC] = request.mac_address
        if request.fixed_addresses:
            wanted[ADDRESSES] = _fixed(request)
        with asking(self._site, "Neutron", f"create a port on network {request.network_id}"):
            return self._create_with_less(key, request, wanted)

    def _create_with_less(self, key: str, request: PortRequest, wanted: dict[str, Any]) -> Any:
        try:
            return self._connection.network.create_port(**wanted)
        except openstack.exceptions.HttpException as error:
            refused = _refused(error, wanted)
            if refused is None:
                raise
        # Who has the address may be this very port: made by a request whose answer was lost.
        found = self._of(key).get(request.key)
        if found:
            return found
        less = {name: value for name, value in wanted.items() if name != refused}
        return self._create_with_less(key, request, less)

    def _as_asked(self, key: str, request: PortRequest, port: Any) -> Any:
        """Let a port of an earlier attempt be what is asked for now, as far as there is room."""
        if port.device_id:  # a server has got it meanwhile
            return port
        if port.network_id != request.network_id:
            self._delete(port)
            return self._create(key, request)
        if not _lacking(port, request):
            return port
        try:
            with asking(self._site, "Neutron", f"give port {port.id} its addresses"):
                return self._connection.network.update_port(port.id, fixed_ips=_fixed(request))
        except errors.CloudUnavailable:
            raise
        except errors.CloudError:
            return port

    def _delete(self, port: Any) -> None:
        with asking(self._site, "Neutron", f"delete port {port.id}"):
            self._connection.network.delete_port(port.id)


def _in_order(ports: Iterable[Any]) -> list[Any]:
    """Return the ports, the one that counts among several first."""
    return sorted(ports, key=lambda port: (port.created_at, port.id))


def _mark(key: str) -> str:
    """Return what the description of each port under the server's key begins with."""
    return f"{MARK}{key} "


def _fixed(request: PortRequest) -> list[dict[str, str]]:
    return [
        {"subnet_id": subnet, "ip_address": address} for subnet, address in request.fixed_addresses
    ]


def _lacking(port: Any, request: PortRequest) -> list[str]:
    has = {fixed["ip_address"] for fixed in port.fixed_ips}
    return [address for _, address in request.fixed_addresses if address not in has]


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
    if request.mac_address and port.mac_address != request.mac_address:
        notes.append(
            f"port {request.name or port.id} has MAC address {port.mac_address}: the network did"
            f" not accept {request.mac_address}"
        )
    lost = _lacking(port, request)
    if lost:
        has = ", ".join(sorted(fixed["ip_address"] for fixed in port.fixed_ips))
        notes.append(
            f"port {request.name or port.id} has address {has}: the network did not accept"
            f" {', '.join(lost)}"
        )
    return notes
