# SPDX-License-Identifier: Apache-2.0
"""What of a group stands by here, looked at before it fails back onto it. Nothing is changed."""

import dataclasses
from collections.abc import Iterator, Sequence

from protector import errors
from protector.cloud.base import OFF, Glance, ServerFacts
from protector.db.models import VolumePair
from protector.domain.document import Member
from protector.domain.readiness import Finding, Severity
from protector.engine.failback import Failback
from protector.engine.planning import about
from protector.engine.preflight.assessment import Assessment


@dataclasses.dataclass(frozen=True)
class Original:
    """``server_id``: of the VM that stands by, if it is there. ``same``: it can be started as it
    is, with the volumes and ports that it is to have.
    """

    server_id: str | None
    same: bool


@dataclasses.dataclass(frozen=True)
class Originals:
    """``by_member``: id of a member, or of what was left behind -> what stands by for it."""

    by_member: dict[str, Original]
    findings: Sequence[Finding]
    outlook: Failback

    def judged_with(self, assessment: Assessment) -> Assessment:
        """Return what there is to say, errors first, with what stands in the way here."""
        found = sorted([*self.findings, *assessment.findings], key=lambda one: not one.is_error)
        return dataclasses.replace(assessment, findings=found)


def look(work: Failback) -> Originals:
    """Return what there is, and what stands in the way, all at once.

    ``outlook`` is the work as far as VMs have to be made: what the usual look goes by.
    """
    return _Look(work).seen()


class _Look:
    def __init__(self, work: Failback) -> None:
        self._work = work
        self._cloud = work.equipment.cloud.as_service()
        self._project = work.document.projects[work.site]
        self._there = work.originals()

    def seen(self) -> Originals:
        work = self._work
        glances = self._cloud.look(self._project)
        by_member: dict[str, Original] = {}
        findings: list[Finding] = []
        for member, standby in self._pairs():
            facts = self._describe(standby.server_id)
            original = self._original(member, standby, facts)
            by_member[member.server_id] = original
            findings += self._of_vm(member, standby, original, glances)
        findings += self._of_sizes()
        same = frozenset(id for id, one in by_member.items() if one.same)
        pairs = {
            here: VolumePair(
                array_volume_id=on_array.id,
                array_volume_name=on_array.name,
                volume_id=original.id,
                point="",
            )
            for here, (original, on_array) in self._there.items()
        }
        outlook = dataclasses.replace(work, besides=same, there=pairs)
        return Originals(by_member, findings, outlook)

    # -- inside -------------------------------------------------------------------------------

    def _pairs(self) -> Iterator[tuple[Member, Member]]:
        """Give each member that something stands by for, and that; then what was left behind."""
        members = {member.server_id: member for member in self._work.document.members}
        for id, standby in self._work.standby.items():
            if id in members:
                yield members[id], standby.member
        for left in self._work.left_behind:
            yield left, left

    def _describe(self, server_id: str) -> ServerFacts | None:
        try:
            return self._cloud.describe_server(self._project, server_id)
        except errors.ServerNotFound:
            return None

    def _original(self, member: Member, standby: Member, facts: ServerFacts | None) -> Original:
        if facts is None:
            return Original(None, same=False)
        ports = {nic.port_id for nic in standby.nics}
        same = {volume.id for volume in facts.member.volumes} == self._wanted(member) and {
            nic.port_id for nic in facts.member.nics
        } == ports
        return Original(facts.member.server_id, same)

    def _wanted(self, member: Member) -> set[str]:
        """Return the ids of the volumes that the VM is to have here, as far as they have any."""
        if member in self._work.left_behind:
            return {volume.id for volume in member.volumes}
        return {
            self._there[volume.id][0].id if volume.id in self._there else volume.id
            for volume in member.volumes
        }

    # -- what stands in the way ---------------------------------------------------------------

    def _of_vm(
        self, member: Member, standby: Member, original: Original, glances: dict[str, Glance]
    ) -> Iterator[Finding]:
        site = self._work.site
        glance = glances.get(standby.server_id)
        left_behind = member is standby
        if glance and glance.status not in OFF and not left_behind:
            yield about(
                member,
                Severity.ERROR,
                f"it is {glance.status} on {site} ({standby.server_id}), and what it wrote since"
                " would be lost",
                f"Stop it: openstack server stop {standby.server_id}",
            )
        if original.server_id is None and left_behind:
            yield about(
                member,
                Severity.WARNING,
                f"it did not come up on the other site, and is not on {site} any more"
                f" ({standby.server_id}), so it is no part of the group from then on",
                f"If it is to be: openstack protector protection-group member add"
                f" {self._work.document.name} <server>",
            )
        elif original.server_id is None:
            yield about(
                member,
                Severity.WARNING,
                f"it is not on {site} any more ({standby.server_id}), and is made anew",
                "It keeps its addresses, and the volumes that are left",
            )
        elif not original.same and not left_behind:
            yield about(
                member,
                Severity.WARNING,
                f"on {site} it has other volumes or ports than it is to have, so server"
                f" {standby.server_id} is deleted, and made anew",
                "It keeps its addresses, and the volumes that are left",
            )

    def _of_sizes(self) -> Iterator[Finding]:
        """An original is overwritten whole, so it has to have the size of what it is to hold."""
        for member in self._work.document.members:
            for volume in member.volumes:
                if volume.id not in self._there:
                    continue
                original, on_array = self._there[volume.id]
                size = on_array.size_bytes // 2**30
                if size == volume.size_gb:
                    continue
                id, wanted = (
                    (original.id, volume.size_gb) if size < volume.size_gb else (volume.id, size)
                )
                where = self._work.site if id == original.id else "the other site"
                yield about(
                    member,
                    Severity.ERROR,
                    f"volume {volume.name} has {volume.size_gb} GiB, and its original"
                    f" {original.id} {size} GiB",
                    f"Extend it, on {where}: openstack --os-volume-api-version 3.42 volume set"
                    f" --size {wanted} {id}",
                )
