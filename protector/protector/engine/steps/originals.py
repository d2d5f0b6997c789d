# SPDX-License-Identifier: Apache-2.0
"""The step of a failback that brings one VM back: the original, or another one in its place."""

import dataclasses
from typing import Any

from protector import errors
from protector.cloud.base import ServerRequest
from protector.db import claims, pairs
from protector.domain.document import Member
from protector.engine import planning
from protector.engine.failback import Failback
from protector.engine.managing import Managing
from protector.engine.recovery import Faults
from protector.engine.step import Result, repeated, settled
from protector.engine.steps.failback import FailbackStep
from protector.engine.steps.preparation import REQUEST


class ReturnVm(FailbackStep):
    """Start the original, or make the VM anew around its volumes."""

    def __init__(self, work: Failback, managing: Managing, member: Member, name: str) -> None:
        super().__init__(work, name)
        self._managing = managing
        self._member = member

    @repeated
    def execute(
        self,
        requests: dict[str, Any],
        notes: dict[str, list[str]],
        standing_by: dict[str, dict[str, Any]],
        destination: dict[str, str],
        promote_faults: Faults,
        younger: list[str],
    ) -> Result:
        id = self._member.server_id
        here = self.work.servers().get(id)
        if here:
            return {"detail": f"Server {here} runs already"}
        original = standing_by.get(id, {"server_id": None, "same": False})
        if self._is_left_behind():
            if original["server_id"] is None:
                return {"detail": f"VM {self._member.name} is not there any more"}
            return self._start(original["server_id"])
        if original["same"]:
            return self._start(original["server_id"])
        disks = self.work.unmanaged(promote_faults, younger)
        own = [disk for disk in disks if disk[0].server_id == id]
        come = self._managing.bring(self, disks, destination, awaited=own)
        self.work.must_bear(come.faults)
        if original["server_id"]:
            self._make_room(original["server_id"])
        return self._make(REQUEST.validate_python(requests[id]), notes[id])

    def _is_left_behind(self) -> bool:
        return self._member in self.work.left_behind

    # -- the original -------------------------------------------------------------------------

    def _start(self, server_id: str) -> Result:
        cloud = self.work.equipment.cloud.as_service()
        self.work.must_be_ours()
        cloud.stand_down([server_id], self._originals().values())
        (outcome,) = self.patiently(lambda: cloud.start_servers([server_id]), unless=settled)
        if outcome.fault:
            raise errors.NothingRecoverable(faults=f"VM {self._member.name}: {outcome.fault}")
        self._write(server_id)
        return {"detail": f"Server {server_id} is ACTIVE again"}

    def _originals(self) -> dict[str, str]:
        """Return id of a volume of the member -> id of its original."""
        if self._is_left_behind():
            return {volume.id: volume.id for volume in self._member.volumes}
        there = self.work.originals()
        return {v.id: there[v.id][0].id for v in self._member.volumes if v.id in there}

    # -- another one --------------------------------------------------------------------------

    def _make_room(self, server_id: str) -> None:
        """Delete the original server: its volumes and ports are the new one's."""
        self.work.must_be_ours()
        cloud = self.work.equipment.cloud.as_service()
        cloud.stand_down([server_id], self._originals().values())
        cloud.delete_server(server_id, project_id=self.work.document.projects[self.work.site])

    def _make(self, request: ServerRequest, notes: list[str]) -> Result:
        made = {id: pair.volume_id or "" for id, pair in self.work.volumes().items()}
        ports = [
            dataclasses.replace(port, reuse=nic.port_id)
            for port, nic in zip(request.ports, self._member.nics, strict=True)
        ]
        request = dataclasses.replace(
            request,
            ports=ports,
            volumes=planning.devices(self._member.volumes, made | self._originals()),
            user_data=self._member.user_data,
        )
        self.work.must_be_ours()
        cloud = self.work.equipment.cloud.as_service()
        cloud.stand_down([], self._originals().values())
        try:
            server = self.patiently(lambda: self.work.tenant.recreate_server(request))
        except errors.CloudUnavailable:
            raise
        except errors.CloudError as error:
            raise errors.NothingRecoverable(
                faults=f"VM {self._member.name}: {error.text}"
            ) from None
        self._write(server.id)
        told = [f"Server {server.id} is {server.status}", *notes, *server.notes]
        return {"detail": "; ".join(told)}

    def _write(self, server_id: str) -> None:
        work = self.work
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            pairs.recreated(session, work.group_id, work.label, self._member.server_id, server_id)

    # -- back ---------------------------------------------------------------------------------

    def undo(self) -> None:
        """Stop the original again; remove what was made in its place."""
        work = self.work
        standby = work.standby.get(self._member.server_id)
        original = standby.member.server_id if standby else None
        if original:
            cloud = work.equipment.cloud.as_service()
            (outcome,) = self.patiently(lambda: cloud.stop_servers([original]), unless=settled)
            if outcome.fault:
                raise errors.NothingRecoverable(faults=f"VM {self._member.name}: {outcome.fault}")
        work.tenant.remove_server(work.key(self._member.server_id))
        with work.sessions.begin() as session:
            pairs.removed(session, work.group_id, work.label, self._member.server_id)
