# SPDX-License-Identifier: Apache-2.0
"""A group on its way back to the site that it came from: what is there of it, and how it returns.

Its members run on the other site. Each comes back onto the VM and the volumes that stand by for it
here, as far as these are there; the rest is made as by any planned failover.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from protector import errors
from protector.db.models import VolumePair
from protector.domain.document import Document, Mappings, Member, Standby, Volume
from protector.domain.operation import FailbackArguments
from protector.engine.recovery import Faults, PlannedRecovery
from protector.storage.base import ArrayVolume

# What the VM that stands by has of its own: its site's.
OWN = ("flavor", "nics", "key_name", "availability_zone", "server_group")


@dataclasses.dataclass
class Failback(PlannedRecovery):
    """``document``: its members as they are to be here; all else as the other site has it.

    ``besides``: ids of members that need not be made, and ``there``: id of a member's volume ->
    its original; both for a look at what has to be made.
    """

    arguments: FailbackArguments
    besides: frozenset[str] = frozenset()
    there: Mapping[str, VolumePair] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document = returning(self.document)

    @property
    def epoch(self) -> int:
        """Of its own: it goes on with no failover, not even with one that was partial."""
        return self.document.epoch

    @property
    def standby(self) -> dict[str, Standby]:
        """Id of a member -> what stands by for it here."""
        return {one.server_id: one for one in self.document.standby if one.server_id}

    @property
    def left_behind(self) -> list[Member]:
        """Return what stands by for nothing: it never came up on the other site."""
        return [one.member for one in self.document.standby if one.server_id is None]

    @property
    def all_members(self) -> list[Member]:
        return [*self.document.members, *self.left_behind]

    def missing(self) -> list[Member]:
        return [one for one in super().missing() if one.server_id not in self.besides]

    def volumes(self) -> dict[str, VolumePair]:
        return {**super().volumes(), **self.there}

    def originals(self) -> dict[str, tuple[Volume, ArrayVolume]]:
        """Return id of a member's volume -> its original here, of those that are there."""
        found = {}
        for standby in self.standby.values():
            own = {volume.id: volume for volume in standby.member.volumes}
            for here, original in standby.volumes.items():
                on_array = self.equipment.array.volume(own[original].array_volume)
                if on_array:
                    found[here] = (own[original], on_array)
        return found

    def must_bear(self, faults: Faults) -> None:
        """:raises NothingRecoverable: a group fails back with all of its VMs."""
        sentences = [sentence for told in faults.values() for sentence in told]
        if sentences:
            raise errors.NothingRecoverable(faults="\n".join(sentences))

    def must_do_without(self, member: Member, fault: str) -> None:
        raise errors.NothingRecoverable(faults=fault)


def returning(document: Document) -> Document:
    """Return the document with its members as they are to be here. Doing it again changes nothing.

    What stands by for a member tells the flavor, networks and addresses that it has here.
    """
    standby = {one.server_id: one.member for one in document.standby if one.server_id}
    own = [*standby.values(), *(one.member for one in document.standby)]
    networks = {nic.network_id: nic.network_id for one in own for nic in one.nics}
    flavors = {one.flavor.id: one.flavor.id for one in own}
    changes: dict[str, Any] = {
        "members": [_here(one, standby.get(one.server_id)) for one in document.members],
        "mappings": Mappings(
            networks={**document.mappings.networks, **networks},
            flavors={**document.mappings.flavors, **flavors},
        ),
    }
    return document.model_copy(update=changes)


def _here(member: Member, standby: Member | None) -> Member:
    if standby is None:
        return member
    return member.model_copy(update={field: getattr(standby, field) for field in OWN})
