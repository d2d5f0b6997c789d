# SPDX-License-Identifier: Apache-2.0
"""A group that was failed over as it is protected the other way round. Pure functions.

The VMs that run here become the members; those that they were recovered from stand by.
"""

from collections.abc import Iterable, Mapping, Sequence

from protector.domain.document import (
    ConsistencyGroup,
    Document,
    Mappings,
    Member,
    Standby,
)

# A member of the source and the VM that it runs as here.
Pair = tuple[Member, Member]


def reverse(
    document: Document,
    site: str,
    *,
    here: Mapping[str, Member],
    volumes: Mapping[str, str],
    chain: ConsistencyGroup,
) -> Document:
    """Return the next version, in which the group is protected by the site that it came from.

    :param here: server id of a member -> what runs here of it now; those not among it do not.
    :param volumes: id of a member's volume -> id of what it is here.
    :param chain: what replicates it from here.
    """
    pairs = [(one, here[one.server_id]) for one in document.members if one.server_id in here]
    return document.following(
        site,
        members=[now.as_wished_for(before) for before, now in pairs],
        standby=[_standby(one, here.get(one.server_id), volumes) for one in document.members],
        standby_group=document.consistency_group,
        consistency_group=chain,
        mappings=mappings(document.mappings, pairs),
        drift=[],
    )


def _standby(member: Member, now: Member | None, volumes: Mapping[str, str]) -> Standby:
    own = [volume.id for volume in member.volumes]
    return Standby(
        server_id=now.server_id if now else None,
        member=member,
        volumes={volumes[id]: id for id in own if id in volumes} if now else {},
    )


def mappings(stored: Mappings, pairs: Sequence[Pair]) -> Mappings:
    """Return what leads back: as the VMs themselves tell, and else as what is stored does.

    What two things were mapped to leads back to neither. VMs that have been there keep their own
    networks and flavors, so this is for those that are added.
    """
    networks = [
        (now.network_id, before.network_id)
        for source, here in pairs
        if len(source.nics) == len(here.nics)
        for before, now in zip(source.nics, here.nics, strict=True)
    ]
    flavors = [(here.flavor.id, source.flavor.id) for source, here in pairs]
    return Mappings(
        networks=_back(stored.networks, networks), flavors=_back(stored.flavors, flavors)
    )


def _back(stored: Mapping[str, str], seen: Iterable[tuple[str, str]]) -> dict[str, str]:
    return _unambiguous((to, source) for source, to in stored.items()) | _unambiguous(seen)


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return {key: values.pop() for key, values in found.items() if len(values) == 1}
