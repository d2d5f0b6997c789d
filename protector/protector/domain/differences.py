# SPDX-License-Identifier: Apache-2.0
"""In what two versions of a group differ, in words.

User data may hold secrets: that it differs is said, and nothing of what it is.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from protector.domain.document import (
    WISHES,
    ConsistencyGroup,
    Document,
    Flavor,
    Member,
    Nic,
    Volume,
)

# What numbers a version, and what is compared part by part.
NUMBERS = {"schema_version", "epoch", "version", "modified_at", "site", "group_id"}
PARTS = {
    "policy",
    "mappings",
    "members",
    "standby",
    "drift",
    "consistency_group",
    "standby_group",
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """``what`` was ``before`` in the one version and is ``after`` in the other; "" if nothing."""

    what: str
    before: str
    after: str

    @property
    def words(self) -> str:
        if self.before and self.after:
            return f"{self.what}: {self.before} -> {self.after}"
        if self.before or self.after:
            return (
                f"{self.what} {self.before or self.after} {'removed' if self.before else 'added'}"
            )
        return f"{self.what} changed"


def between(before: Document, after: Document) -> list[Difference]:
    """Return what changed from one version to the other, other than their numbers."""
    return [*_fields(before, after), *_policies(before, after), *_members(before, after)]


def told(before: Document, after: Document) -> list[str]:
    """Return the changes as sentences that say where and when the later version was written."""
    written = f"on {after.site} at {after.modified_at:%FT%TZ}"
    return [f"{difference.words} {written}" for difference in between(before, after)]


def of_members(before: Member, after: Member) -> list[str]:
    """Return what changed of a VM."""
    return [difference.words for difference in _of_member(before, after)]


# -- inside -----------------------------------------------------------------------------------


def _fields(before: Document, after: Document) -> Iterator[Difference]:
    for field in Document.model_fields:
        if field not in NUMBERS | PARTS:
            yield from _value(
                field.replace("_", " "), getattr(before, field), getattr(after, field)
            )
    for field in ("consistency_group", "standby_group"):
        one, other = (_chain(getattr(document, field)) for document in (before, after))
        yield from _value(field.replace("_", " "), one, other)


def _policies(before: Document, after: Document) -> Iterator[Difference]:
    for field in type(before.policy).model_fields:
        one, other = getattr(before.policy, field), getattr(after.policy, field)
        yield from _value(field.replace("_", " "), one, other)
    for kind in ("networks", "flavors"):
        one, other = getattr(before.mappings, kind), getattr(after.mappings, kind)
        yield from _mapping(f"{kind.removesuffix('s')} mapping of", one, other)


def _members(before: Document, after: Document) -> Iterator[Difference]:
    here = {member.server_id: member for member in before.members}
    there = {member.server_id: member for member in after.members}
    for id in [*here, *(id for id in there if id not in here)]:
        one, other = here.get(id), there.get(id)
        if one and other:
            for difference in _of_member(one, other):
                yield dataclasses.replace(
                    difference, what=f"member {other.name}: {difference.what}"
                )
        else:
            yield Difference("member", one.name if one else "", other.name if other else "")
    yield from _standby(before, after)
    was, is_now = ([drift.what for drift in document.drift] for document in (before, after))
    yield from (Difference("drift", what, "") for what in was if what not in is_now)
    yield from (Difference("drift", "", what) for what in is_now if what not in was)


def _standby(before: Document, after: Document) -> Iterator[Difference]:
    here, there = (
        {one.member.server_id: one for one in document.standby} for document in (before, after)
    )
    for id in [*here, *(id for id in there if id not in here)]:
        one, other = here.get(id), there.get(id)
        if one and other:
            if one != other:
                yield Difference(f"standby {other.member.name}", "", "")
        else:
            names = [found.member.name if found else "" for found in (one, other)]
            yield Difference("standby", *names)


def _of_member(before: Member, after: Member) -> Iterator[Difference]:
    yield from _value("flavor", before.flavor, after.flavor, named=_flavor)
    yield from _things("port", before.nics, after.nics, key="port_id", named=_port)
    yield from _things("volume", before.volumes, after.volumes, key="id", named=_volume)
    yield from _mapping("metadata", before.metadata, after.metadata)
    if before.user_data != after.user_data:
        yield Difference("user data", "", "")
    captured = ("name", "description", "key_name", "availability_zone", "config_drive", "tags")
    for field in (*captured, *WISHES):
        yield from _value(field.replace("_", " "), getattr(before, field), getattr(after, field))
    yield from _value("server group", before.server_group, after.server_group, named=str)


def _things(
    what: str, before: Iterable[Any], after: Iterable[Any], *, key: str, named: Any
) -> Iterator[Difference]:
    here = {getattr(thing, key): thing for thing in before}
    there = {getattr(thing, key): thing for thing in after}
    for id in [*here, *(id for id in there if id not in here)]:
        one, other = here.get(id), there.get(id)
        if one is None or other is None:
            yield Difference(what, named(one) if one else "", named(other) if other else "")
        elif one != other:
            yield Difference(f"{what} {named(one)}", _rest(one, other), _rest(other, one))


def _rest(thing: Any, other: Any) -> str:
    """Return those of a thing's fields that the other has otherwise."""
    fields = [f for f in type(thing).model_fields if getattr(thing, f) != getattr(other, f)]
    return ", ".join(
        f"{field.replace('_', ' ')} {_said(getattr(thing, field))}" for field in fields
    )


def _mapping(
    what: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    for name in [*before, *(name for name in after if name not in before)]:
        yield from _value(f"{what} {name}", before.get(name), after.get(name))


def _value(what: str, before: Any, after: Any, *, named: Any = None) -> Iterator[Difference]:
    if before != after:
        one, other = ((named or _said)(v) if v is not None else "none" for v in (before, after))
        yield Difference(what, one, other)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if hasattr(value, "ip_address"):
        return str(value.ip_address)
    return str(value) or "none"


def _flavor(flavor: Flavor) -> str:
    return f"{flavor.name} ({flavor.vcpus} vCPU, {flavor.ram_mb} MB)"


def _port(nic: Nic) -> str:
    return f"{nic.name or nic.port_id} ({nic.mac_address} on {nic.network_name})"


def _volume(volume: Volume) -> str:
    return f"{volume.name or volume.id} ({volume.id})"


def _chain(chain: ConsistencyGroup | None) -> str | None:
    return f"{chain.array_group} of {chain.array}" if chain else None
