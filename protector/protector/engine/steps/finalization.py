# SPDX-License-Identifier: Apache-2.0
"""The last step: from now on this is the group's primary site."""

import contextlib

from protector import errors
from protector.db import claims, documents, operations
from protector.domain.document import Document, moment
from protector.domain.operation import Cancel
from protector.engine.recovery import PlannedRecovery
from protector.engine.step import Result, repeated
from protector.engine.steps.base import RecoveryStep
from protector.sync import edit
from protector.sync.noting import noting


class Finalization(RecoveryStep):
    """Put the group's next version in force here; then, and only then, tell the peer."""

    @repeated
    def execute(self) -> Result:
        if not self.work.servers():
            raise errors.NothingRecoverable(faults="No VM came up, so all was undone.")
        self._commit()
        return {"detail": self._tell_the_peer()}

    def stops_for(self, cancel: Cancel | None) -> bool:
        return cancel is Cancel.UNDO or (cancel is Cancel.KEEP and not self.work.servers())

    def _commit(self) -> None:
        """Unless it was done, and an engine died before it was written down."""
        work, following = self.work, self._next()
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            current = documents.in_force(session, work.group_id)
            if current.checksum == work.arguments.document:
                # The row is held: whoever cancels now comes too late.
                if operations.cancelled(session, work.claim.operation_id) is Cancel.UNDO:
                    raise errors.OperationCancelled(operation=work.claim.operation_id)
                edit.commit_local(session, following)

    def _next(self) -> Document:
        before, site = self.work.document, self.work.site
        at = moment()
        resumed = before.status == "failed_over_partial"
        return before.model_copy(
            update={
                "epoch": self.work.epoch + 1,
                "version": before.version + 1,
                "site": site,
                "modified_at": at,
                "current_primary_site": site,
                "members": self.work.members,
                "status": "failed_over_partial" if self.work.missing() else "failed_over",
                "failover_count": before.failover_count + (not resumed),
                "last_failover_at": before.last_failover_at if resumed else at,
            }
        )

    def _tell_the_peer(self) -> str:
        """One attempt: after a disaster there is most often nobody to be told."""
        peer_site = self.work.document.peer_of(self.work.site)
        with contextlib.suppress(errors.ProtectorError):
            edit.deliver(
                self.work.sessions, self.work.equipment.peer(peer_site), self.work.group_id
            )
            return f"{peer_site} has the new version"
        return f"{peer_site} does not have the new version yet"


class TakeOver(Finalization):
    """The same on both sites, or on none: prepared there, put in force here, committed there.

    Up to the moment in which it is in force here, everything can be undone.
    """

    work: PlannedRecovery

    def __init__(self, work: PlannedRecovery) -> None:
        super().__init__(work, "finalization")

    def stops_for(self, cancel: Cancel | None) -> bool:
        return cancel is not None

    def _commit(self) -> None:
        if self.work.roles_changed():
            return  # and an engine died before it was written down
        self._must_be_handed_over()
        work, peer, following = self.work, self.work.peer, self._next()
        version = edit.travelling(following)
        with noting(work.sessions, work.group_id):
            edit.prepare(peer, version, work.arguments.document)
        try:
            with work.sessions.begin() as session:
                claims.hold(session, work.claim)
                # The row is held: whoever cancels now comes too late.
                if operations.cancelled(session, work.claim.operation_id):
                    raise errors.OperationCancelled(operation=work.claim.operation_id)
                edit.put_in_force(session, following)
        except errors.OperationCancelled:
            with contextlib.suppress(errors.ProtectorError):
                peer.withdraw(version.group_id, version.checksum)
            raise

    def _must_be_handed_over(self) -> None:
        work, peer = self.work, self.work.peer
        state = peer.hand_over_state(work.group_id, work.claim.operation_id)
        if state is None or not state.holds:
            said = (state and state.said) or f"{peer.site} has taken it back meanwhile."
            raise errors.HandOverFailed(group=work.document.name, peer_site=peer.site, reason=said)
