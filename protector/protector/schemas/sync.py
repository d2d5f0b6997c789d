# SPDX-License-Identifier: Apache-2.0
from typing import Any

from protector.domain import sync
from protector.domain.document import Document
from protector.schemas.common import stamp


def view(row: Any, document: Document | None, *, peer: str, unfinished: bool) -> dict[str, Any]:
    """Return how the group's document stands against the peer's, as last known here.

    :param unfinished: whether the peer has begun a version and not finished it.
    """
    status, plight = row.remote_sync_status, _plight(row, unfinished)
    return {
        "group_id": row.id,
        "name": row.name,
        "status": status,
        "in_sync": status is sync.Status.SYNCED,
        "local": {
            "version": row.version,
            "epoch": row.epoch,
            "site": row.current_primary_site,
            "modified_at": stamp(document.modified_at if document else row.created_at),
        },
        "remote": {
            "site": peer,
            # What came of the last attempt to tell it.
            "status": sync.Status.UNREACHABLE if plight is sync.Plight.NOT_TOLD else status,
            "version": row.remote_version,
            "epoch": row.remote_epoch,
            "last_sync": stamp(row.last_sync_at),
            "error": row.sync_error,
        },
        "actions": sync.actions(status, group=row.name, peer=peer, plight=plight),
    }


def _plight(row: Any, unfinished: bool) -> sync.Plight | None:
    if row.remote_sync_status is sync.Status.BLOCKED and unfinished:
        return sync.Plight.UNFINISHED
    if row.remote_sync_status is sync.Status.OUT_OF_SYNC:
        if row.superseded:
            return sync.Plight.FAILED_OVER_THERE
        if row.epoch > (row.remote_epoch or 0):
            return sync.Plight.NOT_TOLD
    return None


def version_view(row: Any) -> dict[str, Any]:
    """Return what numbers a version, and how it stands among the others."""
    document = row.document
    return {
        "checksum": row.checksum,
        "epoch": row.epoch,
        "version": row.version,
        "site": document.site,
        "modified_at": stamp(document.modified_at),
        "standing": row.standing,
        "members": len(document.members),
        "kept_at": stamp(row.created_at),
    }


def whole_view(row: Any) -> dict[str, Any]:
    return {
        "document": row.document.model_dump(mode="json"),
        "checksum": row.checksum,
        "epoch": row.epoch,
        "version": row.version,
        "standing": row.standing,
    }
