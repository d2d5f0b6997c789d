# SPDX-License-Identifier: Apache-2.0
"""A change of a group, on both sites or not at all.

prepare at the peer -> commit here -> commit at the peer. The last may be lost: the group is then
PENDING, and :func:`repeat_commits` delivers until the peer has acknowledged. Whoever changes a
group holds it meanwhile (see editing.py).
"""

import contextlib
import logging
from collections.abc import Callable

from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, editing, groups
from protector.db.models import ProtectionGroup, RecoveryDocument
from protector.db.session import Sessions
from protector.domain import document as domain
from protector.domain import group, release
from protector.domain.document import Document
from protector.domain.group import Event
from protector.domain.sync import Status
from protector.sync import receive
from protector.sync.conflict import conflict
from protector.sync.editing import UNSEEN, Editors
from protector.sync.guards import must_not_be_busy
from protector.sync.noting import noting
from protector.sync.peer import Peer, PeerSite, Version

LOG = logging.getLogger(__name__)

MIB = 2**20
# What one message may carry: less than what MariaDB takes at once as it is installed (16 MiB).
LIMIT = 8 * MIB


def introduce(sessions: Sessions, peer: Peer, group_id: str, site: str) -> PeerSite:
    """See that the peer is there, and understands us, before cloud or array are changed for it.

    What is only written down is refused by the peer itself when it is sent.

    :raises PeerUnreachable, PeerRefused, PeerTooOld: the group says why.
    """
    with noting(sessions, group_id):
        told = peer.introduce()
        if told.newest_schema < release.NEWEST:
            raise errors.PeerTooOld(
                peer_site=peer.site,
                peer_schema=told.newest_schema,
                site=site,
                schema=release.NEWEST,
            )
    return told


def commit_edit(sessions: Sessions, peer: Peer, document: Document, editor: str) -> None:
    """Put the next version of a group in force on both sites.

    :raises PeerUnreachable, PeerRefused, PeerTooOld, DocumentConflict, DocumentTooLarge,
        EditedMeanwhile: nothing was changed.
    """
    version = travelling(document)
    base = settle(sessions, peer, document.group_id)
    try:
        with noting(sessions, document.group_id):
            prepare(peer, version, base)
    except errors.PeerRefused:
        # It may be of a release that does not know what it was sent.
        introduce(sessions, peer, document.group_id, document.site)
        raise
    try:
        with sessions.begin() as session:
            _must_be(session, document, base, editor)
            put_in_force(session, document)
    except errors.ProtectorError:
        with contextlib.suppress(errors.ProtectorError):
            peer.withdraw(version.group_id, version.checksum)
        raise
    finish(sessions, peer, version)


def commit_change(
    sessions: Sessions,
    peer: Peer,
    document: Document,
    *,
    base: str,
    hold: Callable[[Session], None],
) -> None:
    """Put in force on both sites what an operation has come to, which is busy with the group.

    It may be repeated with a document that is written anew: when it is in force here already, it
    is only brought to the peer.

    :param base: checksum of the version that the operation works by.
    :param hold: raises when the operation is not ours any more; called where it is committed.
    :raises PeerUnreachable, PeerRefused, DocumentConflict, DocumentTooLarge: nothing was changed.
    """
    group_id = document.group_id
    with sessions.begin() as session:
        hold(session)
        done = documents.in_force(session, group_id).checksum != base
    if done:
        settle(sessions, peer, group_id)
        return
    version = travelling(document)
    with noting(sessions, group_id):
        prepare(peer, version, base)
    with sessions.begin() as session:
        hold(session)
        if documents.in_force(session, group_id).checksum != base:
            raise errors.EditedMeanwhile(group=document.name)
        put_in_force(session, document)
    finish(sessions, peer, version)


def travelling(document: Document) -> Version:
    """Return a version that was written here as it is sent.

    :raises DocumentTooLarge: it is not.
    """
    body = document.model_dump(mode="json")
    spelling = domain.spelled(body)
    if len(spelling) > LIMIT:
        raise errors.DocumentTooLarge(
            group=document.name,
            size=-(-len(spelling) // MIB),
            limit=LIMIT // MIB,
            members=len(document.members),
        )
    return Version(document.group_id, domain.digest(spelling), body)


def prepare(peer: Peer, version: Version, base: str | None) -> None:
    """Have the peer keep a version, in place of one that was begun there and given up.

    What is begun there is ours to take back: it was to follow what is in force on both sites, and
    whoever holds the group has not put it in force here.
    """
    try:
        peer.prepare(version, base)
    except errors.PeerRefused:
        begun = peer.standing(version.group_id, base).prepared
        if begun is None:
            raise
        peer.withdraw(version.group_id, begun)
        peer.prepare(version, base)


def put_in_force(session: Session, document: Document, *, before: str = documents.PAST) -> None:
    """Commit here what is prepared at the peer, and owe it the commit there."""
    row = documents.keep(session, document, documents.CURRENT)
    documents.commit(session, row, acknowledged=False, before=before)
    groups.unsynced(groups.adopt(session, document, document.site), Status.PENDING, None)


def finish(sessions: Sessions, peer: Peer, version: Version) -> None:
    """Have the peer commit what is in force here; if it cannot be told now, it is later."""
    with contextlib.suppress(errors.ProtectorError), noting(sessions, version.group_id):
        peer.commit(version.group_id, version.checksum)
        acknowledged(sessions, version.group_id, version.checksum)


def commit_local(session: Session, document: Document) -> ProtectionGroup:
    """Put a version in force here alone: the peer is gone, and has to be told when it is back.

    Committing the same version again changes nothing.
    """
    documents.abandon(session, document.group_id)
    put_in_force(session, document)
    row = groups.get(session, document.group_id)
    groups.unsynced(row, Status.UNREACHABLE, None)
    return row


def deliver(sessions: Sessions, peer: Peer, group_id: str) -> RecoveryDocument:
    """Bring the peer to the version in force here, and return it. Whoever does holds the group.

    What the peer may have prepared since and never put in force is forgotten there.

    :raises WrongStatus: this site is busy with the group, and says nothing of it.
    :raises DocumentConflict: the peer's is no version from which ours came.
    :raises PeerUnreachable, PeerRefused: as the peer does; the group says why.
    """
    with sessions.begin() as session:
        must_not_be_busy(groups.get(session, group_id))
        ours = documents.in_force(session, group_id)
    with noting(sessions, group_id):
        there = peer.standing(group_id, ours.checksum)
        if there.head is None or there.head.checksum != ours.checksum:
            _push(sessions, peer, ours, there.head.checksum if there.head else None)
        elif there.prepared:
            peer.withdraw(group_id, there.prepared)
        acknowledged(sessions, group_id, ours.checksum)
    return ours


def settle(sessions: Sessions, peer: Peer, group_id: str) -> str | None:
    """Deliver a version that the peer has not acknowledged yet, before the next is made.

    :returns: the checksum of what is in force here; None: nothing is yet.
    """
    with sessions.begin() as session:
        pending = groups.get(session, group_id).remote_sync_status is Status.PENDING
        current = documents.current(session, group_id)
    if pending and current and not current.acknowledged:
        deliver(sessions, peer, group_id)
    return current.checksum if current else None


def repeat_commits(sessions: Sessions, peer: Peer, editors: Editors) -> None:
    """Deliver every version that is in force here and not acknowledged by the peer."""
    with sessions.begin() as session:
        waiting = groups.unacknowledged(session)
    for row in waiting:
        try:
            with editors.editing(row.id, UNSEEN):
                settle(sessions, peer, row.id)
        except errors.PeerUnreachable:
            return
        except errors.EditedMeanwhile:
            continue  # whoever is at it delivers first
        except errors.ProtectorError as refusal:
            LOG.warning("Protection group %s is not synchronized: %s", row.name, refusal)


def delete_there(sessions: Sessions, peer: Peer, group_id: str) -> None:
    """Have the peer forget the group.

    :raises PeerUnreachable, PeerRefused: it may not be deleted now.
    """
    with noting(sessions, group_id):
        peer.delete(group_id)


def acknowledged(sessions: Sessions, group_id: str, checksum: str) -> None:
    """Write that the peer has the version too."""
    with sessions.begin() as session:
        version = documents.find(session, group_id, checksum)
        if version is None:
            return  # it was deleted meanwhile
        version.acknowledged = True
        if version.standing == documents.CURRENT:
            row = groups.get(session, group_id)
            groups.synced(row, version.epoch, version.version)


# -- inside -----------------------------------------------------------------------------------


def _must_be(session: Session, document: Document, base: str | None, editor: str) -> None:
    """Hold the group, and see that nobody changed it since we looked."""
    editing.must_hold(session, document.group_id, editor)
    row = groups.get(session, document.group_id)
    group.after(row.status, Event.EDIT if base else Event.CREATE, name=row.name)
    current = documents.current(session, document.group_id)
    if base != (current.checksum if current else None):
        raise errors.EditedMeanwhile(group=row.name)


def _push(sessions: Sessions, peer: Peer, ours: RecoveryDocument, theirs: str | None) -> None:
    overwrites = theirs is not None and _precedes(sessions, peer, ours.document, theirs)
    prepare(peer, Version.of(ours, overwrites=overwrites), theirs)
    peer.commit(ours.group_id, ours.checksum)


def _precedes(sessions: Sessions, peer: Peer, ours: Document, theirs: str) -> bool:
    """Tell whether ours is to overwrite the peer's version, rather than that it came from it.

    :raises DocumentConflict: neither.
    """
    with sessions.begin() as session:
        known = documents.precedes(session, ours.group_id, theirs)
    if known is None:
        there, site = peer.version(ours.group_id), ours.peer_of(peer.site)
        found = receive.understood(there, site) if there else ours
        with sessions.begin() as session:
            raise conflict(session, ours, found, site=site)
    return known.standing == documents.OVERWRITTEN
