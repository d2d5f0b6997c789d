# SPDX-License-Identifier: Apache-2.0
"""Servers made again, by key, and the ports made for them.

A server bears its key in its metadata; a port bears the server's and its own in its description.
"""

import concurrent.futures
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from openstack.connection import Connection

from protector import errors
from protector.cloud import ports
from protector.cloud.asking import asking
from protector.cloud.base import KEY, BlockDevice, Server, ServerRequest
from protector.cloud.waiting import Listing, Overdue

R = TypeVar("R")


class Servers:
    def __init__(
        self,
        site: str,
        connection: Connection,
        executor: concurrent.futures.Executor,
        timeout: float,
        interval: float,
    ) -> None:
        self._site = site
        self._connection = connection
        self._timeout = timeout
        self._listing = Listing(self._list, interval)
        self._ports = ports.Ports(site, connection, executor, interval)

    def recreate(self, request: ServerRequest) -> Server:
        found = self._find(request.key)
        if found and found.status == "ERROR":
            self._delete(found)
            found = None
        made = self._ports.make(request.key, request.ports)
        if found is None:
            found = self._create(request, [port.id for port in made])
        server = self._wait(found, _running(self._site), "become ACTIVE")
        notes = [
            note
            for port, asked in zip(made, request.ports, strict=True)
            for note in ports.given_up(port, asked)
        ]
        return Server(server.id, server.name, server.status, [port.id for port in made], notes)

    def remove(self, key: str, *, keep_ports: bool) -> None:
        found = self._find(key)
        if found:
            self._delete(found)
        if not keep_ports:
            self._ports.remove(key)

    # -- inside -------------------------------------------------------------------------------

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Nova", "list servers"):
            return {server.id: server for server in self._connection.compute.servers()}

    def _find(self, key: str) -> Any:
        servers = self._listing.fresh().values()
        return next((server for server in servers if server.metadata.get(KEY) == key), None)

    def _create(self, request: ServerRequest, port_ids: list[str]) -> Any:
        wishes = {
            "description": request.description,
            "key_name": request.key_name,
            "tags": list(request.tags),
            "availability_zone": request.availability_zone,
            "scheduler_hints": {"group": request.server_group} if request.server_group else None,
            "user_data": request.user_data,
        }
        with asking(self._site, "Nova", f"create server {request.name}"):
            return self._connection.compute.create_server(
                name=request.name,
                flavor_id=request.flavor_id,
                networks=[{"port": id} for id in port_ids] or "none",
                block_device_mapping=[_device(volume) for volume in request.volumes],
                metadata={**request.metadata, KEY: request.key},
                config_drive=request.config_drive,
                **{name: value for name, value in wishes.items() if value},
            )

    def _delete(self, server: Any) -> None:
        with asking(self._site, "Nova", f"delete server {server.name} ({server.id})"):
            self._connection.compute.delete_server(server.id)
        self._wait(server, lambda there: True if there is None else None, "go away")

    def _wait(self, server: Any, done: Callable[[Any], R | None], event: str) -> R:
        try:
            return self._listing.wait(server.id, done, self._timeout)
        except Overdue as overdue:
            reason = f"server {server.name} ({server.id}) did not {event} in {self._timeout:g} s"
            raise overdue.error or errors.CloudError(
                service="Nova", site=self._site, reason=reason
            ) from None


def _running(site: str) -> Callable[[Any], Any]:
    """Return the server once it is ACTIVE."""

    def done(server: Any) -> Any:
        if server is None:
            reason = "the server was deleted while it was being created"
            raise errors.CloudError(service="Nova", site=site, reason=reason)
        if server.status == "ERROR":
            said = (server.fault or {}).get("message", "no reason was given")
            reason = f"server {server.name} ({server.id}) went to ERROR: {said}"
            raise errors.CloudError(service="Nova", site=site, reason=reason)
        return server if server.status == "ACTIVE" else None

    return done


def _device(volume: BlockDevice) -> dict[str, Any]:
    return {
        "uuid": volume.volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": volume.boot_index,
        "device_name": volume.device or None,
        "delete_on_termination": volume.delete_on_termination,
    }
