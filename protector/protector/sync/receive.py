# SPDX-License-Identifier: Apache-2.0
"""The other end of an edit: what this site does when the peer's Protector asks.

Callers own the transaction.
"""

from collections.abc import Mapping

import pydantic
from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, groups, tenant_mappings
from protector.db.models import ProtectionGroup, RecoveryDocument
from protector.domain import group, release
from protector.domain.document import Document, spelled_checksum
from protector.domain.group import Event
from protector.domain.sync import Status
from protector.sync import guards
from protector.sync.conflict import conflict
from protector.sync.peer import Head, Standing, Version

# A group that this site is busy with, or that somebody has to look after, is not changed.
BUSY = (
    group.Status.FAILING_OVER,
    group.Status.REPROTECTING,
    group.Status.FAILING_BACK,
    group.Status.DELETING,
    group.Status.ERROR,
)


def prepare(session: Session, site: str, version: Version, base: str | None) -> None:
    """Keep a version that the peer is about to put in force.

    It does not take the place of another: a message that is late would, of one that was put in
    force there since. The peer withdraws what it has given up.

    :param base: checksum of what has to be in force here now; None: nothing.
    """
    document = understood(version, site)
    ours = documents.current(session, document.group_id)
    if ours is not None and ours.checksum == version.checksum:
        return
    row = groups.find(session, document.group_id)
    _must_not_be_busy(row, document)
    _must_follow(session, ours, document, base, site)
    begun = documents.prepared(session, document.group_id)
    if begun is not None and begun.checksum != version.checksum:
        raise errors.EditedMeanwhile(group=document.name)
    _must_be_the_tenant(session, document, site)
    groups.must_be_free(session, document, site)
    documents.prepare(session, version.body, version.checksum, overwrites=version.overwrites)
    if row is not None and row.remote_sync_status is Status.SYNCED:
        groups.unsynced(row, Status.PENDING, None)


def commit(session: Session, site: str, group_id: str, checksum: str) -> None:
    """Put the prepared version in force, and lay it out in the group's row."""
    version = documents.get(session, group_id, checksum)
    if version.standing in (documents.CURRENT, documents.PAST):
        return  # it was committed before; what came after it stays
    if version.standing != documents.PREPARED:
        ours = documents.in_force(session, group_id).document
        raise conflict(session, ours, version.document, site=site)
    _must_not_be_busy(groups.find(session, group_id), version.document)
    before = documents.OVERWRITTEN if version.overwrites else documents.PAST
    documents.commit(session, version, acknowledged=True, before=before)
    row = groups.adopt(session, version.document, site)
    groups.synced(row, version.epoch, version.version)


def withdraw(session: Session, group_id: str, checksum: str) -> None:
    """Forget a version that the peer began and gave up."""
    documents.withdraw(session, group_id, checksum)
    row = groups.find(session, group_id)
    if row is not None and row.remote_sync_status is Status.PENDING:
        current = documents.current(session, group_id)
        if current and current.acknowledged and not documents.prepared(session, group_id):
            groups.synced(row, current.epoch, current.version)


def version(session: Session, group_id: str) -> Version | None:
    """Return the whole of what is in force here."""
    row = documents.current(session, group_id)
    return Version.of(row) if row else None


def delete(session: Session, site: str, group_id: str) -> None:
    """Forget a group, unless it is this site's by now."""
    row = groups.find(session, group_id)
    if row is not None and row.current_primary_site == site:
        raise errors.WrongSite(
            action="Deletion", group=row.name, right_site=site, site=row.peer_of(site)
        )
    _must_not_be_busy(row)
    guards.must_leave_no_test(session, row)
    groups.delete(session, group_id)


def standings(session: Session, peer_site: str, theirs: Mapping[str, str]) -> dict[str, Standing]:
    """Tell how groups stand here: those that the peer names, and all that are in common with it.

    :param theirs: group id -> checksum of the version in force at the peer.
    """
    heads = {head.group_id: head for head in groups.heads(session, peer_site)}
    begun = documents.standings(session, documents.PREPARED)
    return {
        id: _standing(
            session,
            id,
            heads.get(id),
            current=heads[id].checksum if id in heads else None,
            prepared=begun.get(id),
            theirs=theirs.get(id),
        )
        for id in heads.keys() | begun.keys() | theirs.keys()
    }


def standing(session: Session, group_id: str, theirs: str | None) -> Standing:
    """Tell how one group stands here."""
    current = documents.current(session, group_id)
    begun = documents.prepared(session, group_id)
    return _standing(
        session,
        group_id,
        groups.find(session, group_id),
        current=current.checksum if current else None,
        prepared=begun.checksum if begun else None,
        theirs=theirs,
    )


def _standing(
    session: Session,
    group_id: str,
    row: ProtectionGroup | groups.Head | None,
    *,
    current: str | None,
    prepared: str | None,
    theirs: str | None,
) -> Standing:
    return Standing(
        head=_head(row, current) if row and current else None,
        prepared=prepared,
        yours=_yours(session, group_id, theirs, current),
    )


def _head(row: ProtectionGroup | groups.Head, checksum: str) -> Head:
    return Head(
        epoch=row.epoch,
        version=row.version,
        checksum=checksum,
        current_primary_site=row.current_primary_site,
        # That it is tested here is nobody else's business.
        status=group.Status.ACTIVE if row.status is group.Status.TESTING else row.status,
    )


def _yours(session: Session, group_id: str, theirs: str | None, current: str | None) -> str | None:
    if theirs is None or theirs == current:
        return theirs and documents.CURRENT
    known = documents.find(session, group_id, theirs)
    return known.standing if known else None


# -- what is refused --------------------------------------------------------------------------


def understood(version: Version, site: str) -> Document:
    """Return the document that was sent to this site.

    :raises DocumentInvalid: it is of an unknown release, damaged, or for somebody else.
    """
    sender = str(version.body.get("site", "the peer"))
    try:
        document = release.understood(version.body)
    except release.UnknownSchema as unknown:
        raise errors.DocumentInvalid(
            peer_site=sender, site=site, reason=_of_another_release(unknown.schema, sender, site)
        ) from None
    except pydantic.ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise errors.DocumentInvalid(peer_site=sender, site=site, reason=reason) from None
    if spelled_checksum(version.body) != version.checksum:
        raise _invalid(document, site, "its checksum is another one")
    sites = {document.primary_site, document.secondary_site}
    if not {site, document.site} <= sites or document.projects.keys() != sites:
        raise _invalid(document, site, f"it is not for {site}")
    return document


def _of_another_release(schema: object, sender: str, site: str) -> str:
    known = f"{site} understands schemas {release.OLDEST} to {release.NEWEST}"
    newer = isinstance(schema, int) and schema > release.NEWEST
    older = f"{site}, the receiver, before {sender}" if newer else sender
    return f"it is of schema {schema}, and {known}. Upgrade the Protector of {older}"


def _invalid(document: Document, site: str, reason: str) -> errors.DocumentInvalid:
    return errors.DocumentInvalid(peer_site=document.peer_of(site), site=site, reason=reason)


def _must_not_be_busy(row: ProtectionGroup | None, document: Document | None = None) -> None:
    """A group that is handed over is changed by the version that takes it over, and no other."""
    if row is None:
        return
    taken = document is not None and document.epoch > row.epoch
    if row.status in BUSY or (row.status is group.Status.HANDING_OVER and not taken):
        raise group.refusal(row.status, Event.EDIT.value, name=row.name)


def _must_follow(
    session: Session, ours: RecoveryDocument | None, document: Document, base: str | None, site: str
) -> None:
    """A version goes onto the one that it was made for, and onto no other."""
    if ours is None:
        _must_be_wanted(session, document, base, site)
    elif base != ours.checksum or not _later(document, ours):
        raise conflict(session, ours.document, document, site=site)


def _later(document: Document, ours: RecoveryDocument) -> bool:
    return document.epoch >= ours.epoch and document.version > ours.version


def _must_be_wanted(session: Session, document: Document, base: str | None, site: str) -> None:
    if groups.was_deleted(session, document.group_id):
        raise _invalid(document, site, f"group {document.name} was deleted on {site}")
    if base is not None:
        raise _invalid(
            document,
            site,
            f"it is a change of a version that {site} does not have. Send the whole from"
            f" {document.peer_of(site)}: openstack protector protection-group sync-force"
            f" {document.name}",
        )


def _must_be_the_tenant(session: Session, document: Document, site: str) -> None:
    """The sender says whose group it is here; this site's administrator has the last word."""
    project, peer_site = document.projects[site], document.peer_of(site)
    paired = tenant_mappings.peer_project(
        session, project_id=project, peer_site=peer_site, site=site
    )
    if paired != document.projects[peer_site]:
        raise errors.NoTenantMapping(project_id=project, site=site, peer_site=peer_site)
