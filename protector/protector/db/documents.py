# SPDX-License-Identifier: Apache-2.0
"""The versions of each group's recovery document. Callers own the transaction."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector import errors
from protector.db.models import RecoveryDocument
from protector.domain import document as domain
from protector.domain.document import Document

CURRENT = "current"
PREPARED = "prepared"
PAST = "past"
# Prepared by the peer, and overtaken by a failover here: no ancestor of what came after.
ABANDONED = "abandoned"


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


def prepare(session: Session, document: Document) -> None:
    """Keep a version until the peer commits it; it replaces one prepared before."""
    drop_prepared(session, document.group_id)
    _put(session, document, PREPARED)


def commit(session: Session, document: Document, *, acknowledged: bool) -> RecoveryDocument:
    """Put a version in force; the one that was becomes past, one that was prepared goes."""
    before = current(session, document.group_id)
    row = _put(session, document, CURRENT)
    row.acknowledged = acknowledged
    if before is not None and before is not row:
        before.standing = PAST
    session.flush()
    drop_prepared(session, document.group_id)
    return row


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


def descends_from(session: Session, group_id: str, checksum: str) -> bool:
    """Tell whether a version is the one in force or one of those it came from."""
    row = find(session, group_id, checksum)
    return row is not None and row.standing in (CURRENT, PAST)


def delete_all(session: Session, group_id: str) -> None:
    session.execute(sa.delete(RecoveryDocument).filter_by(group_id=group_id))


def _sole(session: Session, group_id: str, standing: str) -> RecoveryDocument | None:
    return session.scalar(
        sa.select(RecoveryDocument).filter_by(group_id=group_id, standing=standing)
    )


def _put(session: Session, document: Document, standing: str) -> RecoveryDocument:
    checksum = domain.checksum(document)
    row = find(session, document.group_id, checksum)
    if row is None:
        row = RecoveryDocument(
            group_id=document.group_id,
            epoch=document.epoch,
            version=document.version,
            checksum=checksum,
            body=domain.canonical(document).decode(),
        )
        session.add(row)
    row.standing = standing
    return row
