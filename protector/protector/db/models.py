# SPDX-License-Identifier: Apache-2.0
"""The tables. Times are UTC, to the millisecond, and have no time zone in the database."""

import datetime
import json
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import mysql

from protector.domain import group, operation, release, sync
from protector.domain.document import Document

# MariaDB keeps whole seconds and 64 kB of text unless told otherwise.
Time = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def now() -> datetime.datetime:
    moment = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def by_value(of: Any) -> sa.Enum:
    """Store an enum by its value, as text that any release can read."""
    return sa.Enum(
        of, native_enum=False, length=32, values_callable=lambda items: [i.value for i in items]
    )


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Site(Base):
    """One of the two sites. The one named as this service's ``site_name`` is local.

    ``secret``: the password by which this site signs in to the peer, encrypted; None when local.
    """

    __tablename__ = "sites"

    id: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), primary_key=True, default=lambda: str(uuid.uuid4())
    )
    name: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    description: orm.Mapped[str] = orm.mapped_column(sa.String(255), default="")
    auth_url: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    region_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    username: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    secret: orm.Mapped[str | None] = orm.mapped_column(sa.Text())
    project_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    user_domain_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    project_domain_name: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    status: orm.Mapped[str] = orm.mapped_column(sa.String(16), default="registered")
    validated_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=now)
    updated_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time, onupdate=now)


class TenantMapping(Base):
    """A project of this site and the one it is on the peer."""

    __tablename__ = "tenant_mappings"
    __table_args__ = (
        sa.UniqueConstraint("peer_site", "project_id", name="uq_tenant_mappings_project"),
        sa.UniqueConstraint("peer_site", "peer_project_id", name="uq_tenant_mappings_peer"),
    )

    id: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), primary_key=True, default=lambda: str(uuid.uuid4())
    )
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    peer_site: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    peer_project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=now)


class ProtectionGroup(Base):
    """A group as this site knows it: its current document in columns, and what is local.

    ``status`` is the document's, except while this site is busy with the group, or when the peer
    has failed it over (:attr:`superseded`): then it and ``current_primary_site`` are the peer's.
    ``epoch`` and ``version`` are 0 until the first document is committed. ``remote_*`` tell what
    is known of the peer's copy. ``outline``: the document's (see domain/document.py), so that lists
    need not read whole documents; None until there is one. ``drift``: what is found now
    (:class:`Drift`, as JSON). ``fenced``: what was done with what of the group still ran here (see
    engine/sweeps/fencing.py).
    ``editor``: who changes the group right now (see editing.py).
    """

    __tablename__ = "protection_groups"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "name", name="uq_protection_groups_name"),
        sa.Index(None, "project_id", "created_at"),
    )

    id: orm.Mapped[str] = orm.mapped_column(
        sa.String(39), primary_key=True, default=lambda: f"pg-{uuid.uuid4()}"
    )
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    name: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    description: orm.Mapped[str] = orm.mapped_column(sa.String(255), default="")
    status: orm.Mapped[group.Status] = orm.mapped_column(
        by_value(group.Status), default=group.Status.CREATING
    )
    status_reason: orm.Mapped[str | None] = orm.mapped_column(sa.Text())
    primary_site: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    secondary_site: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    current_primary_site: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    replication_type: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    epoch: orm.Mapped[int] = orm.mapped_column(default=0)
    version: orm.Mapped[int] = orm.mapped_column(default=0)
    failover_count: orm.Mapped[int] = orm.mapped_column(default=0)
    last_failover_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    remote_sync_status: orm.Mapped[sync.Status] = orm.mapped_column(
        by_value(sync.Status), default=sync.Status.PENDING
    )
    remote_epoch: orm.Mapped[int | None] = orm.mapped_column()
    remote_version: orm.Mapped[int | None] = orm.mapped_column()
    last_sync_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    sync_error: orm.Mapped[str | None] = orm.mapped_column(LongText)
    outline: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(sa.JSON(none_as_null=True))
    drift: orm.Mapped[list[dict[str, Any]]] = orm.mapped_column(sa.JSON, default=list)
    fenced: orm.Mapped[list[dict[str, Any]]] = orm.mapped_column(sa.JSON, default=list)
    editor: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    edited_since: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=now)
    updated_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time, onupdate=now)

    def peer_of(self, site: str) -> str:
        """Return the other of the group's two sites."""
        return self.secondary_site if site == self.primary_site else self.primary_site

    @property
    def superseded(self) -> bool:
        """Whether the peer has failed the group over, and this site has not been told all."""
        return (self.remote_epoch or 0) > self.epoch


class DeletedGroup(Base):
    """A group that was deleted: what the peer said of it earlier may still arrive."""

    __tablename__ = "deleted_groups"

    id: orm.Mapped[str] = orm.mapped_column(sa.String(39), primary_key=True)
    deleted_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=now)


class RecoveryDocument(Base):
    """One version of a group's recovery document. ``standing``: see documents.py.

    ``body`` is as it was sent, of whichever schema. ``acknowledged``: the peer has said that it
    has this version too. ``overwrites``: it is prepared to settle a conflict, so what is in force
    here is no ancestor of it.
    """

    __tablename__ = "recovery_documents"
    __table_args__ = (
        sa.UniqueConstraint("group_id", "checksum", name="uq_recovery_documents_checksum"),
        # What is in force of all groups is read every few seconds, and from this alone.
        sa.Index(None, "standing", "group_id", "checksum", "acknowledged"),
    )

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    group_id: orm.Mapped[str] = orm.mapped_column(sa.String(39), index=True)
    epoch: orm.Mapped[int] = orm.mapped_column()
    version: orm.Mapped[int] = orm.mapped_column()
    checksum: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    body: orm.Mapped[str] = orm.mapped_column(LongText)
    standing: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    acknowledged: orm.Mapped[bool] = orm.mapped_column(default=False)
    overwrites: orm.Mapped[bool] = orm.mapped_column(default=False)
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=now)

    @property
    def document(self) -> Document:
        return release.understood(self.as_sent)

    @property
    def as_sent(self) -> dict[str, Any]:
        """The document as plain JSON; its checksum is of this."""
        plain: dict[str, Any] = json.loads(self.body)
        return plain


class Operation(Base):
    """What was asked of a group, and what became of it.

    ``arguments`` is all that its flow is built from; ``plan`` is phase -> step names. ``owner``
    and ``generation`` are the engine's claim: without an owner, a running one waits for an engine
    that takes it over. ``retry_of``: the operation that this one goes on with. ``cancel``: that,
    and ``cancelled_by``: by which user it is to be cancelled.
    """

    __tablename__ = "operations"
    __table_args__ = (sa.Index(None, "project_id", "created_at"),)

    id: orm.Mapped[str] = orm.mapped_column(
        sa.String(39), primary_key=True, default=lambda: f"op-{uuid.uuid4()}"
    )
    group_id: orm.Mapped[str] = orm.mapped_column(sa.String(39), index=True)
    project_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    user_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    request_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    kind: orm.Mapped[operation.Kind] = orm.mapped_column(by_value(operation.Kind))
    status: orm.Mapped[operation.Status] = orm.mapped_column(
        by_value(operation.Status), default=operation.Status.QUEUED, index=True
    )
    progress: orm.Mapped[int] = orm.mapped_column(default=0)
    source_site: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    target_site: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    arguments: orm.Mapped[dict[str, Any]] = orm.mapped_column(sa.JSON)
    plan: orm.Mapped[dict[str, list[str]]] = orm.mapped_column(sa.JSON)
    trust_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), index=True)
    error_message: orm.Mapped[str | None] = orm.mapped_column(LongText)
    retry_of: orm.Mapped[str | None] = orm.mapped_column(sa.String(39))
    cancel: orm.Mapped[operation.Cancel | None] = orm.mapped_column(by_value(operation.Cancel))
    cancelled_by: orm.Mapped[str | None] = orm.mapped_column(sa.String(64))
    owner: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    generation: orm.Mapped[int] = orm.mapped_column(default=0)
    created_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=now)
    updated_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time, onupdate=now)
    started_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    completed_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)


class OperationStep(Base):
    """A step of an operation. ``detail``: sentences on what it found, did or could not do."""

    __tablename__ = "operation_steps"

    operation_id: orm.Mapped[str] = orm.mapped_column(
        sa.ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True
    )
    name: orm.Mapped[str] = orm.mapped_column(sa.String(255), primary_key=True)
    phase: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    status: orm.Mapped[operation.StepStatus] = orm.mapped_column(by_value(operation.StepStatus))
    started_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time)
    ended_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    detail: orm.Mapped[str | None] = orm.mapped_column(LongText)


class Rehearsal(Base):
    """A test failover on this site, until long after it: what it made, and how it went.

    ``label``: of what is made (see domain/recovery.py). ``server_ids``, ``volume_ids`` and
    ``network_ids``: of the source, with which the keys of what is made begin. ``networks``: id of
    one of these networks -> the isolated one that was made for it, see engine/rehearsal.py.
    ``result`` None: it has not ended. ``cleaned_at`` None: what it made may still be there.
    """

    __tablename__ = "rehearsals"

    operation_id: orm.Mapped[str] = orm.mapped_column(sa.String(39), primary_key=True)
    group_id: orm.Mapped[str] = orm.mapped_column(sa.String(39), index=True)
    label: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    epoch: orm.Mapped[int] = orm.mapped_column()
    version: orm.Mapped[int] = orm.mapped_column()
    checksum: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    point: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    server_ids: orm.Mapped[list[str]] = orm.mapped_column(sa.JSON)
    volume_ids: orm.Mapped[list[str]] = orm.mapped_column(sa.JSON)
    network_ids: orm.Mapped[list[str]] = orm.mapped_column(sa.JSON)
    networks: orm.Mapped[dict[str, Any]] = orm.mapped_column(sa.JSON, default=dict)
    result: orm.Mapped[str | None] = orm.mapped_column(sa.String(16))
    rto_seconds: orm.Mapped[int | None] = orm.mapped_column()
    started_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time)
    ended_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time)
    expires_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time)
    cleaned_at: orm.Mapped[datetime.datetime | None] = orm.mapped_column(Time, index=True)


class VolumePair(Base):
    """A volume of the source and what it was recovered as here, by ids: names change.

    ``label`` tells one recovery from another (see domain/recovery.py), so that a repeated failover
    of the same disaster finds what an earlier attempt made.
    """

    __tablename__ = "volume_pairs"

    group_id: orm.Mapped[str] = orm.mapped_column(sa.String(39), primary_key=True)
    label: orm.Mapped[str] = orm.mapped_column(sa.String(16), primary_key=True)
    source_volume_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), primary_key=True)
    point: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    array_volume_id: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    array_volume_name: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    volume_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(36))


class ServerPair(Base):
    """A server of the source and what it was recovered as here."""

    __tablename__ = "server_pairs"

    group_id: orm.Mapped[str] = orm.mapped_column(sa.String(39), primary_key=True)
    label: orm.Mapped[str] = orm.mapped_column(sa.String(16), primary_key=True)
    source_server_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), primary_key=True)
    server_id: orm.Mapped[str] = orm.mapped_column(sa.String(36))
