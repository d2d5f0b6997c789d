# SPDX-License-Identifier: Apache-2.0
"""The other end of an edit: what this site does when the peer's Protector asks.

Callers own the transaction.
"""

from typing import Any

import pydantic
from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, groups, tenant_mappings
from protector.db.models import RecoveryDocument
from protector.domain import document as domain
from protector.domain import group
from protector.domain.document import Document
from protector.domain.group import Event
from protector.sync.conflict import conflict
from protector.sync.peer import Base, Head

# A group that this site is busy with, or that somebody has to look after, is not changed.
BUSY = (group.Status.FAILING_OVER, group.Status.DELETING, group.Status.ERROR)


def prepare(
    session: Session, site: str, body: dict[str, Any], *, checksum: str, base: Base | None
) -> None:
    """Keep a version that the peer is about to put in force.

    When it is in force already, whatever the peer has begun since was given up.
    """
    document = _understood(body, site, checksum)
    ours = documents.current(session, document.group_id)
    if ours is not None and ours.checksum == checksum:
        documents.drop_prepared(session, document.group_id)
        return
    _must_not_be_busy(session, document.group_id)
    _must_follow(ours, document, base, site)
    _must_be_the_tenant(session, document, site)
    groups.must_be_free(session, document, site)
    documents.prepare(session, document)


def commit(session: Session, site: str, group_id: str, checksum: str) -> None:
    """Put the prepared version in force, and lay it out in the group's row."""
    version = documents.get(session, group_id, checksum)
    ours = documents.current(session, group_id)
    if ours is not None and ours.checksum == checksum:
        return
    if version.standing != documents.PREPARED:
        theirs = version.document
        current = ours.document if ours else theirs
        raise conflict(current, theirs, site=site, peer_site=theirs.site)
    _must_not_be_busy(session, group_id)
    documents.commit(session, version.document, acknowledged=True)
    row = groups.adopt(session, version.document, site)
    groups.synced(row, version.epoch, version.version)


def delete(session: Session, site: str, group_id: str) -> None:
    """Forget a group, unless it is this site's by now."""
    row = groups.find(session, group_id)
    if row is not None and row.current_primary_site == site:
        raise errors.WrongSite(
            action="Deletion", group=row.name, right_site=site, site=row.peer_of(site)
        )
    _must_not_be_busy(session, group_id)
    groups.delete(session, group_id)


def head(session: Session, group_id: str) -> Head | None:
    row = documents.current(session, group_id)
    if row is None:
        return None
    document = row.document
    return Head(
        epoch=row.epoch,
        version=row.version,
        checksum=row.checksum,
        site=document.site,
        modified_at=document.modified_at,
    )


# -- what is refused --------------------------------------------------------------------------


def _understood(body: dict[str, Any], site: str, checksum: str) -> Document:
    try:
        document = Document.model_validate(body)
    except pydantic.ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise errors.DocumentInvalid(
            peer_site=body.get("site", "the peer"), site=site, reason=reason
        ) from None
    if domain.checksum(document) != checksum:
        raise _invalid(document, site, "its checksum is another one")
    if document.peer_of(document.site) != site or site not in document.projects:
        raise _invalid(document, site, f"it is not for {site}")
    return document


def _invalid(document: Document, site: str, reason: str) -> errors.DocumentInvalid:
    return errors.DocumentInvalid(peer_site=document.site, site=site, reason=reason)


def _must_not_be_busy(session: Session, group_id: str) -> None:
    row = groups.find(session, group_id)
    if row is not None and row.status in BUSY:
        raise group.refusal(row.status, Event.EDIT.value, name=row.name)


def _must_follow(
    ours: RecoveryDocument | None, document: Document, base: Base | None, site: str
) -> None:
    if base == (Base(ours.epoch, ours.version) if ours else None):
        return
    if ours is None:
        raise _invalid(
            document,
            site,
            f"it is a change of a version that {site} does not have. Send the whole from"
            f" {document.site}: openstack protector protection-group sync-force {document.name}",
        )
    raise conflict(ours.document, document, site=site, peer_site=document.site)


def _must_be_the_tenant(session: Session, document: Document, site: str) -> None:
    """The sender says whose group it is here; this site's administrator has the last word."""
    project = document.projects[site]
    paired = tenant_mappings.peer_project(
        session, project_id=project, peer_site=document.site, site=site
    )
    if paired != document.projects.get(document.site):
        raise errors.NoTenantMapping(project_id=project, site=site, peer_site=document.site)
