# SPDX-License-Identifier: Apache-2.0
"""A conflict settled by a person: one site's version holds on both, the other's is kept.

What holds gets a number higher than both, and goes through the steps of any edit: prepared at the
peer, put in force here, committed at the peer. So it may be interrupted anywhere, as an edit may.
"""

import dataclasses

from protector import errors
from protector.db import documents, editing, groups
from protector.db.models import RecoveryDocument
from protector.db.session import Sessions
from protector.domain.document import Document
from protector.domain.sync import Direction
from protector.sync import edit, guards, noting, receive
from protector.sync.peer import Peer, Version


@dataclasses.dataclass(frozen=True)
class Settled:
    """What both sites have now, whose it was, and what lost, if anything did."""

    version: RecoveryDocument
    source_site: str
    overwritten: Version | None = None


def settle(
    sessions: Sessions, peer: Peer, group_id: str, editor: str, direction: Direction
) -> Settled:
    """Put the version of one site in force on both. Whoever does holds the group.

    :raises WrongStatus: this site is busy with the group, and says nothing of it.
    :raises PeerUnreachable, PeerRefused: as the peer does; nothing was changed.
    """
    with sessions.begin() as session:
        guards.must_not_be_busy(groups.get(session, group_id))
        ours = documents.in_force(session, group_id)
    site = ours.document.peer_of(peer.site)
    pushing = site == direction.source(
        primary_site=ours.document.primary_site, secondary_site=ours.document.secondary_site
    )
    with noting.noting(sessions, group_id):
        there = peer.version(group_id)
        if there is None and not pushing:
            raise _nothing_there(ours.document, peer.site)
        if (
            there is None
            or there.checksum == ours.checksum
            or (pushing and _came_from(sessions, there))
        ):
            return Settled(edit.deliver(sessions, peer, group_id), site)
        return _overwrite(sessions, peer, ours, there, editor, site, pushing=pushing)


def _overwrite(
    sessions: Sessions,
    peer: Peer,
    ours: RecoveryDocument,
    there: Version,
    editor: str,
    site: str,
    *,
    pushing: bool,
) -> Settled:
    theirs = receive.understood(there, site)
    holds, loses = (ours.document, theirs) if pushing else (theirs, ours.document)
    following = holds.following(
        site,
        epoch=max(holds.epoch, loses.epoch),
        version=max(holds.version, loses.version) + 1,
    )
    version = dataclasses.replace(edit.travelling(following), overwrites=pushing)
    edit.prepare(peer, version, there.checksum)
    with sessions.begin() as session:
        editing.must_hold(session, ours.group_id, editor)
        if documents.in_force(session, ours.group_id).checksum != ours.checksum:
            raise errors.EditedMeanwhile(group=ours.document.name)
        lost, won = documents.OVERWRITTEN, documents.PAST
        documents.keep_sent(session, there.body, there.checksum, lost if pushing else won)
        edit.put_in_force(session, following, before=won if pushing else lost)
    edit.finish(sessions, peer, version)
    with sessions.begin() as session:
        now = documents.in_force(session, ours.group_id)
    if pushing:
        return Settled(now, site, there)
    return Settled(now, peer.site, Version.of(ours))


def _came_from(sessions: Sessions, there: Version) -> bool:
    """Whether what the peer has is one of those from which ours came: nothing is lost then."""
    with sessions.begin() as session:
        known = documents.precedes(session, there.group_id, there.checksum)
    return known is not None and known.standing == documents.PAST


def _nothing_there(document: Document, peer_site: str) -> errors.PeerRefused:
    return errors.PeerRefused(
        peer_site=peer_site,
        reason=f"it does not know protection group {document.name}, so there is no version of it"
        f" that could hold. To send that of this site:"
        f" openstack protector protection-group sync-force {document.name}",
    )
