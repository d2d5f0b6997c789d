# SPDX-License-Identifier: Apache-2.0
"""Test failovers at rest. Callers own the transaction."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector.db.models import Rehearsal, now

PASSED, FAILED = "passed", "failed"


def begin(session: Session, operation_id: str, **values: Any) -> None:
    """Write a test down before it makes anything; what is written already stays."""
    if find(session, operation_id) is None:
        session.add(Rehearsal(operation_id=operation_id, networks={}, **values))
        session.flush()


def find(session: Session, operation_id: str) -> Rehearsal | None:
    return session.get(Rehearsal, operation_id, populate_existing=True)


def uncleaned(session: Session, group_id: str) -> Rehearsal | None:
    """Return the group's test of which something may still be there."""
    return session.scalars(
        sa.select(Rehearsal)
        .filter_by(group_id=group_id, cleaned_at=None)
        .order_by(Rehearsal.started_at.desc())
        .limit(1)
    ).first()


def expired(session: Session) -> Sequence[Rehearsal]:
    """Return the tests whose time is over, and that are still to be cleaned up."""
    return session.scalars(
        sa.select(Rehearsal).where(Rehearsal.cleaned_at.is_(None), Rehearsal.expires_at < now())
    ).all()


def last(session: Session, group_ids: Collection[str]) -> dict[str, Rehearsal]:
    """Return group -> its last test that has ended."""
    newest = (
        sa.select(Rehearsal.group_id, sa.func.max(Rehearsal.started_at).label("at"))
        .where(Rehearsal.group_id.in_(group_ids), Rehearsal.ended_at.is_not(None))
        .group_by(Rehearsal.group_id)
        .subquery()
    )
    rows = session.scalars(
        sa.select(Rehearsal).join(
            newest,
            (Rehearsal.group_id == newest.c.group_id) & (Rehearsal.started_at == newest.c.at),
        )
    )
    return {row.group_id: row for row in rows}


def end(
    session: Session,
    operation_id: str,
    result: str,
    *,
    rto_seconds: int | None = None,
    point: str | None = None,
) -> None:
    """Write down how it went, unless that was done before."""
    row = find(session, operation_id)
    if row is not None and row.result is None:
        row.result, row.rto_seconds, row.point = result, rto_seconds, point
        row.ended_at = now()
        session.flush()


def cleaned(session: Session, operation_id: str) -> None:
    """Nothing of it is there any more."""
    row = find(session, operation_id)
    if row is not None and row.cleaned_at is None:
        row.cleaned_at = now()
        session.flush()
