# SPDX-License-Identifier: Apache-2.0
"""A test failover and its cleanup, as an engine sees them from outside their steps."""

from collections.abc import Sequence

from sqlalchemy.orm import Session
from taskflow.flow import Flow

from protector.db import groups, operations, pairs, rehearsals
from protector.db.models import ProtectionGroup
from protector.domain import recovery
from protector.domain.group import RETURN
from protector.domain.operation import Cancel
from protector.engine.flows.rehearsal import clean_up, rehearse
from protector.engine.procedures.base import Procedure
from protector.engine.rehearsal import Cleanup, Rehearsal

REMOVE = "openstack protector protection-group test-cleanup {group}"


class Rehearse(Procedure[Rehearsal]):
    work = Rehearsal

    def flow(self, work: Rehearsal) -> Flow:
        return rehearse(work)

    def bearable(self, work: Rehearsal) -> set[str]:
        return recovery.optional_steps(work.document.members)

    def left(self, session: Session, work: Rehearsal) -> list[str]:
        remove = REMOVE.format(group=work.document.name)
        return [f"What the test has made is still on {work.site}. Remove it: {remove}"]

    def give_back(
        self,
        session: Session,
        work: Rehearsal,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        """A test of which anything may be there leaves a group that is testing."""
        work.begin(session)  # of a test that did not come so far
        operation_id = work.claim.operation_id
        rehearsals.end(session, operation_id, rehearsals.FAILED)
        kept = operations.cancelled(session, operation_id) is Cancel.KEEP
        if undone and not kept and not pairs.servers(session, work.group_id, work.label):
            rehearsals.cleaned(session, operation_id)
            groups.advance(session, row, RETURN[work.document.status])

    def way_on(self, work: Rehearsal) -> str:
        remove = REMOVE.format(group=work.document.name)
        return (
            f"See what came up: openstack protector operation show {work.claim.operation_id}."
            f" As long as the group is testing, remove it before the next test: {remove}"
        )


class CleanUp(Procedure[Cleanup]):
    work = Cleanup

    def flow(self, work: Cleanup) -> Flow:
        return clean_up(work)

    def give_back(
        self,
        session: Session,
        work: Cleanup,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        """The test is still there, and so is the group's testing."""
