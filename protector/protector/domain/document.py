# SPDX-License-Identifier: Apache-2.0
"""The recovery document: all that is needed to rebuild a group's VMs on its other site.

Document + snapshot on the local array + mappings = running VMs.
"""

import datetime
import hashlib
from typing import Any, Literal

import pydantic
import rfc8785

from protector import errors

Fencing = Literal["stop", "report"]
# Why a group of type sync is given no interval.
NO_INTERVAL = "a group of type sync has none: what is written is on both arrays at once"
ReplicationType = Literal["async", "sync"]
Criticality = Literal["critical", "optional"]


# The fields of a member that people set, and that are not captured.
WISHES = ("boot_priority", "criticality", "wait_port")


class Value(pydantic.BaseModel):
    """A part of the document: immutable, and no field that is not known."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Flavor(Value):
    id: str
    name: str
    vcpus: int
    ram_mb: int
    disk_gb: int


class FixedAddress(Value):
    ip_address: str
    cidr: str


class Nic(Value):
    """One port of a server, in the order in which the guest sees them."""

    port_id: str
    name: str
    network_id: str
    network_name: str
    mac_address: str
    fixed_addresses: list[FixedAddress]
    security_groups: list[str]
    port_security: bool


class ServerGroup(Value):
    name: str
    policy: str


class Volume(Value):
    """A volume of a member. ``array_volume`` is its name on the source site's array."""

    id: str
    name: str
    array_volume: str
    size_gb: int
    volume_type: str
    bootable: bool
    boot_index: int | None
    device: str
    delete_on_termination: bool
    metadata: dict[str, str]


class Member(Value):
    """A protected VM, as it was when it was last captured, and how it is to be recovered.

    ``boot_priority``: 1 is started first, 5 last. ``wait_port``: what comes later waits until this
    TCP port answers.
    """

    server_id: str
    name: str
    description: str | None
    flavor: Flavor
    nics: list[Nic]
    volumes: list[Volume]
    key_name: str | None
    metadata: dict[str, str]
    tags: list[str]
    availability_zone: str | None
    server_group: ServerGroup | None
    user_data: str | None
    config_drive: bool
    boot_priority: int = pydantic.Field(default=3, ge=1, le=5)
    criticality: Criticality = "critical"
    wait_port: int | None = pydantic.Field(default=None, ge=1, le=65535)

    def as_wished_for(self, before: "Member") -> "Member":
        """Return this capture with what was said of the VM's recovery, which no cloud knows."""
        return self.model_copy(update={field: getattr(before, field) for field in WISHES})


class Policy(Value):
    """The replication policy. ``replication_interval`` is in seconds; 0: at every write."""

    rpo_minutes: int
    replication_interval: int


class Mappings(Value):
    """Source site's network or flavor (id or name) -> target site's (id or name)."""

    networks: dict[str, str]
    flavors: dict[str, str]


class ConsistencyGroup(Value):
    """The chain behind the group on its current primary: Cinder's group and the array's.

    All volumes of one chain have one type.
    """

    array: str
    array_group: str
    cinder_group_id: str
    volume_type_id: str


class Standby(Value):
    """A VM on the group's other site, off and kept, onto which its member can fail back.

    ``server_id``: of the member here that it stands by for; None: that did not come up.
    ``member``: what it is there. ``volumes``: id of a volume here -> id of its original there.
    """

    server_id: str | None
    member: Member
    volumes: dict[str, str]


class Drift(Value):
    """Something of a member that the recovery would lack, or bring back, and what helps.

    ``what`` and ``remedy`` are sentences.
    """

    server_id: str
    server: str
    what: str
    remedy: str


class Document(Value):
    """One version of a group.

    ``version`` counts edits, ``epoch`` failovers; ``projects`` gives each site's project id, and
    ``site`` is where this version was written. ``fencing``: what a site that comes back does with
    VMs of the group that still run there, though the group runs on its other site by now.

    Until a group that was failed over is protected again, ``members``, ``mappings`` and
    ``consistency_group`` are still those of the site it came from. From then on they are of the
    site it runs on, and ``standby`` and ``standby_group`` keep what they were.
    """

    schema_version: Literal[4] = 4
    epoch: int
    version: int
    site: str
    modified_at: datetime.datetime
    group_id: str
    name: str
    description: str
    replication_type: ReplicationType
    primary_site: str
    secondary_site: str
    current_primary_site: str
    status: Literal["active", "failed_over", "failed_over_partial"]
    failover_count: int
    last_failover_at: datetime.datetime | None
    projects: dict[str, str]
    policy: Policy
    mappings: Mappings
    consistency_group: ConsistencyGroup | None
    fencing: Fencing = "stop"
    members: list[Member]
    standby: list[Standby] = []
    standby_group: ConsistencyGroup | None = None
    drift: list[Drift] = []

    def peer_of(self, site: str) -> str:
        """Return the other of the group's two sites."""
        return self.secondary_site if site == self.primary_site else self.primary_site

    @property
    def networks(self) -> set[tuple[str, str]]:
        """Id and name of the source's networks."""
        return {(nic.network_id, nic.network_name) for one in self.members for nic in one.nics}

    @property
    def flavors(self) -> set[tuple[str, str]]:
        """Id and name of the source's flavors."""
        return {(one.flavor.id, one.flavor.name) for one in self.members}

    @property
    def outline(self) -> dict[str, Any]:
        """What is shown of it where many groups are listed, as plain JSON."""
        return {
            "rpo_minutes": self.policy.rpo_minutes,
            "replication_interval": self.policy.replication_interval,
            "network_mapping": self.mappings.networks,
            "flavor_mapping": self.mappings.flavors,
            "members": [{"server_id": one.server_id, "name": one.name} for one in self.members],
            "fencing": self.fencing,
        }

    @property
    def is_reversed(self) -> bool:
        """Whether it was failed over, and is protected by the site that it came from."""
        return self.standby_group is not None

    @property
    def is_mirrored(self) -> bool:
        """Whether what is written is on both arrays before it is acknowledged."""
        return self.replication_type == "sync"

    def following(self, site: str, **changes: Any) -> "Document":
        """Return the next version, written on the site now."""
        numbers = {"version": self.version + 1, "site": site, "modified_at": moment()}
        return self.model_copy(update={**numbers, **changes})

    def member(self, server: str) -> Member:
        """Return the member of that id or name.

        :raises MemberNotFound: there is none.
        :raises InvalidRequest: several have that name.
        """
        found = [m for m in self.members if m.server_id == server] or [
            m for m in self.members if m.name == server
        ]
        if len(found) > 1:
            reason = f"{len(found)} members are named {server}. Give the id of the one you mean."
            raise errors.InvalidRequest(reason=reason)
        if not found:
            raise errors.MemberNotFound(server=server, group=self.name)
        return found[0]


def canonical(document: Document) -> bytes:
    """Return the document's one spelling (RFC 8785), equal on both sites."""
    return spelled(document.model_dump(mode="json"))


def checksum(document: Document) -> str:
    """Return the SHA-256 of the canonical spelling, in hex."""
    return spelled_checksum(document.model_dump(mode="json"))


def moment() -> datetime.datetime:
    """Return now as documents tell it: in UTC and whole seconds."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def spelled_checksum(body: dict[str, Any]) -> str:
    """Return the checksum of a document that is given as plain JSON, of whichever schema."""
    return digest(spelled(body))


def digest(spelling: bytes) -> str:
    """Return the checksum of a document of which this is the one spelling."""
    return hashlib.sha256(spelling).hexdigest()


def spelled(body: dict[str, Any]) -> bytes:
    """Return the one spelling of a document that is given as plain JSON, of whichever schema."""
    return rfc8785.dumps(body)
