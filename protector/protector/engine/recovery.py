# SPDX-License-Identifier: Apache-2.0
"""What a recovery has made of a group on this site, and what is still to be made."""

import dataclasses
import functools
from collections.abc import Collection

from protector import errors
from protector.cloud.base import Inventory, ServerRequest
from protector.db import documents, operations, pairs
from protector.db.models import VolumePair
from protector.domain import mapping, recovery
from protector.domain.document import Document, Mappings, Member, Volume
from protector.domain.operation import Cancel, RecoveryArguments
from protector.engine.planning import Target
from protector.engine.work import Work
from protector.sync.peer import Peer

# Server id -> sentences on why that member cannot be recovered.
Faults = dict[str, list[str]]
Disk = tuple[Member, Volume]


@dataclasses.dataclass
class Recovery(Work):
    """An operation that brings the group's VMs up on this site. ``document``: what they were."""

    arguments: RecoveryArguments

    @property
    def epoch(self) -> int:
        return recovery.epoch_of(self.document)

    @property
    def label(self) -> str:
        """What tells it, and what it resumes, from all other recoveries of the group."""
        return recovery.label(self.epoch)

    @property
    def is_planned(self) -> bool:
        """Whether the other site hands the group over."""
        return False

    def must_stay(self) -> bool:
        """VMs that run stay, with all that they need."""
        return bool(self.servers())

    def must_bear(self, faults: Faults) -> None:
        """:raises NothingRecoverable: without these members nothing is to be recovered."""
        must_leave_some(faults, self.missing())

    def must_do_without(self, member: Member, fault: str) -> None:
        """:raises NothingRecoverable: this member is not to be left behind; here it may be."""

    @functools.cached_property
    def is_the_first_attempt(self) -> bool:
        """Whether no engine can have asked for any of it before this one began.

        What was asked for, by an engine that was killed or an operation that was given up, may be
        made any time.
        """
        if not self.claim.is_the_first or self.document.status == "failed_over_partial":
            return False
        with self.sessions.begin() as session:
            return not operations.has_failed(session, self.group_id)

    # -- what is recovered --------------------------------------------------------------------

    @functools.cached_property
    def members(self) -> list[Member]:
        """The group's members, as they were when the point was taken if it is an older one.

        What is said of their recovery is as it is now.
        """
        then = self._as_of()
        if then is None:
            return self.document.members
        known = {member.server_id: member for member in then.members}
        return [
            known[member.server_id].as_wished_for(member)
            for member in self.document.members
            if member.server_id in known
        ]

    @property
    def too_young(self) -> list[Member]:
        """Return the members that joined the group after the older point was taken."""
        known = {member.server_id for member in self.members}
        return [member for member in self.document.members if member.server_id not in known]

    def keep_to(self, point: str, as_of: str | None) -> None:
        """Let it be this point from now on, and the members those of that version."""
        self.arguments = self.arguments.model_copy(update={"snapshot": point, "as_of": as_of})
        self.__dict__.pop("members", None)

    def _as_of(self) -> Document | None:
        if self.arguments.as_of is None:
            return None
        with self.sessions.begin() as session:
            version = documents.find(session, self.group_id, self.arguments.as_of)
            return version.document if version else None

    # -- how it is to be made here -----------------------------------------------------------

    def target(self, inventory: Inventory) -> Target:
        """Return where and by which mappings; those of this execution come first."""
        stored, given = self.document.mappings, self.arguments
        mappings = Mappings(
            networks=mapping.override(stored.networks, given.networks, self.document.networks),
            flavors=mapping.override(stored.flavors, given.flavors, self.document.flavors),
        )
        return Target(self.site, inventory, mappings, self.label)

    def named(self, name: str) -> str:
        """Return what a thing of that name is called here."""
        return name

    def placed(self, request: ServerRequest) -> ServerRequest:
        """Return a request that was planned, by the ids of what has been made for it since."""
        return request

    # -- what has been made so far, by this operation or one that it resumes ------------------

    def volumes(self) -> dict[str, VolumePair]:
        with self.sessions.begin() as session:
            return pairs.volumes(session, self.group_id, self.label)

    def servers(self) -> dict[str, str]:
        with self.sessions.begin() as session:
            return pairs.servers(session, self.group_id, self.label)

    def key(self, source_id: str) -> str:
        return recovery.key(source_id, self.label)

    # -- what is still to be made -------------------------------------------------------------

    def missing(self) -> list[Member]:
        """Return the members that do not run here yet, and are to."""
        done = {*self.servers(), *self.arguments.skip}
        return [member for member in self.members if member.server_id not in done]

    def unpromoted(self, faults: Faults) -> list[Disk]:
        """Return the volumes to be made, of the members that nothing is wrong with."""
        made = self.volumes()
        return [disk for disk in self._disks(faults) if disk[1].id not in made]

    def unmanaged(self, faults: Faults, younger: Collection[str]) -> list[Disk]:
        """Return those that Cinder is to have: all but the ones younger than the point.

        What it has already is among them.
        """
        return [disk for disk in self._disks(faults) if disk[1].id not in younger]

    def _disks(self, faults: Faults) -> list[Disk]:
        """Return the volumes of the missing members; first of those that are started first."""
        return [
            (member, volume)
            for _, tier in recovery.boot_tiers(self.missing())
            for member in tier
            if member.server_id not in faults
            for volume in member.volumes
        ]


@dataclasses.dataclass
class PlannedRecovery(Recovery):
    """One that the other site hands over: as long as it has not, everything can be undone."""

    @property
    def is_planned(self) -> bool:
        return True

    @property
    def peer(self) -> Peer:
        return self.equipment.peer(self.document.peer_of(self.site))

    def roles_changed(self) -> bool:
        with self.sessions.begin() as session:
            return documents.in_force(session, self.group_id).checksum != self.arguments.document

    def must_stay(self) -> bool:
        return self.roles_changed()

    def cancelled(self) -> Cancel | None:
        """Nothing is kept: another attempt begins with another snapshot."""
        return Cancel.UNDO if super().cancelled() else None

    def must_bear(self, faults: Faults) -> None:
        for member in self.missing():
            if member.server_id in faults:
                self.must_do_without(member, "\n".join(faults[member.server_id]))
        super().must_bear(faults)

    def must_do_without(self, member: Member, fault: str) -> None:
        """All VMs run where they are, so none is left behind but those that are optional."""
        if member.criticality != "optional":
            raise errors.NothingRecoverable(faults=fault)


def must_leave_some(faults: Faults, members: list[Member]) -> None:
    """:raises NothingRecoverable: every one of the members, if there are any, is at fault."""
    if members and all(member.server_id in faults for member in members):
        sentences = [s for member in members for s in faults[member.server_id]]
        raise errors.NothingRecoverable(faults="\n".join(sentences))
