# SPDX-License-Identifier: Apache-2.0
"""Operations at rest; claims.py says who works on one. Callers own the transaction."""

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector import errors
from protector.db import paging
from protector.db.models import Operation, OperationStep, now
from protector.domain import operation


class Outcome(NamedTuple):
    """How a step of an operation stands."""

    name: str
    status: operation.StepStatus


def create(session: Session, **values: Any) -> Operation:
    row = Operation(**values, plan={})
    session.add(row)
    session.flush()
    return row


def get(session: Session, operation_id: str, *, project_id: str | None = None) -> Operation:
    """Return the operation; with a project, only if it is that one's."""
    row = session.get(Operation, operation_id)
    if row is None or project_id not in (None, row.project_id):
        raise errors.OperationNotFound(operation=operation_id)
    return row


def list_for(
    session: Session,
    project_id: str,
    *,
    page: paging.Page,
    group_id: str | None = None,
    status: operation.Status | None = None,
) -> Sequence[Operation]:
    query = sa.select(Operation).filter_by(project_id=project_id)
    if group_id is not None:
        query = query.filter_by(group_id=group_id)
    if status is not None:
        query = query.filter_by(status=status)
    marker = get(session, page.marker, project_id=project_id) if page.marker else None
    return session.scalars(paging.paged(query, Operation, page, marker)).all()


def steps_of(session: Session, operation_ids: Sequence[str]) -> dict[str, list[OperationStep]]:
    """Return operation id -> its steps that have begun, in the order in which they did."""
    rows = session.scalars(
        sa.select(OperationStep)
        .where(OperationStep.operation_id.in_(operation_ids))
        .order_by(OperationStep.started_at, OperationStep.name)
    )
    found: dict[str, list[OperationStep]] = {id: [] for id in operation_ids}
    for row in rows:
        found[row.operation_id].append(row)
    return found


def outcomes_of(session: Session, operation_ids: Sequence[str]) -> dict[str, list[Outcome]]:
    """Return what :func:`steps_of` does, of long lists: how each step stands, and no more."""
    rows = session.execute(
        sa.select(OperationStep.operation_id, OperationStep.name, OperationStep.status)
        .where(OperationStep.operation_id.in_(operation_ids))
        .order_by(OperationStep.started_at, OperationStep.name)
    )
    found: dict[str, list[Outcome]] = {id: [] for id in operation_ids}
    for operation_id, name, status in rows:
        found[operation_id].append(Outcome(name, status))
    return found


def unended(session: Session, group_id: str) -> Sequence[Operation]:
    return session.scalars(
        sa.select(Operation).where(
            Operation.group_id == group_id, Operation.status.not_in(operation.ENDED)
        )
    ).all()


def peer_may_be_lost(session: Session) -> bool:
    """Tell whether this site has an operation to do, of any group, that presumes so."""
    rows = session.execute(
        sa.select(Operation.kind, Operation.arguments).where(
            Operation.status.not_in(operation.ENDED)
        )
    )
    return any(operation.presumes_loss(kind, arguments) for kind, arguments in rows)


def find(session: Session, operation_id: str) -> Operation | None:
    return session.get(Operation, operation_id)


def of_kind(session: Session, group_id: str, kind: operation.Kind) -> Sequence[Operation]:
    """Return the group's operations of the kind, newest first."""
    return session.scalars(
        sa.select(Operation)
        .filter_by(group_id=group_id, kind=kind)
        .order_by(Operation.created_at.desc(), Operation.id.desc())
    ).all()


def has_failed(session: Session, group_id: str) -> bool:
    """Tell whether any of the group's operations, of whatever kind, has failed or was cancelled."""
    failed = (operation.Status.FAILED, operation.Status.CANCELLED)
    found = sa.exists().where(Operation.group_id == group_id, Operation.status.in_(failed))
    return bool(session.scalar(sa.select(found)))


def latest(session: Session, group_id: str) -> Operation:
    """Return the group's newest operation.

    :raises OperationNotFound: it never had one.
    """
    row = session.scalars(
        sa.select(Operation)
        .filter_by(group_id=group_id)
        .order_by(Operation.created_at.desc(), Operation.id.desc())
        .limit(1)
    ).first()
    if row is None:
        raise errors.OperationNotFound(operation=f"of {group_id}")
    return row


def ask_to_cancel(
    session: Session, operation_id: str, how: operation.Cancel, user_id: str
) -> operation.Status | None:
    """Write down that the operation is to be cancelled; whoever works on it will see.

    :returns: the status it is in; None when it has ended already.
    """
    row = session.get(Operation, operation_id, with_for_update=True, populate_existing=True)
    if row is None or row.status in operation.ENDED:
        return None
    row.cancel, row.cancelled_by = how, user_id
    return row.status


def cancel_queued(session: Session, operation_id: str) -> None:
    """End an operation that no engine has begun."""
    row = get(session, operation_id)
    row.status = operation.Status.CANCELLED
    row.error_message = "The operation was cancelled before an engine began it."
    row.completed_at = now()
    session.flush()


def cancelled(session: Session, operation_id: str) -> operation.Cancel | None:
    return session.scalar(sa.select(Operation.cancel).filter_by(id=operation_id))


def is_live(row: Operation, *, silence: datetime.timedelta) -> bool:
    """Tell whether an engine has shown within that time that it works on the operation."""
    return row.owner is not None and (row.updated_at or row.created_at) > now() - silence


def end(session: Session, row: Operation, reason: str) -> None:
    """End an operation as failed, whoever works on it: the claim is lost with it."""
    row.status = operation.Status.FAILED
    row.error_message = "\n".join(filter(None, (row.error_message, reason)))
    row.completed_at = now()
    session.flush()


def trusts_to_drop(session: Session) -> dict[str, str]:
    """Return operation id -> its trust, of those that have ended and need it no longer."""
    rows = session.execute(
        sa.select(Operation.id, Operation.trust_id).where(
            Operation.trust_id.is_not(None), Operation.status.in_(operation.ENDED)
        )
    )
    return {id: trust_id for id, trust_id in rows if trust_id}


def trusts(session: Session) -> set[str]:
    """Return all trusts that an operation has."""
    rows = session.scalars(sa.select(Operation.trust_id).where(Operation.trust_id.is_not(None)))
    return {trust_id for trust_id in rows if trust_id}


def trust_dropped(session: Session, operation_id: str) -> None:
    session.execute(sa.update(Operation).filter_by(id=operation_id).values(trust_id=None))
