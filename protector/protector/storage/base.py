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
    point of a driver that does not cover a group atomically may lack some. ``sent_bytes``: what
    was sent of it so far, which is what had changed since the point before; None: not told.
    """

    name: str
    created: datetime.datetime
    complete: bool
    progress: float
    volumes: Mapping[str, str]
    sent_bytes: int | None = None


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


@dataclasses.dataclass(frozen=True)
class Mirror:
    """How a mirrored group stands, as this array sees it.

    Its volumes are on two arrays at once, in a *pod*, which has groups of others in it as well.

    ``other``: the array it is stretched to; None: to none. ``here``: ``online``, ``resyncing``,
    ``suspended`` or ``offline``. ``there``: one of these, or ``unknown``, as it is without another
    array. ``progress``, 0 to 1: of whichever side is resyncing. ``as_of``, with a time zone: the
    moment whose data this array holds, when it is not online here. ``preferred``: the array that
    goes on when they part; None: not said. ``mediated``: this array reaches the mediator.
    """

    pod: str
    other: str | None
    here: str
    there: str
    progress: float | None
    as_of: datetime.datetime | None
    preferred: str | None
    mediated: bool


class StorageDriver(abc.ABC):
    """One array.

    A group's points are sent from its source to its target, or it is *mirrored*: it has one name
    on both arrays, either of which may be asked for what the contract asks of the source or the
    target, and its volumes' names are as long as the array has them. Nothing that is asked changes
    how it is mirrored, for that is the pod's, which is not this group's alone.

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

        The target has to allow it (:meth:`allow`); points flow from then on. Of a mirrored group
        it is only looked whether its pod is stretched to the target.

        :raises StorageError: there is no such group, or no way to the target.
        """

    @abc.abstractmethod
    def replication(self, group: str) -> Replication | None:
        """Return how the local group is replicated, or None if it is not (or does not exist).

        A mirrored one is enabled while both arrays are online, and has an interval of 0.
        """

    @abc.abstractmethod
    def replications(self) -> dict[str, Replication]:
        """Return name -> how it is replicated, of all local groups that have a target.

        A mirrored group is local to both arrays. The price of a few listings, however many groups
        there are.
        """

    @abc.abstractmethod
    def suspend(self, group: str) -> None:
        """Stop the schedule; the target, and all that it holds, stay. None is no error.

        :meth:`replicate` starts it again. A mirrored group has none that is Protector's.
        """

    @abc.abstractmethod
    def stop_replicating(self, group: str) -> None:
        """Stop the schedule and forget the target. A group that is gone is no error.

        A mirrored group stays so: Cinder made it, and ends it.
        """

    @abc.abstractmethod
    def take_point(self, group: str, *, key: str) -> str:
        """Take a point of the local group now, and send it before any other.

        :param key: at most 48 of letters, digits and ``-``; the same key is the same point.
        :returns: the name that the point has at the target (:meth:`points`).
        :raises StorageError: the group does not exist, or is not sent anywhere; or it is mirrored
            and not online here.
        :raises ArrayBusy: it is mirrored and suspended: which array goes on is being decided.
        """

    # -- at either ----------------------------------------------------------------------------

    @abc.abstractmethod
    def group_called(self, name: str) -> str | None:
        """Return the full name of the local group that Cinder's driver calls so, if there is one.

        In a pod it is longer.

        :raises StorageError: there are several.
        """

    @abc.abstractmethod
    def mirror(self, group: str) -> Mirror | None:
        """Return how the group is mirrored, or None if it is not (or does not exist)."""

    @abc.abstractmethod
    def forget_points(self, before: datetime.datetime) -> int:
        """Remove points of mirrored groups that were taken on demand before the moment.

        Nothing else does; others are removed by the schedule's retention. ``before`` bears a time
        zone. One that is gone meanwhile is no error, one that is not online here stays.

        :returns: how many were removed.
        """

    # -- at the target ------------------------------------------------------------------------

    @abc.abstractmethod
    def allow(self, group: ReplicaGroup) -> None:
        """Accept the source array's points of this group; a mirrored one needs no leave.

        :raises StorageError: the group is not known here; the source has not named us yet, or the
            pod is not stretched to it.
        """

    @abc.abstractmethod
    def points(self, group: ReplicaGroup) -> list[Point]:
        """Return the group's points, newest first by the time the source took them.

        Incomplete ones are among them, and say so. An unknown group has none. Those of a mirrored
        group are complete as long as it is online here, and may have been taken by others.
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

    # -- onto volumes that are there ----------------------------------------------------------

    @abc.abstractmethod
    def volume(self, name: str) -> ArrayVolume | None:
        """Return the volume that bears the name now."""

    @abc.abstractmethod
    def save(self, volume_id: str, *, key: str) -> None:
        """Keep what a volume holds now, unless something is kept under the key already.

        :param key: at most 24 of letters, digits and ``-``; another volume may have the same.
        :raises StorageError: the volume is gone.
        """

    @abc.abstractmethod
    def restore(self, volume_id: str, *, key: str) -> None:
        """Let a volume hold again what was kept of it under the key; it stays kept.

        Nothing kept is no error, and changes nothing.

        :raises StorageError: the volume is gone.
        """

    @abc.abstractmethod
    def overwrite(self, volume_id: str, *, source: str) -> None:
        """Let a volume hold what another one of this array holds.

        It stays the same volume to whoever uses it, who must not do so meanwhile.

        :param source: the name of the other one. Once that is discarded or renamed nobody can do
            this again, not even somebody who began before and was held up.
        :raises StorageError: one of them is gone, or they differ in size.
        """

    @abc.abstractmethod
    def forget_saved(self, before: datetime.datetime) -> int:
        """Remove what was kept by :meth:`save` before the moment; return how many volumes' it was.

        ``before`` bears a time zone. What is not online here stays.
        """

    # -- in the end ---------------------------------------------------------------------------

    @abc.abstractmethod
    def discard(self, volume_id: str) -> None:
        """Remove a volume made by :meth:`promote`. One that is gone is no error.

        :raises StorageError: a host is connected to it.
        """
