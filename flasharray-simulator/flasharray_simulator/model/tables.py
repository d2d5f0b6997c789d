# SPDX-License-Identifier: Apache-2.0
"""Arrays and all that is on them. Times are milliseconds of world time, sizes bytes."""

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from flasharray_simulator.model.base import Base, Destroyable, Name, Thing
from flasharray_simulator.model.content import Content


class Clock(Base):
    """World time = ``world`` + (real time - ``real``) * ``speed``."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    world: Mapped[int]
    real: Mapped[int]
    speed: Mapped[float]


class Array(Base):
    """``mediator`` is whether it reaches the mediator of its pods."""

    __tablename__ = "arrays"

    name: Mapped[str] = mapped_column(Name, primary_key=True)
    id: Mapped[str]
    up: Mapped[bool] = mapped_column(default=True)
    mediator: Mapped[bool] = mapped_column(default=True)
    serial_prefix: Mapped[str]
    serials: Mapped[int] = mapped_column(default=0)

    def next_serial(self) -> str:
        self.serials += 1
        return f"{self.serial_prefix}{self.serials:08X}"


class Link(Base):
    """The replication link of two arrays; ``bandwidth`` per second each way, ``lag`` in seconds.

    Pods can be stretched over one that is ``synchronous``.
    """

    __tablename__ = "links"

    first: Mapped[str] = mapped_column(primary_key=True)
    second: Mapped[str] = mapped_column(primary_key=True)
    first_id: Mapped[str]
    second_id: Mapped[str]
    synchronous: Mapped[bool]
    up: Mapped[bool] = mapped_column(default=True)
    bandwidth: Mapped[float]
    lag: Mapped[float]

    def joins(self, array: str) -> bool:
        return array in (self.first, self.second)

    def peer_of(self, array: str) -> str:
        return self.second if array == self.first else self.first


class VolumeGroup(Destroyable, Base):
    __tablename__ = "volume_groups"

    qos: Mapped[dict[str, Any]]
    volumes: Mapped[list["Volume"]] = relationship(back_populates="volume_group")


class Volume(Destroyable, Base):
    __tablename__ = "volumes"

    serial: Mapped[str]
    provisioned: Mapped[int]
    source: Mapped[dict[str, Any]]
    qos: Mapped[dict[str, Any]]
    tags: Mapped[list[Any]]
    promotion: Mapped[str] = mapped_column(default="promoted")
    content: Mapped[Content]
    volume_group_id: Mapped[str | None] = mapped_column(ForeignKey("volume_groups.id"))
    volume_group: Mapped[VolumeGroup | None] = relationship(back_populates="volumes")
    connections: Mapped[list["Connection"]] = relationship(back_populates="volume", lazy="selectin")
    snapshots: Mapped[list["VolumeSnapshot"]] = relationship(back_populates="volume")
    groups: Mapped[list["Group"]] = relationship(
        secondary="group_members", back_populates="volumes"
    )


class VolumeSnapshot(Destroyable, Base):
    """A volume as it was: by itself, or as a member of a group's snapshot.

    ``source`` is the volume's name and id then, which may be on another array or gone.
    """

    __tablename__ = "volume_snapshots"

    suffix: Mapped[str]
    serial: Mapped[str]
    provisioned: Mapped[int]
    source: Mapped[dict[str, Any]]
    content: Mapped[Content]
    volume_id: Mapped[str | None] = mapped_column(ForeignKey("volumes.id"))
    volume: Mapped[Volume | None] = relationship(back_populates="snapshots")
    group_snapshot_id: Mapped[str | None] = mapped_column(ForeignKey("group_snapshots.id"))
    group_snapshot: Mapped["GroupSnapshot | None"] = relationship(back_populates="members")


class Host(Thing, Base):
    __tablename__ = "hosts"

    iqns: Mapped[list[Any]]
    nqns: Mapped[list[Any]]
    wwns: Mapped[list[Any]]
    personality: Mapped[str | None]
    chap: Mapped[dict[str, Any]]
    connections: Mapped[list["Connection"]] = relationship(back_populates="host")


class Connection(Base):
    __tablename__ = "connections"

    host_id: Mapped[str] = mapped_column(ForeignKey("hosts.id"), primary_key=True)
    volume_id: Mapped[str] = mapped_column(ForeignKey("volumes.id"), primary_key=True)
    lun: Mapped[int]
    host: Mapped[Host] = relationship(back_populates="connections")
    volume: Mapped[Volume] = relationship(back_populates="connections")


class GroupMember(Base):
    __tablename__ = "group_members"

    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    volume_id: Mapped[str] = mapped_column(ForeignKey("volumes.id"), primary_key=True)


class Group(Destroyable, Base):
    """A protection group; one that is ``replica_of`` an array's stands for it at a target.

    ``origin`` is that group, as long as it exists. ``counter`` numbers the snapshots nobody named;
    ``last_runs`` is when each schedule ran.
    """

    __tablename__ = "groups"

    replication_schedule: Mapped[dict[str, Any]]
    snapshot_schedule: Mapped[dict[str, Any]]
    source_retention: Mapped[dict[str, Any]]
    target_retention: Mapped[dict[str, Any]]
    last_runs: Mapped[dict[str, Any]]
    counter: Mapped[int] = mapped_column(default=0)
    replica_of: Mapped[str | None]
    origin_id: Mapped[str | None] = mapped_column(ForeignKey("groups.id"))
    origin: Mapped["Group | None"] = relationship(remote_side="Group.id")
    volumes: Mapped[list[Volume]] = relationship(secondary="group_members", back_populates="groups")
    targets: Mapped[list["Target"]] = relationship(
        back_populates="group", foreign_keys="Target.group_id", cascade="all, delete-orphan"
    )
    snapshots: Mapped[list["GroupSnapshot"]] = relationship(
        back_populates="group", cascade="all, delete-orphan"
    )


class Target(Base):
    """Where a group is replicated to, if that array has allowed it."""

    __tablename__ = "targets"

    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    array: Mapped[str] = mapped_column(primary_key=True)
    allowed: Mapped[bool] = mapped_column(default=False)
    replica_id: Mapped[str] = mapped_column(ForeignKey("groups.id"))
    group: Mapped[Group] = relationship(back_populates="targets", foreign_keys=group_id)
    replica: Mapped[Group] = relationship(foreign_keys=replica_id)


class GroupSnapshot(Destroyable, Base):
    """All volumes of a group at one moment; ``kept`` ones are not subject to retention."""

    __tablename__ = "group_snapshots"

    suffix: Mapped[str]
    kept: Mapped[bool]
    group_id: Mapped[str] = mapped_column(ForeignKey("groups.id"))
    group: Mapped[Group] = relationship(back_populates="snapshots")
    members: Mapped[list[VolumeSnapshot]] = relationship(
        back_populates="group_snapshot", cascade="all, delete-orphan"
    )
    transfer: Mapped["Transfer | None"] = relationship(
        back_populates="replica", foreign_keys="Transfer.replica_id"
    )


class Transfer(Base):
    """A group's snapshot on its way to a target, or there; ``replica`` is there from the start."""

    __tablename__ = "transfers"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    target: Mapped[str]
    queued: Mapped[int]
    urgent: Mapped[bool]
    started: Mapped[int | None]
    completed: Mapped[int | None]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[float] = mapped_column(default=0.0)
    sent_id: Mapped[str | None] = mapped_column(ForeignKey("group_snapshots.id"))
    sent: Mapped[GroupSnapshot | None] = relationship(foreign_keys=sent_id)
    replica_id: Mapped[str | None] = mapped_column(ForeignKey("group_snapshots.id"))
    replica: Mapped[GroupSnapshot | None] = relationship(
        back_populates="transfer", foreign_keys=replica_id
    )

    @property
    def progress(self) -> float:
        """The part that is there; 1.0 only when it is complete."""
        if self.completed is not None:
            return 1.0
        return self.done / self.total if self.total else 0.0
