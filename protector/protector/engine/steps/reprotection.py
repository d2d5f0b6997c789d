# SPDX-License-Identifier: Apache-2.0
"""Steps that let a group, which was failed over to this site, replicate to the one it came from.

They go forward only: what one has made is found by its key when it is done again, also by another
operation. Each looks at the document in force, so they can follow a failover's own last steps.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from protector import errors
from protector.cloud.base import ServerFacts, VolumeType
from protector.db import claims, documents, pairs
from protector.domain import recovery
from protector.domain.document import ConsistencyGroup, Document, Member
from protector.engine import protectable, reversal, volume_types
from protector.engine.chain import Chain
from protector.engine.step import Result, Step, repeated
from protector.engine.steps.watching import WatchingStep
from protector.engine.work import Work
from protector.sync import edit
from protector.sync.peer import Peer, ReplicatedPoint

ALREADY = "It is protected already"
NOT_YET = "It is not protected yet"
# What ends the operation, whatever else may be borne.
FINAL = (errors.ClaimLost, errors.OperationCancelled)


class _Reversing(WatchingStep):
    """:param bears: whether the operation goes through all the same when this fails: a person is
    then told how to have it done.
    """

    def __init__(self, work: Work, *, bears: bool = False) -> None:
        super().__init__(work)
        self._bears = bears

    def bearing(self, action: Callable[[], Result]) -> Result:
        """Return what came of the action, or the fault, if it is to be borne."""
        try:
            return action()
        except FINAL:
            raise
        except errors.ProtectorError as fault:
            if not self._bears:
                raise
            group, peer, why = self.work.document.name, self.peer().site, fault.text.rstrip(".")
            return {
                "fault": f"{group} runs, and {peer} does not protect it yet: {why}. Then: openstack"
                f" protector protection-group reprotect {group}",
            }

    def document(self) -> Document:
        with self.work.sessions.begin() as session:
            return documents.in_force(session, self.work.group_id).document

    def peer(self) -> Peer:
        return self.work.equipment.peer(self.work.document.peer_of(self.work.site))

    def facts(self, document: Document) -> dict[str, ServerFacts]:
        """Return server id of a member -> what runs here of it; what was deleted does not."""
        work, label = self.work, recovery.label_of_last(document)
        with work.sessions.begin() as session:
            made = pairs.servers(session, work.group_id, label)
        cloud, project = work.equipment.cloud.as_service(), document.projects[work.site]
        found = {}
        for member in document.members:
            if member.server_id in made:
                try:
                    server_id = made[member.server_id]
                    found[member.server_id] = cloud.describe_server(project, server_id)
                except errors.ServerNotFound:
                    continue
        return found


class SetUpReverseReplication(_Reversing):
    """Have all volumes of the VMs that run here sent to the other array, from this moment on."""

    default_provides = {"chain", "awaited"}

    def execute(self) -> Result:
        return {"chain": None, "awaited": None, **self.bearing(self._set_up)}

    @repeated
    def _set_up(self) -> Result:
        work, document = self.work, self.document()
        if document.is_reversed:
            return {"detail": ALREADY}
        if self._bears and document.status == "failed_over_partial":
            return {"detail": f"{NOT_YET}: some of its VMs are to come up first"}
        peer = self.peer()
        target = edit.introduce(work.sessions, peer, work.group_id, work.site)
        # What is made stays, and is found again by whoever goes on.
        chain = Chain(work.equipment, work.tenant, ExitStack())
        if document.is_mirrored:
            work.must_be_ours()
            chain.mirror(self._volume_type(document).id, self._recovered(document))
        members = self._protectable(document)
        work.must_be_ours()
        made = chain.make(work.group_id, self._volume_type(document))
        chain.replicate(made, target.array, document.policy)
        for member in members:
            chain.join(made, member)
        peer.allow_replication(made.array, made.array_group)
        awaited = work.equipment.array.take_point(made.array_group, key=work.claim.operation_id)
        names = ", ".join(member.name for member in members)
        return {
            "chain": made.model_dump(mode="json"),
            "awaited": awaited,
            "detail": f"{names} replicate from {made.array} to {target.array}",
        }

    def undo(self) -> None:
        """Somebody cancelled, and does not want it kept."""
        document = self.document()
        if not document.is_reversed:
            chain = Chain(self.work.equipment, self.work.tenant, ExitStack())
            chain.remove(self.work.group_id, None)

    def _protectable(self, document: Document) -> list[Member]:
        """:raises NothingRecoverable: with all that keeps VMs from being replicated, at once."""
        facts = self.facts(document)
        if not facts:
            raise errors.NothingRecoverable(
                faults=f"None of the VMs of protection group {document.name} runs on"
                f" {self.work.site}, so there is nothing to protect."
            )
        volume_type, array = self._volume_type(document), self.work.equipment.array.array
        faults = []
        for one in facts.values():
            try:
                protectable.check(one, volume_type=volume_type, array=array)
            except errors.ServerNotProtectable as reasons:
                faults.append(reasons.text)
        if faults:
            raise errors.NothingRecoverable(faults="\n".join(faults))
        return [one.member for one in facts.values()]

    def _recovered(self, document: Document) -> list[str]:
        """Return the volumes that came of the other site's and that its VMs still have here."""
        with self.work.sessions.begin() as session:
            made = pairs.volumes(
                session, self.work.group_id, recovery.label_of_last(document)
            ).values()
        used = {volume.id for one in self.facts(document).values() for volume in one.volumes}
        return [pair.volume_id for pair in made if pair.volume_id in used]

    def _volume_type(self, document: Document) -> VolumeType:
        """Return the replicated type that the recovered volumes were given, or are to be given."""
        work = self.work
        if document.is_mirrored:
            return volume_types.replicated(document, work.equipment.cloud.as_service(), work.site)
        types = self.work.equipment.cloud.as_service().volume_types(document.replication_type)
        used = {volume.type_id for one in self.facts(document).values() for volume in one.volumes}
        found = [type for type in types if type.id in used]
        if found:
            return found[0]
        names = ", ".join(sorted(type.name for type in types)) or "none"
        raise errors.NoVolumeType(
            reason=f"No volume of protection group {document.name} on {self.work.site} is of a type"
            f" whose volumes replicate ({document.replication_type}). Those that do: {names}. Give"
            " one to the volumes: openstack volume set --type <type> --retype-policy on-demand"
            " <volume>"
        )


class WaitForFirstSnapshot(_Reversing):
    """Wait until the other array has all of it once: before, there is nothing to go back to."""

    def execute(self, awaited: str | None, chain: dict[str, str] | None) -> Result:
        if awaited is None or chain is None:
            return {"detail": ALREADY if self.document().is_reversed else NOT_YET}
        return self.bearing(lambda: self._await(awaited, chain))

    def _await(self, awaited: str, chain: dict[str, str]) -> Result:
        group = ConsistencyGroup.model_validate(chain)
        self.watch(
            lambda: self._look(group, awaited),
            lambda point: point is not None and point.complete,
            lambda point: self._told(awaited, point),
        )
        return {"detail": f"Snapshot {awaited} is complete on the other array"}

    def _look(self, group: ConsistencyGroup, awaited: str) -> ReplicatedPoint | None:
        """Return the point at the peer; None also when that does not answer just now."""
        try:
            found = self.peer().replicated_points(group.array, group.array_group)
        except errors.PeerUnreachable:
            return None
        return next((one for one in found if one.name == awaited), None)

    def _told(self, awaited: str, point: ReplicatedPoint | None) -> str:
        if point is None:
            return f"Snapshot {awaited} has not begun to arrive at {self.peer().site}"
        return f"Snapshot {awaited} is at {point.progress:.0%} on the other array"


class Reprotect(_Reversing):
    """Put in force on both sites that the group is protected by its other site."""

    def execute(self, chain: dict[str, str] | None) -> Result:
        return self.bearing(lambda: self._put_in_force(chain))

    @repeated
    def _put_in_force(self, chain: dict[str, str] | None) -> Result:
        work = self.work
        with work.sessions.begin() as session:
            version = documents.in_force(session, work.group_id)
            before, checksum = version.document, version.checksum
        peer = self.peer()
        if before.is_reversed:
            edit.settle(work.sessions, peer, work.group_id)
            return {"detail": ALREADY}
        if chain is None:
            return {"detail": NOT_YET}
        after = reversal.reverse(
            before,
            work.site,
            here={id: one.member for id, one in self.facts(before).items()},
            volumes=self._volumes(before),
            chain=ConsistencyGroup.model_validate(chain),
        )
        edit.commit_change(
            work.sessions,
            peer,
            after,
            base=checksum,
            hold=lambda session: claims.hold(session, work.claim),
        )
        return {"detail": self._told(after)}

    def _volumes(self, document: Document) -> Mapping[str, str]:
        label = recovery.label_of_last(document)
        with self.work.sessions.begin() as session:
            made = pairs.volumes(session, self.work.group_id, label)
        return {source: pair.volume_id for source, pair in made.items() if pair.volume_id}

    def _told(self, after: Document) -> str:
        members = ", ".join(member.name for member in after.members)
        told = f"Version {after.version}: {members} protected by {self.peer().site}"
        left = [one.member.name for one in after.standby if one.server_id is None]
        if left:
            told += f". Not running here, and kept there as it is: {', '.join(left)}"
        return told


def reverse_replication(work: Work, *, bears: bool = False) -> list[Step]:
    """Return the steps, in order, for any operation after which the group runs here."""
    steps = (SetUpReverseReplication, WaitForFirstSnapshot, Reprotect)
    return [step(work, bears=bears) for step in steps]
