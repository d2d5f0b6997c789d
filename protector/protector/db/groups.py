# SPDX-License-Identifier: Apache-2.0
"""Protection groups at rest. Callers own the transaction."""

import datetime
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, paging
from protector.db.models import DeletedGroup, ProtectionGroup, RecoveryDocument, now
from protector.domain import group, sync
from protector.domain.document import Document, Drift
from protector.domain.group import Event

# A site that is busy with a group tells the peer nothing of it; a test changes nothing of that.
DELIVERABLE = (
    group.Status.ACTIVE,
    group.Status.TESTING,
    group.Status.FAILED_OVER,
    group.Status.FAILED_OVER_PARTIAL,
)


class Head(NamedTuple):
    """What is in force of a group, and whether the peer is known to have it."""

    group_id: str
    status: group.Status
    current_primary_site: str
    epoch: int
    version: int
    checksum: str
    remote_sync_status: sync.Status
    acknowledged: bool

    @property
    def is_settled(self) -> bool:
        return self.remote_sync_status is sync.Status.SYNCED and self.acknowledged


def create(session: Session, **values: Any) -> ProtectionGroup:
    """Begin a group: in status creating, current on its primary site, without a document."""
    row = ProtectionGroup(**values, current_primary_site=values["primary_site"])
    session.add(row)
    _flush(session, row)
    return row


def get(session: Session, group_id: str, *, project_id: str | None = None) -> ProtectionGroup:
    """Return the group; with a project, only if it is that one's."""
    row = session.get(ProtectionGroup, group_id)
    if row is None or project_id not in (None, row.project_id):
        raise errors.GroupNotFound(group=group_id)
    return row


def find(session: Session, group_id: str) -> ProtectionGroup | None:
    return session.get(ProtectionGroup, group_id)


def lock(session: Session, group_id: str) -> ProtectionGroup:
    """Return the group as it is now, and keep others from changing it meanwhile."""
    row = session.get(ProtectionGroup, group_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise errors.GroupNotFound(group=group_id)
    return row


def must_be_free(session: Session, document: Document, site: str) -> None:
    """:raises GroupExists: another group of the project bears the document's name."""
    clash = session.scalar(
        sa.select(ProtectionGroup.id).where(
            ProtectionGroup.project_id == document.projects[site],
            ProtectionGroup.name == document.name,
            ProtectionGroup.id != document.group_id,
        )
    )
    if clash is not None:
        raise errors.GroupExists(group=document.name)


def list_for(
    session: Session,
    project_id: str,
    *,
    page: paging.Page,
    name: str | None = None,
    status: group.Status | None = None,
) -> Sequence[ProtectionGroup]:
    query = sa.select(ProtectionGroup).filter_by(project_id=project_id)
    if name is not None:
        query = query.filter_by(name=name)
    if status is not None:
        query = query.filter_by(status=status)
    marker = get(session, page.marker, project_id=project_id) if page.marker else None
    return session.scalars(paging.paged(query, ProtectionGroup, page, marker)).all()


def in_status(session: Session, *statuses: group.Status) -> Sequence[ProtectionGroup]:
    return session.scalars(
        sa.select(ProtectionGroup).where(ProtectionGroup.status.in_(statuses))
    ).all()


def unacknowledged(session: Session) -> Sequence[ProtectionGroup]:
    """Return the groups whose change is committed here and, as far as is known, not there."""
    owed = sa.exists().where(
        RecoveryDocument.group_id == ProtectionGroup.id,
        RecoveryDocument.standing == documents.CURRENT,
        RecoveryDocument.acknowledged.is_(False),
    )
    return session.scalars(
        sa.select(ProtectionGroup).where(
            ProtectionGroup.remote_sync_status == sync.Status.PENDING,
            ProtectionGroup.status.in_(DELIVERABLE),
            owed,
        )
    ).all()


def advance(session: Session, row: ProtectionGroup, event: Event) -> None:
    """Move the group on, unless somebody else moved it first.

    :raises WrongStatus: there is no way from where it is.
    """
    before, after = row.status, group.after(row.status, event, name=row.name)
    changed = session.execute(
        sa.update(ProtectionGroup)
        .where(ProtectionGroup.id == row.id, ProtectionGroup.status == before)
        .values(status=after),
        execution_options={"synchronize_session": False},
    )
    session.refresh(row)
    if not getattr(changed, "rowcount", 0):
        group.after(row.status, event, name=row.name)
        raise group.refusal(row.status, event.value, name=row.name)


def adopt(session: Session, document: Document, site: str) -> ProtectionGroup:
    """Return the group of the document's, as the document says; made where there is none."""
    row = session.get(ProtectionGroup, document.group_id)
    if row is None:
        row = ProtectionGroup(id=document.group_id)
        session.add(row)
    project(row, document, site)
    _flush(session, row)
    return row


def project(row: ProtectionGroup, document: Document, site: str) -> None:
    """Lay the document out in the group's columns: the one place where that is done."""
    row.project_id = document.projects[site]
    for field in (
        "name",
        "description",
        "primary_site",
        "secondary_site",
        "current_primary_site",
        "replication_type",
        "epoch",
        "version",
        "failover_count",
        "outline",
    ):
        setattr(row, field, getattr(document, field))
    told = group.Status(document.status)
    if (row.status, told) != (group.Status.TESTING, group.Status.ACTIVE):
        row.status = told
        row.status_reason = None
    row.last_failover_at = _at_rest(document.last_failover_at)
    row.drift = [drift.model_dump() for drift in document.drift]


def synced(row: ProtectionGroup, epoch: int, version: int) -> None:
    """Write that both sites have this version."""
    row.remote_sync_status = sync.Status.SYNCED
    row.remote_epoch, row.remote_version = epoch, version
    row.last_sync_at = now()
    row.sync_error = None


def unsynced(row: ProtectionGroup, status: sync.Status, reason: str | None) -> None:
    """Write how the peer's copy stands, and why."""
    row.remote_sync_status = status
    row.sync_error = reason


def block(session: Session, group_id: str, reason: str) -> None:
    unsynced(get(session, group_id), sync.Status.BLOCKED, reason)


def shared_with(session: Session, peer_site: str) -> Sequence[ProtectionGroup]:
    """Return the groups that this site has in common with the peer and has a version of."""
    return session.scalars(sa.select(ProtectionGroup).where(_shared_with(peer_site))).all()


def heads(session: Session, peer_site: str) -> list[Head]:
    """Return how these groups stand: of thousands, every few seconds, so no rows are made of it."""
    rows = session.execute(
        sa.select(
            ProtectionGroup.id,
            ProtectionGroup.status,
            ProtectionGroup.current_primary_site,
            ProtectionGroup.epoch,
            ProtectionGroup.version,
            RecoveryDocument.checksum,
            ProtectionGroup.remote_sync_status,
            RecoveryDocument.acknowledged,
        )
        .join(RecoveryDocument, RecoveryDocument.group_id == ProtectionGroup.id)
        .where(_shared_with(peer_site), RecoveryDocument.standing == documents.CURRENT)
    )
    return [Head(*row) for row in rows]


def run_elsewhere(session: Session, site: str) -> Sequence[ProtectionGroup]:
    """Return the groups that were failed over at some time, and run on the other site now."""
    return session.scalars(
        sa.select(ProtectionGroup).where(
            ProtectionGroup.current_primary_site != site,
            ProtectionGroup.version > 0,
            (ProtectionGroup.epoch > 0) | (ProtectionGroup.remote_epoch > 0),
            ProtectionGroup.status.in_(DELIVERABLE),
        )
    ).all()


def fenced_at_home(session: Session, site: str) -> Sequence[ProtectionGroup]:
    """Return the groups that are this site's again, and still bear findings of their fencing."""
    rows = session.scalars(
        sa.select(ProtectionGroup).where(
            ProtectionGroup.current_primary_site == site,
            ProtectionGroup.status == group.Status.ACTIVE,
            ProtectionGroup.epoch > 0,
        )
    )
    return [row for row in rows if row.fenced]


def failed_over_once(session: Session) -> Sequence[ProtectionGroup]:
    """Return the groups that have run on both sites, and of which one's VMs may stand by here."""
    return session.scalars(
        sa.select(ProtectionGroup).where(
            ProtectionGroup.epoch > 0, ProtectionGroup.status.in_(DELIVERABLE)
        )
    ).all()


def delete(session: Session, group_id: str) -> None:
    """Forget the group and its documents; its operations stay. None is no error."""
    documents.delete_all(session, group_id)
    session.execute(sa.delete(ProtectionGroup).filter_by(id=group_id))
    session.merge(DeletedGroup(id=group_id))


def was_deleted(session: Session, group_id: str) -> bool:
    return session.get(DeletedGroup, group_id) is not None


def deleted(session: Session, group_ids: Collection[str]) -> set[str]:
    """Return those of these groups that were deleted here."""
    if not group_ids:
        return set()
    return set(session.scalars(sa.select(DeletedGroup.id).where(DeletedGroup.id.in_(group_ids))))


def set_drift(session: Session, group_id: str, drift: Sequence[Drift]) -> None:
    """Write what is found of the group's VMs now, whether or not the peer has been told."""
    found = [one.model_dump() for one in drift]
    row = lock(session, group_id)
    if row.drift != found:
        row.drift = found


class Captured(NamedTuple):
    """A group whose VMs run here. ``drift``: what it shows; ``checksum``: of what is in force."""

    group_id: str
    project_id: str
    drift: list[dict[str, Any]]
    checksum: str


def captured(session: Session, site: str, group_id: str | None = None) -> list[Captured]:
    """Return the groups whose VMs run here: protected, unless their document says otherwise.

    :param group_id: the only one that is asked for.
    """
    superseded = sa.func.coalesce(ProtectionGroup.remote_epoch, 0) > ProtectionGroup.epoch
    query = (
        sa.select(
            ProtectionGroup.id,
            ProtectionGroup.project_id,
            ProtectionGroup.drift,
            RecoveryDocument.checksum,
        )
        .join(RecoveryDocument, RecoveryDocument.group_id == ProtectionGroup.id)
        .where(
            RecoveryDocument.standing == documents.CURRENT,
            ProtectionGroup.current_primary_site == site,
            ProtectionGroup.status.in_(DELIVERABLE),
            ~superseded,
        )
    )
    if group_id is not None:
        query = query.where(ProtectionGroup.id == group_id)
    return [Captured(*row) for row in session.execute(query)]


def _shared_with(peer_site: str) -> sa.ColumnElement[bool]:
    ours_and_theirs = (ProtectionGroup.primary_site == peer_site) | (
        ProtectionGroup.secondary_site == peer_site
    )
    return ours_and_theirs & (ProtectionGroup.version > 0)


def _flush(session: Session, row: ProtectionGroup) -> None:
    name = row.name
    try:
        session.flush()
    except IntegrityError:
        raise errors.GroupExists(group=name) from None


def _at_rest(moment: datetime.datetime | None) -> datetime.datetime | None:
    return moment and moment.astimezone(datetime.UTC).replace(tzinfo=None)
