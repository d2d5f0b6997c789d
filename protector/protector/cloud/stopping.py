# SPDX-License-Identifier: Apache-2.0
"""Stop servers, whosever they are, and wait until they are off."""

import concurrent.futures
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import NOT_FOUND, asking, reason
from protector.cloud.base import Outcome
from protector.cloud.waiting import Listing

# Nova's statuses of a server that does not run, and by no reboot of its host will.
OFF = {"SHUTOFF", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED", "DELETED"}
# What Nova is about already.
ENDING = {"powering-off", "deleting", "soft-deleting"}
# How a server comes into a status in which Nova stops it.
FIRST = {
    "PAUSED": "unpause it: openstack server unpause {id}; then ",
    "VERIFY_RESIZE": "confirm its resize: openstack server resize confirm {id}; then ",
}


class Stopping:
    """Servers that are being stopped together."""

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
        self._executor = executor
        self._timeout = timeout
        self._listing = Listing(self._list, interval)
        self._projects: set[str] = set()

    def stop(self, server_ids: Sequence[str]) -> list[Outcome]:
        begun = self._executor.map(self._begin, server_ids)
        faults = {id: fault for id, fault in zip(server_ids, begun, strict=True) if fault}
        faults |= self._wait({id for id in server_ids if id not in faults})
        return [Outcome(id, None if id in faults else id, faults.get(id)) for id in server_ids]

    # -- inside -------------------------------------------------------------------------------

    def _begin(self, server_id: str) -> str | None:
        """Ask Nova to stop it if it runs; return why it cannot be."""
        try:
            with asking(self._site, "Nova", f"stop server {server_id}"):
                return self._ask(server_id)
        except errors.CloudError as error:
            return error.text

    def _ask(self, server_id: str) -> str | None:
        with contextlib.suppress(*NOT_FOUND):
            server = self._connection.compute.get_server(server_id)
            self._projects.add(server.project_id)
            if server.status in OFF or server.task_state in ENDING:
                return None
            try:
                self._connection.compute.stop_server(server_id)
            except openstack.exceptions.ConflictException as error:
                return _refused(server, reason(error))
        return None

    def _wait(self, pending: set[str]) -> dict[str, str]:
        """Wait until they are off; return why they are not, of those that are not."""
        deadline = time.monotonic() + self._timeout
        why = "the log of nova-compute has the reason"
        while pending:
            try:
                servers = self._listing.fresh()
            except errors.CloudError as error:
                why = error.text
            else:
                pending = {id for id in pending if id in servers and servers[id].status not in OFF}
            if time.monotonic() > deadline:
                break
        return {
            id: f"server {id} is not off after {self._timeout:g} seconds: {why}" for id in pending
        }

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Nova", "list servers"):
            return {
                server.id: server
                for project_id in sorted(self._projects)
                for server in self._connection.compute.servers(
                    all_projects=True, project_id=project_id
                )
            }


def _refused(server: Any, said: str) -> str:
    first = FIRST.get(server.status, "").format(id=server.id)
    return (
        f"server {server.name} ({server.id}) is {server.status}, and Nova does not stop it:"
        f" {said.rstrip('.')}. By hand, {first}stop it: openstack server stop {server.id}"
    )
