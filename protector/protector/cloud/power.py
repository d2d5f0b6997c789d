# SPDX-License-Identifier: Apache-2.0
"""Stop and start servers, whosever they are, and wait until they are off or run."""

import concurrent.futures
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import ANSWERS, NOT_FOUND, asking, reason
from protector.cloud.base import OFF, Outcome
from protector.cloud.waiting import Listing

# What Nova is about already.
ENDING = {"powering-off", "deleting", "soft-deleting"}
BEGINNING = "powering-on"
# How a server comes into a status in which Nova stops it.
FIRST = {
    "PAUSED": "unpause it: openstack server unpause {id}; then ",
    "VERIFY_RESIZE": "confirm its resize: openstack server resize confirm {id}; then ",
}


class Power:
    """Servers that are being stopped, or started, together.

    :param timeout: seconds until they have to be off, or to run.
    """

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
        return self._switch(server_ids, self._stop, _is_off, "off")

    def start(self, server_ids: Sequence[str]) -> list[Outcome]:
        return self._switch(server_ids, self._start, _runs, "ACTIVE")

    # -- one server ---------------------------------------------------------------------------

    def _stop(self, server_id: str) -> str | None:
        """Ask Nova to stop it if it runs; return why it cannot be.

        One that is being started is stopped when it runs.
        """
        with contextlib.suppress(*NOT_FOUND):
            server = self._seen(server_id)
            if _ends(server) or server.task_state == BEGINNING:
                return None
            try:
                self._connection.compute.stop_server(server_id)
            except ANSWERS as error:
                # Somebody else may have begun it since we looked, or Nova, whose guest was off; or
                # only the answer was lost.
                server = self._seen(server_id)
                if _ends(server) or server.task_state == BEGINNING:
                    return None
                if isinstance(error, openstack.exceptions.ConflictException):
                    return _not_stopped(server, reason(error))
                raise
        return None

    def _start(self, server_id: str) -> str | None:
        """Ask Nova to start it if it is off; return why it cannot be."""
        try:
            if _begins(self._seen(server_id)):
                return None
            try:
                self._connection.compute.start_server(server_id)
            except ANSWERS as error:
                server = self._seen(server_id)
                if _begins(server):
                    return None
                if isinstance(error, openstack.exceptions.ConflictException):
                    return _not_started(server, reason(error))
                raise
        except NOT_FOUND:
            return f"server {server_id} is not there any more"
        return None

    def _seen(self, server_id: str) -> Any:
        server = self._connection.compute.get_server(server_id)
        self._projects.add(server.project_id)
        return server

    # -- all of them --------------------------------------------------------------------------

    def _switch(
        self,
        server_ids: Sequence[str],
        ask: Callable[[str], str | None],
        done: Callable[[Any], bool],
        state: str,
    ) -> list[Outcome]:
        passing: set[str] = set()

        def begin(server_id: str) -> str | None:
            try:
                with asking(self._site, "Nova", f"have server {server_id} {state}"):
                    return ask(server_id)
            except errors.CloudError as error:
                if isinstance(error, errors.PASSING):
                    passing.add(server_id)
                return error.text

        begun = self._executor.map(begin, server_ids)
        faults = {id: fault for id, fault in zip(server_ids, begun, strict=True) if fault}
        may_pass = passing & faults.keys()  # not what passes, or does not, while it is waited for
        took, late = self._wait({id for id in server_ids if id not in faults}, begin, done, state)
        faults |= late
        return [
            Outcome(
                id,
                None if id in faults else id,
                faults.get(id),
                passing=id in may_pass,
                seconds=took.get(id),
            )
            for id in server_ids
        ]

    def _wait(
        self,
        pending: set[str],
        again: Callable[[str], str | None],
        done: Callable[[Any], bool],
        state: str,
    ) -> tuple[dict[str, float], dict[str, str]]:
        """Wait until all are; return how many seconds each took, and why the others are not.

        Whatever came to nothing, as when nova-compute was started anew, is asked for again.
        """
        began, took = time.monotonic(), dict[str, float]()
        why = "the log of nova-compute has the reason"
        while pending:
            try:
                servers = self._listing.fresh()
            except errors.CloudError as error:
                why = error.text
            else:
                for id in [id for id in pending if done(servers.get(id))]:
                    pending.discard(id)
                    took[id] = time.monotonic() - began
                for id in [id for id in pending if id in servers and not servers[id].task_state]:
                    why = again(id) or why
            if time.monotonic() > began + self._timeout:
                break
        late = f"is not {state} after {self._timeout:g} seconds: {why}"
        return took, {id: f"server {id} {late}" for id in pending}

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Nova", "list servers"):
            return {
                server.id: server
                for project_id in sorted(self._projects)
                for server in self._connection.compute.servers(
                    all_projects=True, project_id=project_id
                )
            }


def _ends(server: Any) -> bool:
    """Tell whether it is off, or about to be."""
    return _is_off(server) or server.task_state in ENDING


def _begins(server: Any) -> bool:
    """Tell whether it runs, or is about to. One that still runs is started when it is off."""
    return bool(server.status == "ACTIVE" or server.task_state == BEGINNING)


def _is_off(server: Any) -> bool:
    """One that is gone is off, and one that is about to run is not."""
    return server is None or (server.status in OFF and server.task_state != BEGINNING)


def _runs(server: Any) -> bool:
    return server is not None and server.status == "ACTIVE" and not server.task_state


def _not_stopped(server: Any, said: str) -> str:
    first = FIRST.get(server.status, "").format(id=server.id)
    return (
        f"server {server.name} ({server.id}) is {server.status}, and Nova does not stop it:"
        f" {said.rstrip('.')}. By hand, {first}stop it: openstack server stop {server.id}"
    )


def _not_started(server: Any, said: str) -> str:
    return (
        f"server {server.name} ({server.id}) is {server.status}, and Nova does not start it:"
        f" {said.rstrip('.')}"
    )
