# SPDX-License-Identifier: Apache-2.0
"""A change of a group, on both sites or not at all.

prepare at the peer -> commit here -> commit at the peer. The last may be lost: the group is then
PENDING, and :func:`repeat_commits` delivers until the peer has acknowledged.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session, sessionmaker

from protector import errors
from protector.db import documents, groups
from protector.db.models import ProtectionGroup, RecoveryDocument
from protector.domain import document as domain
from protector.domain import group
from protector.domain.document import Document
from protector.domain.group import Event
from protector.domain.sync import Status
from protector.sync.conflict import conflict
from protector.sync.peer import Base, Head, Peer, PeerSite

LOG = logging.getLogger(__name__)

Sessions = sessionmaker[Session]

# A site that is busy with a group tells the peer nothing of it.
BUSY = (group.Status.CREATING, group.Status.FAILING_OVER, group.Status.DELETING)


def introduce(sessions: Sessions, peer: Peer, group_id: str) -> PeerSite:
    """See that the peer is there before anything is changed here.

    :raises PeerUnreachable, PeerRefused: the group says why.
    """
    with _noting(sessions, group_id):
        return peer.introduce()


def commit_edit(sessions: Sessions, peer: Peer, document: Document) -> None:
    """Put the next version of a group in force on both sites.

    :raises PeerUnreachable, PeerRefused, DocumentConflict, EditedMeanwhile: nothing was changed.
    """
    settle(sessions, peer, document.group_id)
    base = _base(sessions, document.group_id)
    with _noting(sessions, document.group_id):
        peer.prepare(document, base)
    try:
        with sessions.begin() as session:
            _must_be(session, document, base)
            documents.commit(session, document, acknowledged=False)
            row = groups.adopt(session, document, document.site)
            groups.unsynced(row, Status.PENDING, None)
    except errors.ProtectorError:
        with contextlib.suppress(errors.ProtectorError):
            peer.withdraw(document.group_id, domain.checksum(document))
        raise
    with contextlib.suppress(errors.ProtectorError), _noting(sessions, document.group_id):
        peer.commit(document.group_id, domain.checksum(document))
        _acknowledged(sessions, document.group_id, domain.checksum(document))


def commit_local(session: Session, document: Document) -> ProtectionGroup:
    """Put a version in force here alone: the peer is gone, and has to be told when it is back.

    Committing the same version again changes nothing.
    """
    documents.abandon(session, document.group_id)
    documents.commit(session, document, acknowledged=False)
    row = groups.adopt(session, document, document.site)
    groups.unsynced(row, Status.UNREACHABLE, None)
    return row


def deliver(sessions: Sessions, peer: Peer, group_id: str) -> RecoveryDocument:
    """Bring the peer to the version in force here, and return it.

    What the peer may have prepared since and never put in force is forgotten there.

    :raises WrongStatus: this site is busy with the group, and says nothing of it.
    :raises DocumentConflict: the peer's is no version from which ours came.
    :raises PeerUnreachable, PeerRefused: as the peer does; the group says why.
    """
    with sessions.begin() as session:
        must_not_be_busy(groups.get(session, group_id))
    with _noting(sessions, group_id):
        head = peer.head(group_id)
        with sessions.begin() as session:
            ours = documents.in_force(session, group_id)
            _must_descend(session, ours.document, head, peer.site)
        peer.prepare(ours.document, head.base if head else None)
        if head is None or head.checksum != ours.checksum:
            peer.commit(group_id, ours.checksum)
        _acknowledged(sessions, group_id, ours.checksum)
    return ours


def must_not_be_busy(row: ProtectionGroup) -> None:
    """:raises WrongStatus: the peer is not to be asked anything about the group now."""
    if row.status in BUSY:
        raise group.refusal(row.status, "be synchronized", name=row.name)


def settle(sessions: Sessions, peer: Peer, group_id: str) -> None:
    """Deliver a version that the peer has not acknowledged yet, before the next is made."""
    with sessions.begin() as session:
        row = groups.get(session, group_id)
        pending = row.version > 0 and row.remote_sync_status is Status.PENDING
    if pending:
        deliver(sessions, peer, group_id)


def repeat_commits(sessions: Sessions, peer_of: Callable[[str], Peer], site: str) -> None:
    """Deliver every version that is in force here and not acknowledged by the peer."""
    with sessions.begin() as session:
        waiting = groups.unacknowledged(session)
    for row in waiting:
        try:
            deliver(sessions, peer_of(row.peer_of(site)), row.id)
        except errors.PeerUnreachable:
            return
        except errors.ProtectorError as refusal:
            LOG.warning("Protection group %s is not synchronized: %s", row.name, refusal)


def delete(sessions: Sessions, peer: Peer, group_id: str) -> None:
    """Forget the group, at the peer first: what the peer refuses is not done here."""
    with _noting(sessions, group_id):
        peer.delete(group_id)
    with sessions.begin() as session:
        groups.delete(session, group_id)


# -- inside -----------------------------------------------------------------------------------


def _base(sessions: Sessions, group_id: str) -> Base | None:
    with sessions.begin() as session:
        row = documents.current(session, group_id)
        return Base(row.epoch, row.version) if row else None


def _must_be(session: Session, document: Document, base: Base | None) -> None:
    """Hold the group, and see that nobody changed it since we looked."""
    row = groups.lock(session, document.group_id)
    group.after(row.status, Event.EDIT if base else Event.CREATE, name=row.name)
    current = documents.current(session, document.group_id)
    if base != (Base(current.epoch, current.version) if current else None):
        raise errors.EditedMeanwhile(group=row.name)


def _must_descend(session: Session, ours: Document, head: Head | None, peer_site: str) -> None:
    if head and not documents.descends_from(session, ours.group_id, head.checksum):
        raise conflict(ours, head, site=ours.site, peer_site=peer_site)


def _acknowledged(sessions: Sessions, group_id: str, checksum: str) -> None:
    with sessions.begin() as session:
        version = documents.get(session, group_id, checksum)
        version.acknowledged = True
        if version.standing == documents.CURRENT:
            row = groups.get(session, group_id)
            groups.synced(row, version.epoch, version.version)


@contextlib.contextmanager
def _noting(sessions: Sessions, group_id: str) -> Iterator[None]:
    """Let the group tell what the peer said, when it said no or nothing."""
    try:
        yield
    except (errors.PeerUnreachable, errors.PeerRefused, errors.DocumentConflict) as refusal:
        with sessions.begin() as session:
            row = groups.find(session, group_id)
            if row is not None:
                _note(row, refusal)
        raise


def _note(row: ProtectionGroup, refusal: errors.ProtectorError) -> None:
    status = row.remote_sync_status
    if isinstance(refusal, errors.DocumentConflict):
        groups.unsynced(row, Status.BLOCKED, refusal.text)
    elif isinstance(refusal, errors.PeerUnreachable):
        keep = status is Status.PENDING  # it is delivered when the peer is back
        groups.unsynced(row, status if keep else Status.UNREACHABLE, refusal.kwargs["reason"])
    elif status is not Status.SYNCED:  # a refused edit leaves both sites as they were, and equal
        keep = status is Status.PENDING
        groups.unsynced(row, status if keep else Status.FAILED, refusal.text)
