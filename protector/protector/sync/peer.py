# SPDX-License-Identifier: Apache-2.0
"""What is asked of the other site's Protector.

Everything may be asked again: a request whose answer was lost changes nothing more.
"""

import abc
import dataclasses
import datetime

from protector.domain.document import Document


@dataclasses.dataclass(frozen=True)
class PeerSite:
    """Who the peer says it is."""

    name: str
    array: str


@dataclasses.dataclass(frozen=True)
class Base:
    """The version from which a next one is made."""

    epoch: int
    version: int


@dataclasses.dataclass(frozen=True)
class Head:
    """The version of a group's document that is in force at the peer."""

    epoch: int
    version: int
    checksum: str
    site: str
    modified_at: datetime.datetime

    @property
    def base(self) -> Base:
        return Base(self.epoch, self.version)


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
    def prepare(self, document: Document, base: Base | None) -> None:
        """Have it keep a version, to be committed.

        :param base: the version it must have now; None: it must not know the group.
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
    def head(self, group_id: str) -> Head | None:
        """Return the version in force there, or None if it does not know the group."""

    @abc.abstractmethod
    def allow_replication(self, source_array: str, array_group: str) -> str:
        """Have its array accept a group of this site's; return that array's name."""
