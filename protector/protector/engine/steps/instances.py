# SPDX-License-Identifier: Apache-2.0
"""Steps of the instance recreation phase."""

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

from protector import errors
from protector.cloud.base import Server, ServerRequest
from protector.db import claims, pairs
from protector.domain.document import Member, Volume
from protector.domain.operation import Cancel
from protector.engine import listening, planning
from protector.engine.listening import Listener
from protector.engine.managing import Managing
from protector.engine.recovery import Faults, Recovery
from protector.engine.step import Result, repeated
from protector.engine.steps.base import RecoveryStep
from protector.engine.steps.preparation import REQUEST

LOG = logging.getLogger(__name__)


class RecreateVm(RecoveryStep):
    """One VM. That it cannot be made is its own affair: the others come up all the same."""

    def __init__(self, work: Recovery, managing: Managing, member: Member, name: str) -> None:
        super().__init__(work, name)
        self._managing = managing
        self._member = member
        self._has_asked = False

    @repeated
    def execute(
        self,
        requests: dict[str, Any],
        notes: dict[str, list[str]],
        destination: dict[str, str],
        promote_faults: Faults,
        younger: list[str],
    ) -> Result:
        result = self._result(requests, notes, destination, promote_faults, younger)
        if "fault" in result:
            self.work.must_do_without(self._member, result["fault"])
        return result

    def _result(
        self,
        requests: dict[str, Any],
        notes: dict[str, list[str]],
        destination: dict[str, str],
        promote_faults: Faults,
        younger: list[str],
    ) -> Result:
        server_id = self._member.server_id
        here = self.work.servers().get(server_id)
        if here:
            return {"detail": f"Server {here} runs already"}
        if server_id in self.work.arguments.skip:
            return {"detail": self._skipped()}
        faults = promote_faults | self._bring_volumes(destination, promote_faults, younger)
        if self.work.cancelled():
            return {"fault": f"VM {self._member.name} was not begun: the operation was cancelled"}
        if server_id in faults:
            return {"fault": "\n".join([*faults[server_id], *self.work.drift(self._member)])}
        if server_id not in requests:
            return {"detail": self._too_young()}
        without = [volume for volume in self._as_then.volumes if volume.id in younger]
        return self._recreate(
            REQUEST.validate_python(requests[server_id]),
            without,
            notes=[*notes[server_id], *map(self._came_too_late, without)],
        )

    def _bring_volumes(
        self, destination: dict[str, str], promote_faults: Faults, younger: Sequence[str]
    ) -> Faults:
        disks = self.work.unmanaged(promote_faults, younger)
        own = [disk for disk in disks if disk[0].server_id == self._member.server_id]
        try:
            return self._managing.bring(self, disks, destination, awaited=own).faults
        except errors.CloudError as error:
            return {self._member.server_id: [f"VM {self._member.name}: {error.text}"]}

    def _recreate(
        self, request: ServerRequest, without: Sequence[Volume], *, notes: Sequence[str]
    ) -> Result:
        made = {id: pair.volume_id or "" for id, pair in self.work.volumes().items()}
        disks = [volume for volume in self._as_then.volumes if volume not in without]
        request = dataclasses.replace(
            self.work.placed(request),
            volumes=planning.devices(disks, made),
            user_data=self._as_then.user_data,
        )
        try:
            server = self.patiently(lambda: self._ask(request))
        except errors.CloudError as error:
            return {"fault": f"VM {self._member.name}: {error.text}{self._cleaned()}"}
        with self.work.sessions.begin() as session:
            claims.hold(session, self.work.claim)
            pairs.recreated(
                session, self.work.group_id, self.work.label, self._member.server_id, server.id
            )
        told = [*notes, *server.notes, *self.work.drift(self._member)]
        return {"detail": "; ".join([f"Server {server.id} is {server.status}", *told])}

    def _ask(self, request: ServerRequest) -> Server:
        if self.work.is_the_first_attempt and not self._has_asked:
            request = dataclasses.replace(request, alone_since=self.work.begun)
        self._has_asked = True
        return self.work.tenant.recreate_server(request)

    @property
    def _as_then(self) -> Member:
        """The member as of the point that is recovered; its name is the step's."""
        id = self._member.server_id
        return next((one for one in self.work.members if one.server_id == id), self._member)

    def _too_young(self) -> str:
        return (
            f"VM {self._member.name} joined the group after the snapshot was taken, and is left out"
        )

    def _came_too_late(self, volume: Volume) -> str:
        return (
            f"Volume {volume.name} ({volume.id}) was attached after the snapshot was taken:"
            f" {self._member.name} came up without it"
        )

    def _cleaned(self) -> str:
        """Remove the server that failed; its ports and volumes serve the retry.

        :returns: what to add to the fault when it stays.
        """
        self.work.must_be_ours()  # else another engine may have made it run
        try:
            self._remove(keep_ports=True)
        except errors.CloudError as error:
            return f". {error.text}"
        return ""

    def stops_for(self, cancel: Cancel | None) -> bool:
        # Others may run by now, and these make the group's new primary site: that must be told.
        return cancel is Cancel.UNDO

    def _skipped(self) -> str:
        """Leave the VM out for good; what holds its data is the user's."""
        self.undo()
        made = self.work.volumes()
        kept = [
            str(pair.volume_id)
            for volume in self._as_then.volumes
            if (pair := made.get(volume.id)) and pair.volume_id
        ]
        said = f"VM {self._member.name} is left out, as asked"
        return f"{said}; its volumes stay: {', '.join(kept)}" if kept else said

    def undo(self) -> None:
        self._remove()
        with self.work.sessions.begin() as session:
            pairs.removed(session, self.work.group_id, self.work.label, self._member.server_id)

    def _remove(self, *, keep_ports: bool = False) -> None:
        key = self.work.key(self._member.server_id)
        try:
            self.patiently(lambda: self.work.tenant.remove_server(key, keep_ports=keep_ports))
        except errors.CloudError as error:
            name = self._member.name
            raise errors.CloudError(
                service="Nova",
                site=self.work.site,
                reason=f"what was made of VM {name} could not be removed ({error.text})."
                f" Remove it: openstack server delete {self.work.named(name)}",
            ) from None


class WaitForPorts(RecoveryStep):
    """Let those of a tier's VMs that run answer before what comes later is started.

    What does not answer in time is noted and not waited for: this host may have no way into the
    tenant's network.
    """

    def __init__(self, work: Recovery, members: Sequence[Member], name: str) -> None:
        super().__init__(work, name)
        self._members = members

    def stops_for(self, cancel: Cancel | None) -> bool:
        return cancel is Cancel.UNDO  # what is to be kept, and runs, has to be told

    @repeated
    def execute(self) -> Result:
        seconds: float = self.work.equipment.conf.engine.port_timeout
        if not seconds:
            return {"detail": "Not waited: [engine] port_timeout is 0"}
        listeners = self._listeners()
        silent = listening.silent(listeners, seconds, self.work.cancelled)
        told = [
            self._told(member, listeners[member.server_id], seconds, member.server_id in silent)
            for member in self._members
            if member.server_id in listeners
        ]
        return {"detail": "; ".join(told) or "None of them runs"}

    def _listeners(self) -> dict[str, Listener]:
        """Return server id -> where it is to answer, of those that run."""
        here = self.work.servers()
        return {
            member.server_id: Listener(self._addresses(here[member.server_id]), member.wait_port)
            for member in self._members
            if member.wait_port and member.server_id in here
        }

    def _addresses(self, server_id: str) -> list[str]:
        try:
            return self.work.tenant.addresses(server_id)
        except errors.CloudError as error:
            LOG.warning("The addresses of server %s are not known: %s", server_id, error.text)
            return []

    def _told(self, member: Member, listener: Listener, seconds: float, silent: bool) -> str:
        if not silent:
            return f"{member.name} answers at port {listener.port}"
        where = " or ".join(listener.addresses) or "any address that is known"
        return (
            f"{member.name} did not answer at port {listener.port} of {where} within {seconds:g} s"
            f" (from {self.work.equipment.conf.engine.host}); what comes later went on without it"
        )
