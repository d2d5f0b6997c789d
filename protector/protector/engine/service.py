# SPDX-License-Identifier: Apache-2.0
"""The engine's process: it answers protector-api, and looks after what nobody asks for."""

import logging
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import oslo_messaging
from oslo_context.context import RequestContext

from protector import errors, rpc
from protector.engine import inspection, validation
from protector.engine.conductor import Conductor
from protector.engine.edits import Edits
from protector.engine.work import Equipment
from protector.storage.base import ReplicaGroup
from protector.sync import edit

LOG = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def expected(method: Callable[P, R]) -> Callable[P, R]:
    """Send our errors to the caller as they are; the log does not need them."""
    wrapped: Callable[P, R] = oslo_messaging.expected_exceptions(errors.ProtectorError)(method)
    return wrapped


class Endpoint:
    """What :class:`protector.rpc.EngineClient` asks; each method bears the name of its."""

    target = oslo_messaging.Target(version="1.0")

    def __init__(self, equipment: Equipment, edits: Edits, conductor: Conductor) -> None:
        self._equipment = equipment
        self._edits = edits
        self._conductor = conductor

    @expected
    def create_group(self, context: RequestContext, group_id: str, request: dict[str, Any]) -> None:
        self._edits.create_group(context, group_id, request)

    @expected
    def change_group(self, context: RequestContext, group_id: str, changes: dict[str, Any]) -> None:
        self._edits.change_group(context, group_id, changes)

    @expected
    def add_member(self, context: RequestContext, group_id: str, server: str) -> None:
        self._edits.add_member(context, group_id, server)

    @expected
    def remove_member(self, context: RequestContext, group_id: str, server: str) -> None:
        self._edits.remove_member(context, group_id, server)

    @expected
    def delete_group(self, context: RequestContext, group_id: str) -> None:
        self._edits.delete_group(context, group_id)

    @expected
    def sync_force(self, context: RequestContext, group_id: str) -> dict[str, Any]:
        return self._edits.sync_force(group_id)

    @expected
    def consistency_group(self, context: RequestContext, group_id: str) -> dict[str, Any]:
        return inspection.consistency_group(self._equipment, group_id)

    @expected
    def start_operation(self, context: RequestContext, operation_id: str) -> None:
        self._conductor.start(operation_id)

    @expected
    def validate_site(self, context: RequestContext, site: str) -> dict[str, Any]:
        return validation.validate_site(self._equipment, site)

    @expected
    def volume_types(self, context: RequestContext) -> list[dict[str, Any]]:
        return inspection.volume_types(self._equipment)

    @expected
    def allow_replication(
        self, context: RequestContext, source_array: str, array_group: str
    ) -> str:
        array = self._equipment.array
        array.allow(ReplicaGroup(source_array, array_group))
        return array.array


class Service:
    """Answers until it is told to stop, and sweeps meanwhile."""

    def __init__(
        self, equipment: Equipment, conductor: Conductor, transport: oslo_messaging.Transport
    ) -> None:
        self._equipment = equipment
        self._edits = Edits(equipment)
        self._conductor = conductor
        self._stopped = threading.Event()
        self._server = oslo_messaging.get_rpc_server(
            transport,
            oslo_messaging.Target(topic=rpc.TOPIC, server=equipment.conf.engine.host),
            [Endpoint(equipment, self._edits, conductor)],
            executor="threading",
            serializer=rpc.ContextSerializer(),
        )

    def run(self) -> None:
        self._server.start()
        self._sweep()
        while not self._stopped.wait(self._equipment.conf.engine.sweep_interval):
            self._sweep()
        self._server.stop()
        self._server.wait()
        self._conductor.stop()

    def stop(self) -> None:
        self._stopped.set()

    def _sweep(self) -> None:
        try:
            self._conductor.sweep()
            self._edits.abandon_interrupted()
            if self._conductor.idle:  # else nothing goes to a site that may be dead
                edit.repeat_commits(
                    self._equipment.sessions, self._equipment.peer, self._equipment.site
                )
        except Exception:
            LOG.exception("A sweep was cut short; the next one does what it left")
