# SPDX-License-Identifier: Apache-2.0
"""Two sites that do not have the same version of a group's document."""

from protector import errors
from protector.domain.document import Document
from protector.sync.peer import Head


def conflict(
    ours: Document, theirs: Document | Head, *, site: str, peer_site: str
) -> errors.DocumentConflict:
    """Return the refusal that names both versions."""
    return errors.DocumentConflict(
        group=ours.name,
        site=site,
        version=ours.version,
        epoch=ours.epoch,
        modified_at=f"{ours.modified_at:%FT%TZ}",
        peer_site=peer_site,
        peer_version=theirs.version,
        peer_epoch=theirs.epoch,
        peer_modified_at=f"{theirs.modified_at:%FT%TZ}",
    )
