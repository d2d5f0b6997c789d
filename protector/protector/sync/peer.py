# SPDX-License-Identifier: Apache-2.0
"""What is asked of the other site's Protector.

Everything may be asked again: a request whose answer was lost changes nothing more.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any

from protector.db.models import RecoveryDocument
from protector.domain import group


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
