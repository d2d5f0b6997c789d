# SPDX-License-Identifier: Apache-2.0
"""What became of the groups whose VMs are off here because the other site takes them over.

The other site says itself when it gives one up; when it died before, or could not, it is asked. As
long as it is not known, nothing is started: the group may run there.
"""

import logging

from protector import errors
from protector.db import groups, operations
from protector.db.models import Operation, ProtectionGroup
from protector.domain.group import Status
from protector.domain.operation import ENDED, HandOverArguments, Kind
from protector.engine.work import Equipment
from protector.sync import handover
from protector.sync.peer import Fate

LOG = logging.getLogger(__name__)


class Handovers:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions

    def look(self) -> None:
        """Have taken back what the other site did not take, and will not."""
        for row, handed in self._waiting():
            arguments = HandOverArguments.model_validate(handed.arguments)
            try:
                peer = self._equipment.peer(row.peer_of(self._equipment.site))
                fate = peer.fate(row.id, arguments.operation_id)
            except errors.ProtectorError as silence:
                self._say(row.id, self._unknown(row, arguments, silence.text.split(". ")[0]))
                continue
            if fate is None:
                self._say(row.id, self._unknown(row, arguments, "it knows of no such operation"))
            elif _given_up(fate):
                self._take_back(row.id, handed)
            else:
                self._say(row.id, None)

    # -- inside -------------------------------------------------------------------------------

    def _waiting(self) -> list[tuple[ProtectionGroup, Operation]]:
        with self._sessions.begin() as session:
            return [
                (row, operations.of_kind(session, row.id, Kind.HAND_OVER)[0])
                for row in groups.in_status(session, Status.HANDING_OVER)
                if not operations.unended(session, row.id)
            ]

    def _take_back(self, group_id: str, handed: Operation) -> None:
        with self._sessions.begin() as session:
            row = groups.lock(session, group_id)
            newest, *_ = operations.of_kind(session, group_id, Kind.HAND_OVER)
            if row.status is Status.HANDING_OVER and newest.id == handed.id:
                LOG.warning("Protection group %s was not taken over: its VMs start", row.name)
                handover.take_back(session, self._equipment.site, row, newest)

    def _say(self, group_id: str, reason: str | None) -> None:
        with self._sessions.begin() as session:
            row = groups.lock(session, group_id)
            if row.status is Status.HANDING_OVER and row.status_reason != reason:
                row.status_reason = reason

    def _unknown(self, row: ProtectionGroup, arguments: HandOverArguments, why: str) -> str:
        site, vms = row.peer_of(self._equipment.site), " ".join(arguments.running or ["<vm>"])
        state = "active" if row.current_primary_site == row.primary_site else "failed_over"
        return (
            f"Operation {arguments.operation_id} of {site} was to take the group over, and what"
            f" became of it is not known: {why}. The VMs stay off until it is, for they may run"
            f" there. If they do not, and {site} is lost: openstack protector protection-group"
            f" reset-state {row.name} --state {state}, then: openstack server start {vms}"
        )


def _given_up(fate: Fate) -> bool:
    return fate.status in ENDED and not fate.runs_here
