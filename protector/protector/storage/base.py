# SPDX-License-Identifier: Apache-2.0
"""What Protector asks of an array, in words no vendor owns.

A driver speaks to the one array of its own site, and never to another site's: what must happen
there is asked of the peer's Protector. Every method that changes the array may be called again
with the same arguments (the engine repeats a step whose outcome it did not live to record) and
then changes nothing more and returns the same answer.
"""

import abc
import dataclasses
import datetime
from collections.abc import Mapping
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class ReplicaGroup:
    """A group of volumes replicated together, named as on its source array."""

    source_array: str
    name: str


@dataclasses.dataclass(frozen=True)
class Point:
    """A point in time of a replica group, at the target.

    ``volumes`` maps the volume's name on the source array to the name of its snapshot here. A
    point of a driver that does not cover a group atomically may lack some.
    """

    name: str
    created: datetime.datetime
    complete: bool
    progress: float
    volumes: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class ArrayVolume:
    """A volume of this array; ``id`` survives a rename, ``name`` does not."""

    id: str
    name: str
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Replication:
    """What the source array says of a replica group's way to its target."""

    target: str
    allowed: bool
    enabled: bool
    interval_seconds: int
    volumes: frozenset[str]


class StorageDriver(abc.ABC):
    """One array.

    Every method raises :class:`protector.errors.ArrayUnreachable` when the array does not answer
    within its time limit, :class:`protector.errors.ArrayBusy` when it answers that it cannot now,
    and :class:`protector.errors.StorageError` when it refuses. After the first two, what was asked
    for may have been done.
    """

    #: Whether one point holds all volumes of the group as of one instant.
    points_are_atomic: ClassVar[bool]

    #: The array's own name, as its peer knows it.
    array: str

    @abc.abstractmethod
    def check(self) -> None:
        """Return if the array answers and accepts the configured credentials."""

    # -- at the source ------------------------------------------------------------------------

    @abc.abstractmethod
    def replicate(
        self, group: str, *, target_array: str, interval_seconds: int, retention_seconds: int
    ) -> None:
        """Send the local group's points to the target, on a schedule.

        The target has to allow it (:meth:`allow`); points flow from then on.
        """

    @abc.abstractmethod
    def replication(self, group: str) -> Replication | None:
        """Return how the local group is replicated, or None if it is not (or does not exist)."""

    @abc.abstractmethod
    def replications(self) -> dict[str, Replication]:
        """Return name -> how it is replicated, of all local groups that have a target.

        The price of a few listings, however many groups there are.
        """

    @abc.abstractmethod
    def suspend(self, group: str) -> None:
        """Stop the schedule; the target, and all that it holds, stay. None is no error.

        :meth:`replicate` starts it again.
        """

    @abc.abstractmethod
    def stop_replicating(self, group: str) -> None:
        """Stop the schedule and forget the target. A group that is gone is no error."""

    # -- at the target ------------------------------------------------------------------------

    @abc.abstractmethod
    def allow(self, group: ReplicaGroup) -> None:
        """Accept the source array's points of this group.

        :raises StorageError: the group is not known here; the source has not named us yet.
        """

    @abc.abstractmethod
    def points(self, group: ReplicaGroup) -> list[Point]:
        """Return the group's points, newest first by the time the source took them.

        Incomplete ones are among them, and say so. An unknown group has none.
        """

    @abc.abstractmethod
    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        """Make a writable volume out of one volume of a point.

        :param volume: its name on the source array, a key of ``point.volumes``.
        :param key: of the recovery this is done for; at most 48 of letters, digits and ``-``.
            The new volume bears it in its name until somebody renames it.
        :raises StorageError: the point is incomplete or does not hold the volume.
        """

    @abc.abstractmethod
    def promoted(self, key: str) -> ArrayVolume | None:
        """Return the volume made under the key, unless somebody has renamed it.

        This is how one is found whose maker did not live to learn its id.
        """

    @abc.abstractmethod
    def holds(self, volume_id: str) -> bool:
        """Tell whether a volume made by :meth:`promote` is still there."""

    @abc.abstractmethod
    def reclaim(self, volume_id: str, *, key: str) -> None:
        """Let a volume made under the key bear its first name again, whatever it is now.

        :raises StorageError: it is gone.
        """

    @abc.abstractmethod
    def removal(self, name: str) -> str:
        """Return the command by which a person removes a volume of that name on the array."""

    @abc.abstractmethod
    def discard(self, volume_id: str) -> None:
        """Remove a volume made by :meth:`promote`. One that is gone is no error.

        :raises StorageError: a host is connected to it.
        """
