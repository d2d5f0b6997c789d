# SPDX-License-Identifier: Apache-2.0
"""What the peer said, or that it said nothing, is written into the group."""

import contextlib
from collections.abc import Iterator

from protector import errors
from protector.db import groups
from protector.db.models import ProtectionGroup
from protector.db.session import Sessions
from protector.domain.sync import Status


@contextlib.contextmanager
def noting(sessions: Sessions, group_id: str) -> Iterator[None]:
    """Let the group tell what the peer said, when it said no or nothing."""
    try:
        yield
    except (
        errors.PeerUnreachable,
        errors.PeerRefused,
        errors.PeerTooOld,
        errors.DocumentConflict,
    ) as refusal:
        with sessions.begin() as session:
            row = groups.find(session, group_id)
            if row is not None:
                note(row, refusal)
        raise


def note(row: ProtectionGroup, refusal: errors.ProtectorError) -> None:
    """Write what a refusal of the peer's says of the group."""
    status = row.remote_sync_status
    if isinstance(refusal, errors.DocumentConflict):
        groups.unsynced(row, Status.BLOCKED, refusal.text)
    elif isinstance(refusal, errors.PeerUnreachable):
        # What is pending is delivered, and what is blocked stays so, when the peer is back.
        keep = status in (Status.PENDING, Status.BLOCKED)
        reason = row.sync_error if status is Status.BLOCKED else refusal.kwargs["reason"]
        groups.unsynced(row, status if keep else Status.UNREACHABLE, reason)
    elif status is not Status.SYNCED:  # a refused edit leaves both sites as they were, and equal
        keep = status is Status.PENDING
        groups.unsynced(row, status if keep else Status.FAILED, refusal.text)
