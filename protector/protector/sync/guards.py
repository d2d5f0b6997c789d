# SPDX-License-Identifier: Apache-2.0
"""What may be done with a group here and now."""

from sqlalchemy.orm import Session

from protector import errors
from protector.db import operations, rehearsals
from protector.db.models import ProtectionGroup
from protector.domain import group
from protector.domain.group import Event
from protector.domain.sync import Status

# A site that is busy with a group tells the peer nothing of it.
BUSY = (
    group.Status.CREATING,
    group.Status.FAILING_OVER,
    group.Status.REPROTECTING,
    group.Status.FAILING_BACK,
    group.Status.HANDING_OVER,
    group.Status.DELETING,
)


def must_be_editable(row: ProtectionGroup, event: Event, site: str) -> None:
    """:raises GroupSuperseded, WrongSite, WrongStatus, NotSynchronized: it is not, here and now."""
    must_not_be_superseded(row, site)
    if row.current_primary_site != site:
        raise errors.WrongSite(
            action="A change", group=row.name, right_site=row.current_primary_site, site=site
        )
    group.after(row.status, event, name=row.name)
    failed_over = row.status in (group.Status.FAILED_OVER, group.Status.FAILED_OVER_PARTIAL)
    if failed_over and row.remote_sync_status is not Status.SYNCED:
        raise errors.NotSynchronized(
            group=row.name,
            site=site,
            peer_site=row.peer_of(site),
            status=row.remote_sync_status.value,
        )


def must_not_be_superseded(row: ProtectionGroup, site: str) -> None:
    """:raises GroupSuperseded: the peer has failed the group over, and has to be asked."""
    if row.superseded:
        raise errors.GroupSuperseded(
            group=row.name,
            site=site,
            version=row.version,
            epoch=row.epoch,
            peer_site=row.peer_of(site),
            peer_version=row.remote_version,
            peer_epoch=row.remote_epoch,
        )


def must_not_be_busy(row: ProtectionGroup) -> None:
    """:raises WrongStatus: the peer is not to be asked anything about the group now."""
    if row.status in BUSY:
        raise group.refusal(row.status, "be synchronized", name=row.name)


def must_leave_no_test(session: Session, row: ProtectionGroup | None) -> None:
    """:raises EarlierTestLeft: once the group is gone, nobody would find what its test has made."""
    left = rehearsals.uncleaned(session, row.id) if row is not None else None
    if row is not None and left is not None:
        raise errors.EarlierTestLeft(group=row.name, operation=left.operation_id)


def must_be_idle(session: Session, row: ProtectionGroup) -> None:
    """:raises OperationRunning: the group is at something else."""
    for running in operations.unended(session, row.id):
        raise errors.OperationRunning(
            group=row.name,
            group_status=row.status.value,
            operation=running.id,
            status=running.status.value,
        )
