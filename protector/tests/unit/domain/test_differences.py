# SPDX-License-Identifier: Apache-2.0
"""What two versions differ in, as an operator reads it."""

import datetime
from typing import Any

from protector.domain import differences
from protector.domain.document import (
    ConsistencyGroup,
    Document,
    Drift,
    FixedAddress,
    Flavor,
    Mappings,
    Member,
    Nic,
    Policy,
    Standby,
    Volume,
)

FLAVOR = Flavor(id="f1", name="m1.small", vcpus=1, ram_mb=512, disk_gb=0)


def nic(**values: Any) -> Nic:
    return Nic(
        **{
            "port_id": "p1",
            "name": "web",
            "network_id": "n",
            "network_name": "net",
            "mac_address": "fa:16:3e:00:00:01",
            "fixed_addresses": [FixedAddress(ip_address="10.0.0.5", cidr="10.0.0.0/24")],
            "security_groups": ["default"],
            "port_security": True,
            **values,
        }
    )


def volume(**values: Any) -> Volume:
    return Volume(
        **{
            "id": "v1",
            "name": "root",
            "array_volume": "volume-v1-cinder",
            "size_gb": 1,
            "volume_type": "replicated",
            "bootable": True,
            "boot_index": 0,
            "device": "/dev/vda",
            "delete_on_termination": False,
            "metadata": {},
            **values,
        }
    )


def member(**values: Any) -> Member:
    return Member(
        **{
            "server_id": "s1",
            "name": "web-server-1",
            "description": None,
            "flavor": FLAVOR,
            "nics": [nic()],
            "volumes": [volume()],
            "key_name": None,
            "metadata": {},
            "tags": [],
            "availability_zone": None,
            "server_group": None,
            "user_data": None,
            "config_drive": False,
            **values,
        }
    )


def document(**values: Any) -> Document:
    return Document(
        **{
            "epoch": 0,
            "version": 3,
            "site": "site-a",
            "modified_at": datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC),
            "group_id": "pg-1",
            "name": "web",
            "description": "",
            "replication_type": "async",
            "primary_site": "site-a",
            "secondary_site": "site-b",
            "current_primary_site": "site-a",
            "status": "active",
            "failover_count": 0,
            "last_failover_at": None,
            "projects": {"site-a": "a", "site-b": "b"},
            "policy": Policy(rpo_minutes=15, replication_interval=300),
            "mappings": Mappings(networks={}, flavors={}),
            "consistency_group": None,
            "members": [member()],
            **values,
        }
    )


def words(before: Document, after: Document) -> list[str]:
    return [difference.words for difference in differences.between(before, after)]


def test_versions_alone_are_no_difference() -> None:
    assert words(document(), document(version=4, site="site-b", epoch=1)) == []


def test_what_changed_of_the_group_is_named() -> None:
    after = document(
        status="failed_over",
        fencing="report",
        policy=Policy(rpo_minutes=30, replication_interval=300),
        mappings=Mappings(networks={"net": "dr-net"}, flavors={}),
        members=[member(), member(server_id="s3", name="web-server-3")],
        drift=[Drift(server_id="s1", server="web-server-1", what="It is gone.", remedy="x")],
    )
    assert words(document(), after) == [
        "status: active -> failed_over",
        "fencing: stop -> report",
        "rpo minutes: 15 -> 30",
        "network mapping of net: none -> dr-net",
        "member web-server-3 added",
        "drift It is gone. added",
    ]
    assert "member web-server-3 removed" in words(after, document())


def test_what_changed_of_a_vm_is_named() -> None:
    after = member(
        name="web-1",
        flavor=Flavor(id="f2", name="m1.large", vcpus=4, ram_mb=8192, disk_gb=0),
        nics=[
            nic(fixed_addresses=[FixedAddress(ip_address="10.0.0.9", cidr="10.0.0.0/24")]),
            nic(port_id="p2", name="db", mac_address="fa:16:3e:00:00:02"),
        ],
        volumes=[],
        metadata={"role": "web"},
        tags=["blue"],
    )
    assert differences.of_members(member(), after) == [
        "flavor: m1.small (1 vCPU, 512 MB) -> m1.large (4 vCPU, 8192 MB)",
        "port web (fa:16:3e:00:00:01 on net): fixed addresses 10.0.0.5 -> fixed addresses 10.0.0.9",
        "port db (fa:16:3e:00:00:02 on net) added",
        "volume root (v1) removed",
        "metadata role: none -> web",
        "name: web-server-1 -> web-1",
        "tags: none -> blue",
    ]
    assert words(document(), document(members=[after]))[0].startswith("member web-1: flavor: ")


def test_what_changed_of_how_a_vm_is_recovered_is_named() -> None:
    after = member(boot_priority=1, criticality="optional", wait_port=5432)
    assert differences.of_members(member(), after) == [
        "boot priority: 3 -> 1",
        "criticality: critical -> optional",
        "wait port: none -> 5432",
    ]


def test_what_stands_by_on_the_other_site_is_named() -> None:
    group = ConsistencyGroup(
        array="array-a", array_group="consisgroup-1", cinder_group_id="1", volume_type_id="t"
    )
    here = Standby(server_id="s9", member=member(), volumes={"v9": "v1"})
    after = document(standby=[here], standby_group=group)
    assert words(document(), after) == [
        "standby group: none -> consisgroup-1 of array-a",
        "standby web-server-1 added",
    ]
    changed = document(standby=[here.model_copy(update={"volumes": {}})], standby_group=group)
    assert words(after, changed) == ["standby web-server-1 changed"]
    assert words(after, document())[-1] == "standby web-server-1 removed"


def test_user_data_is_never_told() -> None:
    said = differences.of_members(member(user_data="c2VjcmV0"), member(user_data="b3RoZXI="))
    assert said == ["user data changed"]


def test_who_wrote_the_change_and_when_is_told() -> None:
    after = document(members=[member(), member(server_id="s3", name="web-server-3")])
    assert differences.told(document(), after) == [
        "member web-server-3 added on site-a at 2030-01-01T00:00:00Z"
    ]
