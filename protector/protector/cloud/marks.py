# SPDX-License-Identifier: Apache-2.0
"""What stands by for a group that runs on the other site: its servers locked, its volumes marked.

A lock keeps the tenant's users from starting a server by mistake; Nova shows the reason to whoever
tries, from microversion 2.73 on.
"""

import concurrent.futures
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector.cloud.asking import NOT_FOUND, asking
from protector.cloud.base import STANDBY, StandingBy

# A lock has a reason from this one on, which may be so many characters long.
WITH_REASON = "2.73"
LONGEST_REASON = 255


class Marks:
    def __init__(
        self, site: str, connection: Connection, executor: concurrent.futures.Executor
    ) -> None:
        self._site = site
        self._connection = connection
        self._executor = executor

    def see(self, project_id: str) -> StandingBy:
        in_project: Any = {"all_projects": True, "project_id": project_id}
        with asking(self._site, "Nova", "list locked servers"):
            servers = [
                server
                for server in self._connection.compute.servers(**in_project)
                if server.is_locked and server.locked_reason
            ]
        with asking(self._site, "Cinder", "list volumes"):
            volumes = [
                volume
                for volume in self._connection.block_storage.volumes(details=True, **in_project)
                if STANDBY in volume.metadata
            ]
        return StandingBy(
            servers={server.id: server.locked_reason for server in servers},
            volumes={volume.id: volume.metadata[STANDBY] for volume in volumes},
        )

    def set(
        self, servers: Iterable[str], volumes: Iterable[str], *, group_id: str, reason: str
    ) -> None:
        self._each(servers, "Nova", "lock server {}", lambda id: self._lock(id, reason))
        self._each(
            volumes,
            "Cinder",
            "mark volume {}",
            lambda id: self._connection.block_storage.set_volume_metadata(
                id, **{STANDBY: group_id}
            ),
        )

    def take_away(self, servers: Iterable[str], volumes: Iterable[str]) -> None:
        self._each(servers, "Nova", "unlock server {}", self._connection.compute.unlock_server)
        self._each(
            volumes,
            "Cinder",
            "unmark volume {}",
            lambda id: self._connection.block_storage.delete_volume_metadata(id, [STANDBY]),
        )

    # -- inside -------------------------------------------------------------------------------

    def _each(
        self, ids: Iterable[str], service: str, action: str, act: Callable[[str], object]
    ) -> None:
        def one(id: str) -> None:
            with asking(self._site, service, action.format(id)), contextlib.suppress(*NOT_FOUND):
                act(id)

        list(self._executor.map(one, ids))

    def _lock(self, server_id: str, reason: str) -> None:
        compute: Any = self._connection.compute
        if not compute.get_server(server_id).is_locked:
            body = {"lock": {"locked_reason": reason[:LONGEST_REASON]}}
            answer = compute.post(
                f"/servers/{server_id}/action", json=body, microversion=WITH_REASON
            )
            openstack.exceptions.raise_from_response(answer)
