# SPDX-License-Identifier: Apache-2.0
"""Servers made again, by key, and the ports made for them.

A server bears its key in its metadata; a port bears the server's and its own in its description.
"""

import concurrent.futures
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from openstack.connection import Connection

from protector import errors
from protector.cloud import ports
from protector.cloud.asking import NOT_FOUND, asking
from protector.cloud.base import KEY, BlockDevice, Server, ServerRequest
from protector.cloud.waiting import Listing, Overdue, moment_before

R = TypeVar("R")

# What Nova says when it could not attach a volume: nothing is wrong with the request.
NOT_ATTACHED = (
    "Unable to update attachment",
    "Unable to update the attachment",
    "Block Device Mapping is Invalid",
    "Failure prepping block device",
)
# The same when one of its services was not heard of by another.
NOT_HEARD = ("MessagingTimeout", "MessageDeliveryFailure", "MessageUndeliverable")
RUNNING = "ACTIVE"
LOST = (
    "Nova's services may have lost the order, as when the message queue was restarted: check both"
    " (openstack compute service list)"
)


class Servers:
    def __init__(
        self,
        site: str,
        connection: Connection,
        executor: concurrent.futures.Executor,
        timeout: float,
        interval: float,
        *,
        project_id: str | None = None,
    ) -> None:
        self._site = site
        self._connection = connection
        # Whoever may see those of all projects names the one that is meant.
        self._whose: dict[str, Any] = (
            {"all_projects": True, "project_id": project_id} if project_id else {}
        )
        self._timeout = timeout
        self._listing = Listing(self._list, interval, self._list_running)
        self._ports = ports.Ports(site, connection, executor, interval, project_id=project_id)

    def recreate(self, request: ServerRequest) -> Server:
        if self._is_new(request):
            made = self._ports.make(request.key, request.ports)
            server = self._until_it_runs(self._create(request, [port.id for port in made]))
        else:
            server, made = self._made_before(request)
        notes = [
            note
            for port, asked in zip(made, request.ports, strict=True)
            for note in ports.given_up(port, asked)
        ]
        return Server(server.id, server.name, server.status, [port.id for port in made], notes)

    def remove(self, key: str, *, keep_ports: bool) -> None:
        for server in _under(key, self._listing.fresh()):
            self._delete(server)
        if not keep_ports:
            self._ports.remove(key)

    def delete(self, server_id: str) -> None:
        found = self._listing.fresh().get(server_id)
        if found is not None:
            self._delete(found)

    # -- inside -------------------------------------------------------------------------------

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Nova", "list servers"):
            return {server.id: server for server in self._connection.compute.servers(**self._whose)}

    def _list_running(self, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those that have come to run. It is not asked for their details: Nova asks Neutron
        for these. One that was not seen before has nothing but its id, name and status.

        What went to ERROR, or away, is seen at the next look at all.
        """
        since = moment_before(
            server.updated_at or server.created_at for server in seen.values() if server.created_at
        )
        with asking(self._site, "Nova", "list servers"):
            listed = self._connection.compute.servers(
                details=False, status=RUNNING, changes_since=since, **self._whose
            )
            running = {server.id: seen.get(server.id, server) for server in listed}
        for server in running.values():
            server.status = RUNNING
        return running

    def _find(self, key: str) -> Any:
        return next(iter(_under(key, self._listing.fresh())), None)

    def _is_new(self, request: ServerRequest) -> bool:
        """Whether nothing is there under the key, and nobody else can be about to make it."""
        since, key = request.alone_since, request.key
        return since is not None and not (
            _under(key, self._listing.fresh(since=since))
            or (request.ports and self._ports.has_any(key, since=since))
        )

    def _made_before(self, request: ServerRequest) -> tuple[Any, list[Any]]:
        """Find what an attempt before has made, or may be making, and make the rest."""
        found = self._find(request.key)
        if found and found.status == "ERROR":
            self._delete(found)
            found = None
        made = self._ports.make_or_find(request.key, request.ports, in_use=found is not None)
        if found is None:
            found = self._create(request, [port.id for port in made])
        server = self._settled(request.key, found)
        return server, self._ports_of(server, request, made)

    def _settled(self, key: str, server: Any) -> Any:
        """Wait until the server runs, and see that it is the only one.

        If another is the one, it is what is waited for.
        """
        try:
            running = self._until_it_runs(server)
        except errors.CloudError:
            chosen = self._find(key)
            if chosen is None or chosen.id == server.id:
                raise
            running = self._until_it_runs(chosen)
        first, *others = _under(key, self._listing.fresh()) or [running]
        if first.id != running.id:
            return self._settled(key, first)
        for other in others:
            self._delete(other)
        return running

    def _until_it_runs(self, server: Any) -> Any:
        return self._wait(server, _running(self._site), "become ACTIVE")

    def _ports_of(self, server: Any, request: ServerRequest, made: list[Any]) -> list[Any]:
        """Return the server's ports, and see that they are the only ones."""
        there = self._ports.settled(request.key, request.ports, server.id) if made else {}
        return [there.get(asked.key, port) for asked, port in zip(request.ports, made, strict=True)]

    def _create(self, request: ServerRequest, port_ids: list[str]) -> Any:
        wishes = {
            "description": request.description,
            "key_name": request.key_name,
            "tags": list(request.tags),
            "availability_zone": request.availability_zone,
            "scheduler_hints": {"group": request.server_group} if request.server_group else None,
            "user_data": request.user_data,
        }
        try:
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
        except errors.CloudUnavailable:
            raise
        except errors.CloudError:
            # Ports and volumes are in use already when an earlier request, whose answer was lost,
            # has been carried out meanwhile.
            found = self._find(request.key)
            if found is None or found.status == "ERROR":
                raise
            return found

    def _delete(self, server: Any) -> None:
        """Delete it without its volumes: another one is to have them, or has them already."""
        with asking(self._site, "Nova", f"delete server {server.name} ({server.id})"):
            ending = [
                disk["id"]
                for disk in server.attached_volumes or ()
                if disk.get("delete_on_termination", True)
            ]
            for volume_id in ending:
                with contextlib.suppress(*NOT_FOUND):
                    self._connection.compute.update_volume_attachment(
                        server.id, volume_id, delete_on_termination=False
                    )
            self._connection.compute.delete_server(server.id)
        self._wait(server, lambda there: True if there is None else None, "go away", whole=True)

    def _wait(
        self,
        server: Any,
        done: Callable[[Any], R | None],
        event: str,
        *,
        whole: bool = False,
    ) -> R:
        try:
            return self._listing.wait(server.id, done, self._timeout, whole=whole)
        except Overdue as overdue:
            reason = (
                f"server {server.name} ({server.id}) did not {event} in {self._timeout:g} s;"
                f" {_shown(overdue.thing)}. {LOST}"
            )
            raise overdue.error or errors.CloudError(
                service="Nova", site=self._site, reason=reason
            ) from None


def _under(key: str, servers: Mapping[str, Any]) -> list[Any]:
    """Return the servers that bear the key, the one that counts first."""
    return sorted(
        (server for server in servers.values() if server.metadata.get(KEY) == key),
        key=lambda server: (server.status == "ERROR", server.created_at, server.id),
    )


def _shown(server: Any) -> str:
    """Say how far Nova has come with a server, in its own words."""
    if server is None:
        return "Nova does not list it"
    told = [
        f"{name} {value}"
        for name, value in (
            ("status", server.status),
            ("vm_state", server.vm_state),
            ("task_state", server.task_state or "none"),
            ("fault", (server.fault or {}).get("message")),
        )
        if value
    ]
    return f"Nova says of it: {', '.join(told)}"


def _running(site: str) -> Callable[[Any], Any]:
    """Return the server once it is ACTIVE."""

    def done(server: Any) -> Any:
        if server is None:
            reason = "the server was deleted while it was being created"
            raise errors.CloudError(service="Nova", site=site, reason=reason)
        if server.status == "ERROR":
            said = (server.fault or {}).get("message", "no reason was given")
            reason = f"server {server.name} ({server.id}) went to ERROR: {said}"
            if any(words in said for words in NOT_ATTACHED):
                raise errors.VolumesNotAttached(service="Nova", site=site, reason=reason)
            if any(words in said for words in NOT_HEARD):
                reason = f"{reason}. {LOST}"
                raise errors.CloudUnavailable(service="Nova", site=site, reason=reason)
            raise errors.CloudError(service="Nova", site=site, reason=reason)
        return server if server.status == RUNNING else None

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
