# SPDX-License-Identifier: Apache-2.0
"""What is asked of the other site's Protector.

Everything may be asked again: a request whose answer was lost changes nothing more.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any

from protector.db.models import RecoveryDocument
from protector.domain import group, operation


@dataclasses.dataclass(frozen=True)
class PeerSite:
    """Who the peer says it is. ``newest_schema``: of the documents that it understands."""

    name: str
    array: str
    newest_schema: int


@dataclasses.dataclass(frozen=True)
class Version:
    """A version of a group's document as it travels. ``body``: plain JSON, of any schema.

    ``overwrites``: it settles a conflict, so it does not come from what the receiver has.
    """

    group_id: str
    checksum: str
    body: dict[str, Any]
    overwrites: bool = False

    @classmethod
    def of(cls, row: RecoveryDocument, *, overwrites: bool = False) -> "Version":
        return cls(row.group_id, row.checksum, row.as_sent, overwrites)


@dataclasses.dataclass(frozen=True)
class Head:
    """What is in force of a group at the peer, and what the peer shows of it."""

    epoch: int
    version: int
    checksum: str
    current_primary_site: str
    status: group.Status


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a group stands at the peer.

    ``head`` is None when it has no version in force. ``prepared``: checksum of what this site has
    prepared there and not committed. ``yours``: the standing there of the version in force here
    (see db/documents.py); None: it is not known there.
    """

    head: Head | None
    prepared: str | None
    yours: str | None


UNKNOWN = Standing(head=None, prepared=None, yours=None)


@dataclasses.dataclass(frozen=True)
class ReplicatedPoint:
    """A point of a group of this site's array, as it is at the peer's. ``progress``: 0 to 1."""

    name: str
    complete: bool
    progress: float


@dataclasses.dataclass(frozen=True)
class HandOver:
    """How far the peer has come with handing a group over.

    ``holds``: its VMs are being stopped, or are off and wait for what becomes of it; else the peer
    has given it back to itself, or never began. ``status`` and ``progress`` are its operation's,
    which is called ``operation_id`` there; ``point`` is the name of the last snapshot. ``steps``:
    name -> what is said of it, of those that have ended, in order. ``said``: why it failed there.
    ``left``: what could not be started again when it was given back.
    """

    operation_id: str
    holds: bool
    status: operation.Status
    progress: int
    point: str | None
    steps: dict[str, str]
    said: str | None
    left: str | None


@dataclasses.dataclass(frozen=True)
class Fate:
    """What became of an operation of the peer's; ``runs_here``: the group, at the peer, by now."""

    status: operation.Status
    runs_here: bool


class Peer(abc.ABC):
    """The other site.

    Every method raises :class:`protector.errors.PeerUnreachable` when it does not answer in time,
    and :class:`protector.errors.PeerRefused`, with the peer's own sentence, when it says no.
    """

    #: The name by which this site knows it.
    site: str

    @abc.abstractmethod
    def introduce(self) -> PeerSite: ...

    @abc.abstractmethod
    def standings(self, ours: Mapping[str, str]) -> dict[str, Standing]:
        """Return how groups stand there: those that are given, and all it has in common with us.

        :param ours: group id -> checksum of the version in force here.
        """

    @abc.abstractmethod
    def standing(self, group_id: str, checksum: str | None) -> Standing:
        """Return how one group stands there.

        :param checksum: of the version in force here.
        """

    @abc.abstractmethod
    def version(self, group_id: str) -> Version | None:
        """Return the whole of what is in force there, or None if it does not know the group."""

    @abc.abstractmethod
    def prepare(self, version: Version, base: str | None) -> None:
        """Have it keep a version, to be committed.

        :param base: checksum of what it must have in force now; None: it must not know the group.
        :raises DocumentConflict: it has another.
        """

    @abc.abstractmethod
    def commit(self, group_id: str, checksum: str) -> None:
        """Have it put the prepared version in force.

        :raises DocumentConflict: it has gone another way since.
        """

    @abc.abstractmethod
    def withdraw(self, group_id: str, checksum: str) -> None:
        """Have it forget what it prepared."""

    @abc.abstractmethod
    def delete(self, group_id: str) -> None:
        """Have it forget the group."""

    @abc.abstractmethod
    def allow_replication(self, source_array: str, array_group: str) -> str:
        """Have its array accept a group of this site's; return that array's name."""

    @abc.abstractmethod
    def replicated_points(self, source_array: str, array_group: str) -> list[ReplicatedPoint]:
        """Return what its array holds of a group of this site's, newest first."""

    @abc.abstractmethod
    def copies_left(self, group_id: str) -> int:
        """Return how many servers and volumes it still has of a group that failed back from it."""

    # -- a planned failover -------------------------------------------------------------------

    @abc.abstractmethod
    def hand_over(self, group_id: str, operation_id: str, checksum: str) -> None:
        """Have it begin to hand a group over to this site's operation.

        :param checksum: of the version that is in force here, and has to be there.
        """

    @abc.abstractmethod
    def hand_over_state(self, group_id: str, operation_id: str) -> HandOver | None:
        """Return how far it has come; None: it was never asked."""

    @abc.abstractmethod
    def hand_back(self, group_id: str, operation_id: str) -> None:
        """Have it take back what it hands over to that operation, and start the VMs again.

        When it was never asked, or has done so already, that is no error.
        """

    @abc.abstractmethod
    def fate(self, group_id: str, operation_id: str) -> Fate | None:
        """Return what became of an operation of its; None: it knows of none."""
