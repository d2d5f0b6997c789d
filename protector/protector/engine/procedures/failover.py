# SPDX-License-Identifier: Apache-2.0
"""Failover, as an engine sees it from outside its steps."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session
from taskflow.flow import Flow

from protector.db import groups, pairs
from protector.db.models import ProtectionGroup
from protector.domain import recovery
from protector.domain.group import RETURN, Event
from protector.engine.flows.failover import planned_failover, unplanned_failover
from protector.engine.procedures import leftovers
from protector.engine.procedures.base import Procedure
from protector.engine.recovery import PlannedRecovery, Recovery

# The group runs when these begin.
REVERSING = {"set_up_reverse_replication", "wait_for_first_snapshot", "reprotect"}


class Failover(Procedure[Recovery]):
    work = Recovery

    def open(self, **parts: Any) -> Recovery:
        """A planned one whose roles have changed goes on without the other site."""
        planned = parts["arguments"].type == "planned" and parts["document"].status == "active"
        return PlannedRecovery(**parts) if planned else Recovery(**parts)

    def flow(self, work: Recovery) -> Flow:
        return (
            planned_failover(work)
            if isinstance(work, PlannedRecovery)
            else unplanned_failover(work)
        )

    def bearable(self, work: Recovery) -> set[str]:
        names = recovery.optional_steps(work.document.members)
        return names | REVERSING if work.is_planned else names

    def left(self, session: Session, work: Recovery) -> list[str]:
        """Return a sentence on each volume, and on each VM whose roles did not change with it."""
        runs = pairs.servers(session, work.group_id, work.label) if work.is_planned else {}
        return [
            *leftovers.servers(work, runs.values()),
            *leftovers.volumes(session, work),
        ]

    def give_back(
        self,
        session: Session,
        work: Recovery,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        """What is not undone, or runs, leaves a group that was active in error."""
        resumed = work.document.status == "failed_over_partial"
        runs = pairs.servers(session, work.group_id, work.label)
        made = runs or pairs.volumes(session, work.group_id, work.label)
        if resumed or not made or (undone and not runs):
            groups.advance(session, row, RETURN[work.document.status])
        else:
            groups.advance(session, row, Event.BREAK)
            row.status_reason = "\n".join(said)
