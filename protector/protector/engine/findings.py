# SPDX-License-Identifier: Apache-2.0
"""How a group's VMs are to be captured as they are now, and what of them a recovery would lack.

Pure functions. A VM of which nothing is known at the moment stays as it was captured. One that
cannot be recovered as it is stays, too, with the volumes it was captured with: the document never
loses a VM by itself.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from protector.cloud.base import ServerFacts, VolumeType
from protector.domain import differences
from protector.domain.document import ConsistencyGroup, Document, Drift, Member, Volume
from protector.engine import protectable
from protector.engine.chain import cinder_volume

# Server id -> what it is now; None: it was deleted. One that is not among them is not known.
Seen = Mapping[str, ServerFacts | None]


@dataclasses.dataclass(frozen=True)
class Terms:
    """What replicates a group from this site, and which of the array's volumes it does.

    ``replicated`` None: the group is not replicated at all, which tells nothing of a volume.
    """

    site: str
    chain: ConsistencyGroup
    volume_type: VolumeType
    replicated: frozenset[str] | None


@dataclasses.dataclass(frozen=True)
class Findings:
    """``members`` and ``drift`` are for the group's document.

    ``lacking``: ids of volumes that can be replicated with the group, and are not.
    ``strays``: volumes of the array that are, and belong to none of the members.
    """

    members: list[Member]
    drift: list[Drift]
    lacking: list[str]
    strays: list[str]

    def are_written_in(self, document: Document) -> bool:
        return self.members == document.members and self.drift == document.drift

    def call_for_nothing(self, document: Document) -> bool:
        return self.are_written_in(document) and not self.lacking and not self.strays


def of_group(document: Document, seen: Seen, terms: Terms) -> Findings:
    found = [_of_member(document, before, seen, terms) for before in document.members]
    members = [member for member, _, _ in found]
    theirs = {volume.array_volume for member in members for volume in member.volumes}
    return Findings(
        members=members,
        drift=[one for _, drift, _ in found for one in drift],
        lacking=[id for _, _, lacking in found for id in lacking],
        strays=sorted((terms.replicated or frozenset()) - theirs),
    )


def not_written(document: Document, found: Findings, *, why: str, remedy: str) -> list[Drift]:
    """Return, for each VM that has changed, that its change is not in the document yet."""
    return [
        Drift(
            server_id=after.server_id,
            server=after.name,
            what=f"Changes of {after.name} ({'; '.join(changes)}) are not in the recovery document"
            f" yet: {why}.",
            remedy=remedy,
        )
        for before, after in zip(document.members, found.members, strict=True)
        if (changes := differences.of_members(before, after))
    ]


def of_strays(strays: Iterable[str], chain: ConsistencyGroup) -> list[Drift]:
    """Return what to say of volumes that could not be taken out of the group."""
    return [
        Drift(
            server_id="",
            server="",
            what=f"Volume {stray} of {chain.array} is replicated with the group, though no VM of"
            " the group has it.",
            remedy=f"Take it out of {chain.array_group}:"
            f" cinder group-update --remove-volumes {cinder_volume(stray) or '<its id>'}"
            f" {chain.cinder_group_id}",
        )
        for stray in strays
    ]


# -- inside -----------------------------------------------------------------------------------


def _of_member(
    document: Document, before: Member, seen: Seen, terms: Terms
) -> tuple[Member, list[Drift], list[str]]:
    """Return how it is to be captured, its drift, and which of its volumes are lacking."""
    if before.server_id not in seen:
        known = [one for one in document.drift if one.server_id == before.server_id]
        return before, known, []
    facts = seen[before.server_id]
    if facts is None:
        return before, [_deleted(document, before, terms)], []
    return _Look(document, before, facts, terms).findings()


class _Look:
    """At one VM that is there."""

    def __init__(
        self, document: Document, before: Member, facts: ServerFacts, terms: Terms
    ) -> None:
        self._group = document.name
        self._before = before
        self._now = facts.member.as_wished_for(before)
        self._facts = facts
        self._terms = terms
        self._captured = {volume.id for volume in before.volumes}
        self._unfit = {
            volume.id: list(
                protectable.of_volume(
                    volume, volume_type=terms.volume_type, array=terms.chain.array
                )
            )
            for volume in facts.volumes
        }

    def findings(self) -> tuple[Member, list[Drift], list[str]]:
        volumes = self._now.volumes
        lacking = [v.id for v in volumes if not self._unfit[v.id] and not self._is_replicated(v)]
        lost = [*protectable.of_server(self._facts), *self._root_is_lost()]
        if lost:
            member = self._now.model_copy(update={"volumes": self._before.volumes})
            return member, [self._unrecoverable(lost)], lacking
        without = [volume for volume in volumes if self._reasons(volume)]
        kept = [volume for volume in volumes if volume not in without]
        drift = [self._comes_up_without(volume) for volume in without]
        return self._now.model_copy(update={"volumes": kept}), drift, lacking

    def _is_replicated(self, volume: Volume) -> bool:
        replicated = self._terms.replicated
        if replicated is None:
            return volume.id in self._captured
        return volume.array_volume in replicated

    def _reasons(self, volume: Volume) -> list[str]:
        chain = self._terms.chain
        if self._unfit[volume.id] or self._is_replicated(volume):
            return self._unfit[volume.id]
        return [f"is not in {chain.array_group} of {chain.array}"]

    def _root_is_lost(self) -> list[str]:
        return [
            f"its root volume {_named(volume)} {reason}"
            for volume in self._now.volumes
            if volume.boot_index == 0
            for reason in self._reasons(volume)
        ]

    def _unrecoverable(self, reasons: Sequence[str]) -> Drift:
        vm, group = self._now.name, self._group
        return self._drift(
            f"VM {vm} cannot be recovered as it is now: {', and '.join(reasons)}. A failover can"
            " bring it back only with the volumes that it had, as far as they are still in a"
            " snapshot.",
            f"Put it on volumes of type {self._terms.volume_type.name}, or take it out of the"
            f" group: openstack protector protection-group member remove {group}"
            f" {self._now.server_id}",
        )

    def _comes_up_without(self, volume: Volume) -> Drift:
        vm = self._now.name
        return self._drift(
            f"Volume {_named(volume)} of {vm} {', '.join(self._reasons(volume))}, and is not"
            f" replicated: after a failover {vm} comes up without it.",
            f"{self._remedy(volume)}; or detach it: openstack server remove volume"
            f" {self._now.server_id} {volume.id}",
        )

    def _remedy(self, volume: Volume) -> str:
        wanted = self._terms.volume_type.name
        if volume.volume_type != wanted:
            return (
                f"Retype it: openstack volume set --type {wanted} --retype-policy on-demand"
                f" {volume.id}"
            )
        if self._unfit[volume.id]:
            return f"Copy it to a volume of type {wanted} that has nothing of this"
        return (
            "It is added again at each look; see why that is of no avail: openstack volume group"
            f" show {self._terms.chain.cinder_group_id}"
        )

    def _drift(self, what: str, remedy: str) -> Drift:
        return Drift(server_id=self._now.server_id, server=self._now.name, what=what, remedy=remedy)


def _deleted(document: Document, member: Member, terms: Terms) -> Drift:
    gone = [
        _named(volume)
        for volume in member.volumes
        if terms.replicated is not None and volume.array_volume not in terms.replicated
    ]
    if gone:
        outcome = (
            f"and so was its volume {', '.join(gone)}, or it is replicated no more. A failover"
            " brings the VM back only until the next snapshot is replicated."
        )
        what = f"VM {member.name} was deleted on {terms.site}, {outcome}"
    else:
        what = (
            f"VM {member.name} was deleted on {terms.site}. A failover would bring it back as of"
            " the last snapshot."
        )
    return Drift(
        server_id=member.server_id,
        server=member.name,
        what=what,
        remedy="If it is not to come back: openstack protector protection-group member remove"
        f" {document.name} {member.server_id}",
    )


def _named(volume: Volume) -> str:
    return f"{volume.name or volume.id} ({volume.id})"
