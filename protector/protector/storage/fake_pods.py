# SPDX-License-Identifier: Apache-2.0
"""Pods of arrays in memory: a and b have what is in one at once, and each has a side of it::

a.create_pod("pod-a", stretched_to=b)
a.create_volume("pod-a::vol1"); a.create_group("pod-a::web")
a.add_to_group("pod-a::web", "pod-a::vol1")
b.pods["pod-a"].here = "resyncing"
"""

import dataclasses
import datetime
from collections.abc import Collection
from typing import Generic, Protocol, TypeVar

from protector import errors
from protector.storage.base import Mirror, Point, Replication

MARK = "::"


class Holder(Protocol):
    """An array, as far as its pods know it."""

    array: str
    down: bool


A = TypeVar("A", bound=Holder)


@dataclasses.dataclass(eq=False)
class FakePod(Generic[A]):
    """One array's side of a pod; ``other`` is the other array's.

    A test sets what it wants it to be. What is written while a side is not online does not reach
    that side, not even once it is online again.
    """

    name: str
    array: A
    other: "FakePod[A] | None" = None
    here: str = "online"
    progress: float | None = None
    as_of: datetime.datetime | None = None
    preferred: str | None = None
    mediated: bool = True
    points: list[Point] = dataclasses.field(default_factory=list)

    @property
    def sides(self) -> "list[FakePod[A]]":
        return [self, self.other] if self.other else [self]

    def mirror(self) -> Mirror:
        resyncing = [side.progress for side in self.sides if side.here == "resyncing"]
        return Mirror(
            pod=self.name,
            other=self.other.array.array if self.other else None,
            here=self.here,
            there=self._there(),
            progress=resyncing[0] if resyncing else None,
            as_of=None if self.here == "online" else self.as_of,
            preferred=self.preferred,
            mediated=self.mediated,
        )

    def replication(self, volumes: Collection[str]) -> Replication:
        found = self.mirror()
        return Replication(
            target=found.other or "",
            allowed=True,
            enabled=found.here == found.there == "online",
            interval_seconds=0,
            volumes=frozenset(volumes),
        )

    def must_be_stretched(self, to: str) -> None:
        other = self.mirror().other
        if other != to:
            reason = f"pod {self.name} is on {self.array.array} and {other}, and not on {to}"
            raise errors.StorageError(array=self.array.array, reason=reason)

    def must_be_online(self) -> None:
        if self.here != "online":
            kind = errors.ArrayBusy if self.here == "suspended" else errors.StorageError
            reason = f"pod {self.name} is {self.here} on {self.array.array}"
            raise kind(array=self.array.array, reason=reason)

    def points_of(self, group: str) -> list[Point]:
        whole = self.here == "online"
        return [
            dataclasses.replace(
                point, complete=whole, progress=1.0 if whole else self.progress or 0.0
            )
            for point in self.points
            if point.name.rpartition(".")[0] == group
        ]

    def _there(self) -> str:
        if self.other is None or self.here == "offline":
            return "unknown"
        return "offline" if self.other.array.down else self.other.here
