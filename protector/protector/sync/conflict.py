# SPDX-License-Identifier: Apache-2.0
"""Two sites that do not have the same version of a group's document."""

from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents
from protector.domain import differences
from protector.domain.document import Document


def conflict(
    session: Session, ours: Document, theirs: Document, *, site: str
) -> errors.DocumentConflict:
    """Return the refusal that names both versions, and what each site changed."""
    return errors.DocumentConflict(
        group=ours.name,
        site=site,
        version=ours.version,
        epoch=ours.epoch,
        written_on=ours.site,
        modified_at=f"{ours.modified_at:%FT%TZ}",
        peer_site=ours.peer_of(site),
        peer_version=theirs.version,
        peer_epoch=theirs.epoch,
        peer_written_on=theirs.site,
        peer_modified_at=f"{theirs.modified_at:%FT%TZ}",
        differences="; ".join(_told(session, ours, theirs)) or "their numbers alone",
        primary_site=ours.primary_site,
        secondary_site=ours.secondary_site,
    )


def _told(session: Session, ours: Document, theirs: Document) -> list[str]:
    """Tell what each site changed since the last version that both had, if that is still known."""
    shared = documents.shared(session, ours.group_id)
    if shared is None:
        return differences.told(ours, theirs)
    before = shared.document
    return [*differences.told(before, ours), *differences.told(before, theirs)]
