# SPDX-License-Identifier: Apache-2.0
"""Pods, and the arrays they are on. What is in a pod has the pod's id for its place."""

import enum
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from flasharray_simulator.model.base import Base, Destroyable
from flasharray_simulator.model.content import Content

# What separates a pod's name from that of what is in it.
MARK = "::"


class Gone(enum.StrEnum):
    """A side that has left the pod, as long as not both arrays know of it."""

    REMOVED = "removed"  # the other array has unstretched the pod; this one has not heard of it
    LEFT = "left"  # this array went on alone, by force; the other one has not heard of it


class Pod(Destroyable, Base):
    """``contested_at`` is since when its arrays do not reach each other.

    ``remains_of`` is the pod that was unstretched from this one's array: what it had then.
    """

    __tablename__ = "pods"

    preferences: Mapped[list[Any]] = mapped_column(default=list)
    mediator: Mapped[str] = mapped_column(default="purestorage")
    source: Mapped[dict[str, Any]] = mapped_column(default=dict)
    contested_at: Mapped[int | None]
    remains_of: Mapped[str | None]
    sides: Mapped[list["PodSide"]] = relationship(
        back_populates="pod", cascade="all, delete-orphan", order_by="PodSide.number"
    )

    def side(self, array: str) -> "PodSide":
        return next(side for side in self.sides if side.array == array)

    def peer(self, array: str) -> "PodSide | None":
        """Return the pod's other side, if this array takes it for one."""
        sides = (side for side in self.sides if side.array != array)
        return next((side for side in sides if side.gone != Gone.REMOVED), None)

    @property
    def current(self) -> "PodSide":
        """A side that has all that was written; the pod's volumes hold what is on it."""
        return next(side for side in self.sides if side.in_sync)


class PodSide(Base):
    """A pod on one array.

    ``frozen`` is what this array has of each volume (serial -> content) while it is not
    ``in_sync``, and ``frozen_at`` the moment it shows. ``done`` of ``total`` bytes are resynced.
    """

    __tablename__ = "pod_sides"

    pod_id: Mapped[str] = mapped_column(ForeignKey("pods.id"), primary_key=True)
    array: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    status: Mapped[str] = mapped_column(default="online")
    in_sync: Mapped[bool] = mapped_column(default=True)
    frozen: Mapped[dict[str, Any]] = mapped_column(default=dict)
    frozen_at: Mapped[int | None]
    pre_elected: Mapped[bool] = mapped_column(default=False)
    done: Mapped[float] = mapped_column(default=0.0)
    total: Mapped[int] = mapped_column(default=0)
    gone: Mapped[str | None]
    pod: Mapped[Pod] = relationship(back_populates="sides")

    @property
    def progress(self) -> float:
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def source(self) -> str:
        """The array it is resynced from."""
        return self.pod.current.array

    @property
    def target(self) -> str:
        return self.array

    def content(self, serial: str, latest: Content) -> Content:
        """Return what this array has of a volume, of which ``latest`` is all there is."""
        return latest if self.in_sync else self.frozen.get(serial, [])
