# SPDX-License-Identifier: Apache-2.0
"""How all groups stand against the peer's: one question, and what follows from the answer.

Asked again and again, and before anything is done for a group after a start. This is how a site
that comes back learns that it was failed over, how a lost message is noticed, and what keeps
``remote_sync_status`` true. Nothing is resynchronized by guess: all that is sent from here is what
the peer has to have by the rules of an edit.
"""

import dataclasses
import datetime
import logging
from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, editing, groups
from protector.db.models import ProtectionGroup, RecoveryDocument, now
from protector.db.session import Sessions
from protector.domain import group
from protector.domain.sync import Status
from protector.sync import guards, noting, receive
from protector.sync.conflict import conflict
from protector.sync.peer import UNKNOWN, Head, Peer, Standing

LOG = logging.getLogger(__name__)

# While a group is in one of these, what the peer has of it is about to change.
# Of one that is handed over the peer is asked: that is how it is learnt that it was taken.
UNSETTLED = tuple({*guards.BUSY, group.Status.ERROR} - {group.Status.HANDING_OVER})


@dataclasses.dataclass(frozen=True)
class Asked:
    """What of a group the peer was asked about, and when."""

    group_id: str
    checksum: str
    at: datetime.datetime


def exchange(sessions: Sessions, peer: Peer, site: str) -> errors.ProtectorError | None:
    """Ask the peer, write down how each group stands, and settle what can be.

    A group that both sites have the same version of, and that is known for it, costs nothing more.
    Each judgement of another is a transaction of its own, and is dropped when the group was changed
    meanwhile, or its change has reached the peer: what the peer told may be from before.

    :returns: why the peer told nothing, if it did not.
    """
    asked_at = now()
    with sessions.begin() as session:
        shared = {head.group_id: head for head in groups.heads(session, peer.site)}
    ours = {id: head for id, head in shared.items() if head.status not in UNSETTLED}
    try:
        theirs = peer.standings({id: head.checksum for id, head in ours.items()})
    except (errors.PeerUnreachable, errors.PeerRefused) as silence:
        _lost(sessions, peer.site, silence, asked_at)
        return silence
    for group_id, head in ours.items():
        there = theirs.get(group_id, UNKNOWN)
        if not (head.is_settled and there.head and there.head.checksum == head.checksum):
            _judge(sessions, peer, site, Asked(group_id, head.checksum, asked_at), there)
    _clean(sessions, peer, theirs, shared)
    return None


# -- the peer does not answer -----------------------------------------------------------------


def _lost(
    sessions: Sessions, peer_site: str, silence: errors.ProtectorError, asked_at: datetime.datetime
) -> None:
    """Write that nothing was heard, unless an edit has heard of the peer meanwhile."""
    with sessions.begin() as session:
        begun = documents.standings(session, documents.PREPARED)
        for row in groups.shared_with(session, peer_site):
            heard = _heard_since(row, asked_at)
            told = row.remote_sync_status is Status.UNREACHABLE and row.sync_error
            if row.status in UNSETTLED or row.editor or heard or told:
                continue
            if row.id in begun and not row.superseded:
                groups.unsynced(row, Status.BLOCKED, _begun(session, row, peer_site))
            elif row.remote_sync_status is Status.SYNCED and _refused(silence):
                groups.unsynced(row, Status.FAILED, silence.text)
            else:
                noting.note(row, silence)


def _heard_since(row: ProtectionGroup, moment: datetime.datetime) -> bool:
    """Tell whether the peer was heard of since; by a clock that was set back it was not."""
    return row.last_sync_at is not None and moment <= row.last_sync_at <= now()


def _refused(silence: errors.ProtectorError) -> bool:
    return isinstance(silence, errors.PeerRefused)


def _begun(session: Session, row: ProtectionGroup, peer_site: str) -> str:
    prepared = documents.prepared(session, row.id)
    numbers = f"{prepared.version} (epoch {prepared.epoch})" if prepared else "another version"
    return (
        f"{peer_site} had begun version {numbers}, and whether it was finished is not known; it"
        " cannot be asked"
    )


# -- the peer answers -------------------------------------------------------------------------


def _judge(sessions: Sessions, peer: Peer, site: str, asked: Asked, there: Standing) -> None:
    with sessions.begin() as session:
        found = _unchanged(session, asked)
        if found is None:
            return
        row, ours = found
        diverged = _compare(session, row, ours, there, site)
    if diverged:
        _block(sessions, peer, site, asked)


def _unchanged(session: Session, asked: Asked) -> tuple[ProtectionGroup, RecoveryDocument] | None:
    """Return the group, if it is still what the peer was asked about and nobody was at it since."""
    row = groups.find(session, asked.group_id)
    if row is None or editing.editor_of(session, row.id):
        return None
    row, ours = groups.lock(session, row.id), documents.current(session, row.id)
    if ours is None or ours.checksum != asked.checksum:
        return None
    if row.status in UNSETTLED or _heard_since(row, asked.at):
        return None
    return row, ours


def _compare(
    session: Session, row: ProtectionGroup, ours: RecoveryDocument, there: Standing, site: str
) -> bool:
    """Write down how the group stands; tell whether the two sites went different ways."""
    head, peer_site = there.head, row.peer_of(site)
    if head is None and there.yours == documents.PREPARED:
        # Only the commit of its first version was lost: it is repeated.
        ours.acknowledged = False
        groups.unsynced(row, Status.PENDING, None)
        return False
    if head is None:
        groups.unsynced(row, Status.OUT_OF_SYNC, f"{peer_site} does not know the group")
        return False
    if head.checksum == ours.checksum:
        if row.remote_sync_status is not Status.SYNCED or not ours.acknowledged:
            ours.acknowledged = True
            groups.synced(row, ours.epoch, ours.version)
        return False
    row.remote_epoch, row.remote_version = head.epoch, head.version
    if head.epoch > row.epoch:
        _supersede(row, head)
    if documents.precedes(session, row.id, head.checksum):
        _ahead(row, ours, head, site)
        return False
    if there.yours in (documents.PAST, documents.OVERWRITTEN):
        status = Status.OUT_OF_SYNC if row.superseded else Status.PENDING
        groups.unsynced(row, status, _behind(row, head, peer_site))
        return False
    return True


def _supersede(row: ProtectionGroup, head: Head) -> None:
    """Show where the group runs by now; its document here stays as it is."""
    if row.status != head.status or row.current_primary_site != head.current_primary_site:
        LOG.warning(
            "Protection group %s runs on %s by now (epoch %s)",
            row.name,
            head.current_primary_site,
            head.epoch,
        )
    if head.status not in UNSETTLED:
        row.status = head.status
    row.current_primary_site = head.current_primary_site


def _ahead(row: ProtectionGroup, ours: RecoveryDocument, head: Head, site: str) -> None:
    """What the peer has is one of those from which ours came.

    After a failover a person says when it is told; else it is sent, as a lost commit is.
    """
    if head.epoch == ours.epoch and row.current_primary_site == site:
        ours.acknowledged = False
        groups.unsynced(row, Status.PENDING, None)
    elif row.remote_sync_status is Status.UNREACHABLE:
        # Why it was not told the last time is what is known of the synchronization.
        groups.unsynced(row, Status.OUT_OF_SYNC, row.sync_error)
    elif row.remote_sync_status not in (Status.OUT_OF_SYNC, Status.FAILED):
        reason = f"{row.peer_of(site)} still has version {head.version} (epoch {head.epoch})"
        groups.unsynced(row, Status.OUT_OF_SYNC, reason)


def _behind(row: ProtectionGroup, head: Head, peer_site: str) -> str:
    if row.superseded:
        return f"{peer_site} has failed the group over (epoch {head.epoch}, version {head.version})"
    return f"{peer_site} has version {head.version} (epoch {head.epoch}), and is to send it"


def _block(sessions: Sessions, peer: Peer, site: str, asked: Asked) -> None:
    """Say in what the two sites differ, for which the peer's version is looked at."""
    try:
        there = peer.version(asked.group_id)
        theirs = receive.understood(there, site) if there else None
    except errors.ProtectorError as refusal:
        LOG.warning(
            "The version of group %s on %s is not read: %s", asked.group_id, peer.site, refusal
        )
        return
    with sessions.begin() as session:
        found = _unchanged(session, asked)
        if found is None or theirs is None:
            return
        row, ours = found
        told = conflict(session, ours.document, theirs, site=site).text
        if row.remote_sync_status is not Status.BLOCKED or row.sync_error != told:
            groups.unsynced(row, Status.BLOCKED, told)


# -- what this site left there ----------------------------------------------------------------


def _clean(
    sessions: Sessions, peer: Peer, theirs: Mapping[str, Standing], ours: Collection[str]
) -> None:
    """Take back what was begun there and given up, and what was deleted here.

    :param ours: the groups that are here.
    """
    with sessions.begin() as session:
        strange = [id for id, there in theirs.items() if there.head and id not in ours]
        deleted = groups.deleted(session, strange)
    for group_id, there in theirs.items():
        try:
            if there.prepared and _given_up(sessions, group_id, there.prepared):
                peer.withdraw(group_id, there.prepared)
            if group_id in deleted:
                peer.delete(group_id)
        except errors.PeerUnreachable:
            return
        except errors.ProtectorError as refusal:
            LOG.warning("Group %s on %s stays as it is: %s", group_id, peer.site, refusal)


def _given_up(sessions: Sessions, group_id: str, prepared: str) -> bool:
    with sessions.begin() as session:
        if editing.editor_of(session, group_id):
            return False
        current = documents.current(session, group_id)
        return current is None or current.checksum != prepared
