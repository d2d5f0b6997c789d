# SPDX-License-Identifier: Apache-2.0
"""The steps of an operation, as they go. Callers own the transaction."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector.db.models import Operation, OperationStep, now
from protector.domain.operation import Status, StepStatus

# Steps, newest first, that tell how long such steps take here.
TELLING = 1000


def get_all(session: Session, operation_id: str) -> dict[str, OperationStep]:
    """Return name -> step, of those that have begun."""
    rows = session.scalars(sa.select(OperationStep).filter_by(operation_id=operation_id))
    return {row.name: row for row in rows}


def durations(session: Session) -> list[tuple[str, float]]:
    """Return name and seconds of the latest steps of operations that were completed here."""
    rows = session.execute(
        sa.select(OperationStep.name, OperationStep.started_at, OperationStep.ended_at)
        .join(Operation, Operation.id == OperationStep.operation_id)
        .where(
            Operation.status == Status.COMPLETED,
            OperationStep.status == StepStatus.COMPLETED,
        )
        .order_by(OperationStep.started_at.desc())
        .limit(TELLING)
    )
    return [(name, (ended - started).total_seconds()) for name, started, ended in rows if ended]


def find(session: Session, operation_id: str, name: str) -> OperationStep | None:
    return session.get(OperationStep, (operation_id, name))


def begun(session: Session, operation_id: str, name: str, phase: str) -> None:
    """Write that the step runs; one that runs again after a crash keeps when it first began."""
    row = find(session, operation_id, name)
    if row is None:
        row = OperationStep(operation_id=operation_id, name=name, phase=phase, started_at=now())
        session.add(row)
    row.status = StepStatus.RUNNING
    row.ended_at = row.detail = None


def ended(
    session: Session, operation_id: str, name: str, status: StepStatus, detail: str | None
) -> None:
    """Write how it ended; what is said of a failed undoing comes after what was said before."""
    row = session.get_one(OperationStep, (operation_id, name))
    before = None if row.status is StepStatus.RUNNING else row.detail
    row.status = status
    row.ended_at = now()
    row.detail = "\n".join(filter(None, (before, detail))) or None


def told(session: Session, operation_id: str, name: str, detail: str) -> None:
    """Write how far a step has come that runs."""
    row = find(session, operation_id, name)
    if row is not None and row.status is StepStatus.RUNNING:
        row.detail = detail


def undone(session: Session, operation_id: str, name: str) -> None:
    """Write that what it had completed is undone; what had failed stays failed."""
    row = session.get_one(OperationStep, (operation_id, name))
    if row.status is StepStatus.COMPLETED:
        row.status = StepStatus.UNDONE
