# SPDX-License-Identifier: Apache-2.0
"""The engine's process: it answers protector-api, and looks after what nobody asks for."""

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import oslo_messaging
import sqlalchemy.exc

from protector import errors, rpc
from protector.context import Context
from protector.coordination import Members
from protector.db import operations, sites
from protector.domain.operation import Kind
from protector.engine import inspection, validation
from protector.engine.capture import Capture
from protector.engine.conductor import Conductor
from protector.engine.edits import Edits
from protector.engine.notifications import Notifications
from protector.engine.readiness import check
from protector.engine.sweeps.copies import Copies
from protector.engine.sweeps.expiry import Expired
from protector.engine.sweeps.fencing import Fencing
from protector.engine.sweeps.handovers import Handovers
from protector.engine.sweeps.safety import Safety
from protector.engine.sweeps.standby import Standby
from protector.engine.work import Equipment
from protector.storage.base import ReplicaGroup
from protector.sync import edit
from protector.sync.exchange import exchange

LOG = logging.getLogger(__name__)

# Seconds between two tries to reach the database when an engine starts.
RETRY = 1

P = ParamSpec("P")
R = TypeVar("R")


def expected(method: Callable[Concatenate["Endpoint", Context, P], R]) -> Callable[..., R]:
    """Send our errors to the caller as they are; the log needs only what they are about."""

    @functools.wraps(method)
    def told(self: "Endpoint", context: Context, *args: P.args, **kwargs: P.kwargs) -> R:
        about = {name: str(kwargs[name]) for name in ("operation_id", "group_id") if name in kwargs}
        context.about(**about)
        try:
            return method(self, context, *args, **kwargs)
        except sqlalchemy.exc.DBAPIError as error:
            LOG.warning("The database does not answer: %s", error)
            raise errors.DatabaseUnreachable(site=self.site) from None

    wrapped: Callable[..., R] = oslo_messaging.expected_exceptions(errors.ProtectorError)(told)
    return wrapped


class Endpoint:
    """What :class:`protector.rpc.EngineClient` asks; each method bears the name of its."""

    target = oslo_messaging.Target(version="1.0")

    def __init__(self, equipment: Equipment, edits: Edits, conductor: Conductor) -> None:
        self._equipment = equipment
        self._edits = edits
        self._conductor = conductor
        self.site = equipment.site

    @expected
    def create_group(self, context: Context, group_id: str, request: dict[str, Any]) -> None:
        self._edits.create_group(context, group_id, request)

    @expected
    def change_group(self, context: Context, group_id: str, changes: dict[str, Any]) -> None:
        self._edits.change_group(context, group_id, changes)

    @expected
    def add_member(
        self, context: Context, group_id: str, server: str, wishes: dict[str, Any]
    ) -> None:
        self._edits.add_member(context, group_id, server, wishes)

    @expected
    def change_member(
        self, context: Context, group_id: str, server: str, wishes: dict[str, Any]
    ) -> None:
        self._edits.change_member(group_id, server, wishes)

    @expected
    def remove_member(self, context: Context, group_id: str, server: str) -> None:
        self._edits.remove_member(context, group_id, server)

    @expected
    def release(self, context: Context, group_id: str) -> None:
        self._edits.release(group_id)

    @expected
    def delete_group(self, context: Context, group_id: str) -> None:
        self._edits.delete_group(context, group_id)

    @expected
    def sync_force(self, context: Context, group_id: str, direction: str | None) -> dict[str, Any]:
        return self._edits.sync_force(group_id, direction)

    @expected
    def consistency_group(self, context: Context, group_id: str) -> dict[str, Any]:
        return inspection.consistency_group(self._equipment, group_id)

    @expected
    def snapshots(self, context: Context, group_id: str) -> list[dict[str, Any]]:
        return inspection.snapshots(self._equipment, group_id)

    @expected
    def check(
        self,
        context: Context,
        group_id: str,
        arguments: dict[str, Any],
        kind: str = Kind.FAILOVER.value,
    ) -> dict[str, Any]:
        return check(self._equipment, context, group_id, arguments, kind=Kind(kind))

    @expected
    def start_operation(self, context: Context, operation_id: str) -> None:
        self._conductor.start(operation_id)

    @expected
    def validate_site(self, context: Context, site: str) -> dict[str, Any]:
        return validation.validate_site(self._equipment, site)

    @expected
    def volume_types(self, context: Context) -> list[dict[str, Any]]:
        return inspection.volume_types(self._equipment)

    @expected
    def replicated_points(
        self, context: Context, source_array: str, array_group: str
    ) -> list[dict[str, Any]]:
        return inspection.replicated_points(self._equipment, source_array, array_group)

    @expected
    def allow_replication(self, context: Context, source_array: str, array_group: str) -> str:
        array = self._equipment.array
        array.allow(ReplicaGroup(source_array, array_group))
        return array.array


class Service:
    """Answers until it is told to stop, and looks after what nobody asks for meanwhile."""

    def __init__(
        self,
        equipment: Equipment,
        conductor: Conductor,
        members: Members,
        transport: oslo_messaging.Transport,
    ) -> None:
        self._equipment = equipment
        self._members = members
        self._edits = Edits(equipment)
        self._conductor = conductor
        self._fencing = Fencing(equipment)
        self._copies = Copies(equipment)
        self._safety = Safety(equipment)
        self._handovers = Handovers(equipment)
        self._standby = Standby(equipment)
        self._expired = Expired(equipment)
        self._capture = Capture(equipment)
        self._notifications = Notifications(equipment.conf, self._capture.seen)
        self._stopped = threading.Event()
        self._server = oslo_messaging.get_rpc_server(
            transport,
            oslo_messaging.Target(topic=rpc.TOPIC, server=equipment.conf.engine.host),
            [Endpoint(equipment, self._edits, conductor)],
            executor="threading",
            serializer=rpc.ContextSerializer(),
        )

    def run(self) -> None:
        while not self._once(self._equipment.editors.forget_dead) and not self._stopped.wait(RETRY):
            pass
        # What happened at the peer meanwhile is known before anything is done for a group.
        self._once(self._peer)
        self._server.start()
        self._notifications.start()
        loops = [
            threading.Thread(target=self._repeat, args=(self._peer,), name="peer"),
            threading.Thread(target=self._capture.run, args=(self._stopped,), name="capture"),
        ]
        for loop in loops:
            loop.start()
        self._once(self._operations)
        self._repeat(self._operations)
        for loop in loops:
            loop.join()
        self._notifications.stop()
        self._server.stop()
        self._server.wait()

    def stop(self) -> None:
        """Take nothing more, and let what runs come to a place where others can go on."""
        self._stopped.set()

    def leave(self) -> bool:
        """Hand over what is not done; tell whether every step has ended within its time."""
        ended = self._conductor.stop(self._equipment.conf.engine.shutdown_timeout)
        self._equipment.announcer.stop()
        self._members.leave()
        return ended

    # -- inside -------------------------------------------------------------------------------

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stopped.wait(self._equipment.conf.engine.sweep_interval):
            self._once(work)

    def _once(self, work: Callable[[], None]) -> bool:
        """Tell whether it was done whole."""
        try:
            work()
            return True
        except sqlalchemy.exc.DBAPIError as error:
            LOG.warning("The database does not answer: %s", error)
        except Exception:
            LOG.exception("A sweep was cut short; the next one does what it left")
        return False

    def _operations(self) -> None:
        alive = self._alive()
        self._equipment.editors.forget_dead(alive)
        self._expired.clean_up()
        self._conductor.sweep(alive)
        self._edits.abandon_interrupted()

    def _alive(self) -> set[str] | None:
        """Show that this engine is alive, and see which others are; None: nobody knows."""
        try:
            self._members.join()
            return self._members.alive()
        except errors.CoordinationUnreachable as error:
            LOG.warning("No engine takes over what another was doing. %s", error)
            return None

    def _peer(self) -> None:
        """Hear how the peer stands, tell it what it lacks, and look after what was failed over."""
        sessions, site = self._equipment.sessions, self._equipment.site
        with sessions.begin() as session:
            if operations.peer_may_be_lost(session):
                return  # nothing goes to a site that may be dead
            names = sites.peers(session, site)
        for name in names:
            peer = self._equipment.peer(name)
            if exchange(sessions, peer, site) is None:
                edit.repeat_commits(sessions, peer, self._equipment.editors)
        self._handovers.look()
        self._fencing.look()
        self._copies.look()
        self._safety.look()
        self._standby.look()
