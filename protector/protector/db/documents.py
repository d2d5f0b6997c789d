# SPDX-License-Identifier: Apache-2.0
"""The versions of each group's recovery document. Callers own the transaction.

Each has a standing. ``current`` is in force, one a group at most; ``past`` are those it came from.
``prepared`` was sent by the peer, which has not committed it yet. Out of the line of versions are
``overwritten``, which lost when a conflict was settled, and ``abandoned``, which was prepared when
a failover here overtook it.
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector import errors
from protector.db.models import RecoveryDocument
from protector.domain import document as domain
from protector.domain.document import Document

CURRENT = "current"
PREPARED = "prepared"
PAST = "past"
OVERWRITTEN = "overwritten"
ABANDONED = "abandoned"

# Of those that are past and that the peer has too, so many are kept; each may be large.
KEPT = 50


def current(session: Session, group_id: str) -> RecoveryDocument | None:
    """Return the version in force; None for a group that is still being created."""
    return _sole(session, group_id, CURRENT)


def in_force(session: Session, group_id: str) -> RecoveryDocument:
    """:raises DocumentNotFound: the group has none yet."""
    row = current(session, group_id)
    if row is None:
        raise errors.DocumentNotFound(group=group_id, checksum="in force")
    return row


def prepared(session: Session, group_id: str) -> RecoveryDocument | None:
    """Return the version that the peer has begun and not finished, if any."""
    return _sole(session, group_id, PREPARED)


def get(session: Session, group_id: str, checksum: str) -> RecoveryDocument:
    row = find(session, group_id, checksum)
    if row is None:
        raise errors.DocumentNotFound(group=group_id, checksum=checksum)
    return row


def find(session: Session, group_id: str, checksum: str) -> RecoveryDocument | None:
    return session.scalar(
        sa.select(RecoveryDocument).filter_by(group_id=group_id, checksum=checksum)
    )


def of_groups(session: Session, group_ids: Collection[str]) -> dict[str, Document]:
    """Return group id -> its document in force."""
    rows = session.scalars(
        sa.select(RecoveryDocument).where(
            RecoveryDocument.group_id.in_(group_ids), RecoveryDocument.standing == CURRENT
        )
    )
    return {row.group_id: row.document for row in rows}


def history(session: Session, group_id: str) -> Sequence[RecoveryDocument]:
    """Return every version that is kept, newest first."""
    return session.scalars(
        sa.select(RecoveryDocument)
        .filter_by(group_id=group_id)
        .order_by(
            RecoveryDocument.epoch.desc(),
            RecoveryDocument.version.desc(),
            RecoveryDocument.id.desc(),
        )
    ).all()


def standings(session: Session, standing: str) -> dict[str, str]:
    """Return group id -> checksum of its version of this standing (current or prepared)."""
    rows = session.execute(
        sa.select(RecoveryDocument.group_id, RecoveryDocument.checksum).filter_by(standing=standing)
    )
    return {group_id: checksum for group_id, checksum in rows}


def shared(session: Session, group_id: str) -> RecoveryDocument | None:
    """Return the last version of the line that both sites had."""
    return session.scalar(
        sa.select(RecoveryDocument)
        .filter_by(group_id=group_id, acknowledged=True)
        .where(RecoveryDocument.standing.in_((CURRENT, PAST)))
        .order_by(RecoveryDocument.epoch.desc(), RecoveryDocument.version.desc())
        .limit(1)
    )


def keep(session: Session, document: Document, standing: str) -> RecoveryDocument:
    """Keep a version that was written here."""
    body = document.model_dump(mode="json")
    spelling = domain.spelled(body)
    return _keep(session, body, domain.digest(spelling), spelling, standing)


def keep_sent(
    session: Session, body: dict[str, Any], checksum: str, standing: str
) -> RecoveryDocument:
    """Keep a version as it was sent; one that is known already only changes its standing."""
    return _keep(session, body, checksum, domain.spelled(body), standing)


def _keep(
    session: Session, body: dict[str, Any], checksum: str, spelling: bytes, standing: str
) -> RecoveryDocument:
    row = find(session, body["group_id"], checksum)
    if row is None:
        row = RecoveryDocument(
            group_id=body["group_id"],
            epoch=body["epoch"],
            version=body["version"],
            checksum=checksum,
            body=spelling.decode(),
        )
        session.add(row)
    row.standing = standing
    session.flush()
    return row


def prepare(
    session: Session, body: dict[str, Any], checksum: str, *, overwrites: bool = False
) -> None:
    """Keep a version until the peer commits or withdraws it."""
    keep_sent(session, body, checksum, PREPARED).overwrites = overwrites


def commit(
    session: Session, row: RecoveryDocument, *, acknowledged: bool, before: str = PAST
) -> None:
    """Put a version in force, and forget one that is prepared.

    :param before: the standing of the one that was.
    """
    for was in _all(session, row.group_id, CURRENT):
        was.standing = before
    row.acknowledged = acknowledged
    row.standing = CURRENT
    session.flush()
    drop_prepared(session, row.group_id)
    _prune(session, row.group_id)


def abandon(session: Session, group_id: str) -> None:
    """Keep what the peer has begun and not finished, but out of the line of versions."""
    row = prepared(session, group_id)
    if row is not None:
        row.standing = ABANDONED


def withdraw(session: Session, group_id: str, checksum: str) -> None:
    """Forget a prepared version; none is no error."""
    session.execute(
        sa.delete(RecoveryDocument).filter_by(
            group_id=group_id, checksum=checksum, standing=PREPARED
        )
    )


def drop_prepared(session: Session, group_id: str) -> None:
    """Forget what the peer has begun and not finished."""
    session.execute(sa.delete(RecoveryDocument).filter_by(group_id=group_id, standing=PREPARED))


def precedes(session: Session, group_id: str, checksum: str) -> RecoveryDocument | None:
    """Return the version, if the one in force is it, came from it, or was to overwrite it."""
    row = find(session, group_id, checksum)
    return row if row and row.standing in (CURRENT, PAST, OVERWRITTEN) else None


def delete_all(session: Session, group_id: str) -> None:
    session.execute(sa.delete(RecoveryDocument).filter_by(group_id=group_id))


def _sole(session: Session, group_id: str, standing: str) -> RecoveryDocument | None:
    return next(iter(_all(session, group_id, standing)), None)


def _all(session: Session, group_id: str, standing: str) -> Sequence[RecoveryDocument]:
    return session.scalars(
        sa.select(RecoveryDocument).filter_by(group_id=group_id, standing=standing)
    ).all()


def _prune(session: Session, group_id: str) -> None:
    past = (
        sa.select(RecoveryDocument.id)
        .filter_by(group_id=group_id, standing=PAST, acknowledged=True)
        .order_by(RecoveryDocument.id.desc())
        .offset(KEPT)
        .limit(KEPT)
    )
    beyond = session.scalars(past).all()
    if beyond:
        session.execute(sa.delete(RecoveryDocument).where(RecoveryDocument.id.in_(beyond)))
