# SPDX-License-Identifier: Apache-2.0
from typing import Annotated, Any, Literal, Self

import pydantic

from protector.domain import group
from protector.domain.document import (
    NO_INTERVAL,
    WISHES,
    Criticality,
    Fencing,
    Member,
    ReplicationType,
)
from protector.schemas.common import Body, ListQuery, Name, SiteName, Text, stamp

# The array takes no shorter interval; beyond a year nobody means it.
Interval = Annotated[int, pydantic.Field(ge=300, le=31_536_000)]
USUAL_INTERVAL = 300
Minutes = Annotated[int, pydantic.Field(ge=1, le=525_600)]
Mapping = dict[Name, Name]
BootPriority = Annotated[int, pydantic.Field(ge=1, le=5)]
Port = Annotated[int, pydantic.Field(ge=1, le=65535)]


class GroupQuery(ListQuery):
    name: str | None = None
    status: group.Status | None = None
    sort_key: Literal["created_at", "name", "status"] = "created_at"  # type: ignore[assignment]


class PolicyChange(Body):
    rpo_minutes: Minutes | None = None
    replication_interval: Interval | None = None


class PolicyChangeBody(Body):
    policy: PolicyChange


class MappingsChange(Body):
    """The whole of each mapping that is given."""

    networks: Mapping | None = None
    flavors: Mapping | None = None


class MappingsChangeBody(Body):
    mappings: MappingsChange


class GroupChange(PolicyChange):
    description: Text | None = None
    fencing: Fencing | None = None
    network_mapping: Mapping | None = None
    flavor_mapping: Mapping | None = None


class GroupChangeBody(Body):
    protection_group: GroupChange


class GroupCreate(Body):
    name: Name
    description: Text = ""
    primary_site: SiteName
    secondary_site: SiteName
    replication_type: ReplicationType = "async"
    volume_type: Name | None = None
    rpo_minutes: Minutes = 15
    replication_interval: Interval | None = None
    network_mapping: Mapping = {}
    flavor_mapping: Mapping = {}
    fencing: Fencing = "stop"

    @pydantic.model_validator(mode="after")
    def _has_an_interval_or_is_mirrored(self) -> Self:
        if self.replication_type == "sync" and self.replication_interval is not None:
            raise ValueError(f"replication_interval: {NO_INTERVAL}")
        return self

    @property
    def interval(self) -> int:
        mirrored = self.replication_type == "sync"
        return 0 if mirrored else self.replication_interval or USUAL_INTERVAL


class GroupCreateBody(Body):
    protection_group: GroupCreate


class MemberChange(Body):
    """What is given; a ``wait_port`` of null is none any more."""

    boot_priority: BootPriority = 3
    criticality: Criticality = "critical"
    wait_port: Port | None = None

    @property
    def given(self) -> dict[str, Any]:
        return self.model_dump(include=set(WISHES), exclude_unset=True)


class MemberChangeBody(Body):
    member: MemberChange


class MemberAdd(MemberChange):
    server: Name


class MemberAddBody(Body):
    member: MemberAdd


# The outline of a group that is still being created.
NOTHING: dict[str, Any] = {
    "rpo_minutes": None,
    "replication_interval": None,
    "network_mapping": {},
    "flavor_mapping": {},
    "members": [],
    "fencing": None,
}


def view(row: Any, test: Any = None) -> dict[str, Any]:
    """:param test: its last on this site."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "project_id": row.project_id,
        "status": row.status,
        "status_reason": row.status_reason,
        "current_primary_site": row.current_primary_site,
        "primary_site": row.primary_site,
        "secondary_site": row.secondary_site,
        "failover_count": row.failover_count,
        "last_failover_at": stamp(row.last_failover_at),
        "remote_sync_status": row.remote_sync_status,
        "replication_type": row.replication_type,
        "epoch": row.epoch,
        "version": row.version,
        **(row.outline or NOTHING),
        "fenced": [{key: one[key] for key in ("subject", "what", "at")} for one in row.fenced],
        "drift": row.drift,
        "last_test_at": stamp(test.started_at) if test else None,
        "last_test_result": test.result if test else None,
        "last_test_rto_seconds": test.rto_seconds if test else None,
        "last_test_outdated": (
            (test.epoch, test.version) != (row.epoch, row.version) if test else None
        ),
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }


def member_view(member: Member) -> dict[str, Any]:
    return {
        "server_id": member.server_id,
        "name": member.name,
        "flavor": member.flavor.name,
        "flavor_id": member.flavor.id,
        "networks": [
            {
                "id": nic.network_id,
                "name": nic.network_name,
                "mac_address": nic.mac_address,
                "addresses": [address.ip_address for address in nic.fixed_addresses],
            }
            for nic in member.nics
        ],
        "volume_count": len(member.volumes),
        "volumes": [
            {
                "id": volume.id,
                "name": volume.name,
                "size_gb": volume.size_gb,
                "volume_type": volume.volume_type,
                "bootable": volume.bootable,
                "device": volume.device,
            }
            for volume in member.volumes
        ],
        "boot_priority": member.boot_priority,
        "criticality": member.criticality,
        "wait_port": member.wait_port,
        "status": "protected",
    }
