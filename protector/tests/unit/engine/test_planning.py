# SPDX-License-Identifier: Apache-2.0
"""What a member of the document becomes on the other site, and what is said when it cannot."""

import dataclasses

import pytest

from protector.cloud.base import Inventory, Named, Network, Subnet, TargetFlavor
from protector.domain.document import (
    FixedAddress,
    Flavor,
    Mappings,
    Member,
    Nic,
    ServerGroup,
    Volume,
)
from protector.engine.planning import Target, devices, plan

INVENTORY = Inventory(
    networks=[
        Network("net-b-web", "dr-web", [Subnet("sub-b-web", "10.1.0.0/24")]),
        Network("net-b-db", "dr-db", [Subnet("sub-b-db", "10.9.0.0/24")]),
    ],
    flavors=[
        TargetFlavor("fl-b-large", "m1.xlarge", vcpus=8, ram_mb=16384),
        TargetFlavor("fl-b-small", "m1.small", vcpus=1, ram_mb=1024),
    ],
    security_groups=[Named("sg-b-default", "default"), Named("sg-b-web", "web")],
    server_groups=[Named("grp-b", "apart")],
    keypairs=["ops"],
    availability_zones=["nova"],
)
MAPPINGS = Mappings(
    networks={"net-a-web": "net-b-web", "db": "dr-db"}, flavors={"m1.large": "m1.xlarge"}
)


def nic(network: str, address: str, **changes) -> Nic:
    facts = {
        "port_id": f"port-{network}",
        "name": f"{network}-port",
        "network_id": f"net-a-{network}",
        "network_name": network,
        "mac_address": "fa:16:3e:00:00:01",
        "fixed_addresses": [FixedAddress(ip_address=address, cidr="10.1.0.0/24")],
        "security_groups": ["web", "default"],
        "port_security": True,
    }
    return Nic(**{**facts, **changes})


def volume(id: str, **changes) -> Volume:
    facts = {
        "id": id,
        "name": id,
        "array_volume": f"volume-{id}-cinder",
        "size_gb": 1,
        "volume_type": "replicated",
        "bootable": True,
        "boot_index": 0,
        "device": "/dev/vda",
        "delete_on_termination": False,
        "metadata": {},
    }
    return Volume(**{**facts, **changes})


WEB = Member(
    server_id="vm-a-1",
    name="web1",
    description="front",
    flavor=Flavor(id="fl-a-large", name="m1.large", vcpus=4, ram_mb=8192, disk_gb=0),
    nics=[nic("web", "10.1.0.5"), nic("db", "10.2.0.5")],
    volumes=[volume("root"), volume("data", boot_index=None, device="/dev/vdb")],
    key_name="ops",
    metadata={"tier": "1"},
    tags=["prod"],
    availability_zone="nova",
    server_group=ServerGroup(name="apart", policy="anti-affinity"),
    user_data="I2Nsb3Vk",
    config_drive=True,
)


def prospect(member: Member = WEB, mappings: Mappings = MAPPINGS, inventory=INVENTORY):
    return plan(member, Target("site-b", inventory, mappings, label="e0"))


def changed(**changes) -> Member:
    return WEB.model_copy(update=changes)


def test_a_server_keeps_what_it_was():
    request = prospect().request
    assert request is not None
    assert (request.name, request.description) == ("web1", "front")
    assert (request.metadata, request.tags) == ({"tier": "1"}, ["prod"])
    assert (request.key_name, request.availability_zone) == ("ops", "nova")
    assert request.config_drive
    assert request.user_data is None
    assert request.key == "vm-a-1-e0"


def test_ids_become_this_sites_whether_mapped_by_id_or_by_name():
    request = prospect().request
    assert request is not None
    assert request.flavor_id == "fl-b-large"
    assert [port.network_id for port in request.ports] == ["net-b-web", "net-b-db"]
    assert request.ports[0].security_groups == ["sg-b-web", "sg-b-default"]
    assert request.server_group == "grp-b"


def test_an_address_is_kept_where_the_mapped_network_can_hold_it():
    outcome = prospect()
    assert outcome.request is not None
    web, db = outcome.request.ports
    assert web.fixed_addresses == [("sub-b-web", "10.1.0.5")]
    assert db.fixed_addresses == []
    assert [port.mac_address for port in (web, db)] == ["fa:16:3e:00:00:01"] * 2
    assert outcome.notes == [
        "address 10.2.0.5 lies in no subnet of network dr-db; it gets another one"
    ]


def test_each_port_has_a_key_of_its_own_within_the_servers():
    request = prospect().request
    assert request is not None
    assert [port.key for port in request.ports] == ["vm-a-1-e0-0", "vm-a-1-e0-1"]


def test_a_port_without_security_keeps_none():
    member = changed(nics=[nic("web", "10.1.0.5", security_groups=[], port_security=False)])
    request = prospect(member).request
    assert request is not None
    assert (request.ports[0].security_groups, request.ports[0].port_security) == ([], False)


def test_an_unmapped_flavor_is_fine_where_its_id_exists():
    same = dataclasses.replace(INVENTORY, flavors=[TargetFlavor("fl-a-large", "whatever", 4, 8192)])
    request = prospect(mappings=MAPPINGS.model_copy(update={"flavors": {}}), inventory=same).request
    assert request is not None
    assert request.flavor_id == "fl-a-large"


def test_an_unmapped_flavor_of_the_same_name_is_not_guessed():
    member = changed(flavor=WEB.flavor.model_copy(update={"id": "fl-a-small", "name": "m1.small"}))
    assert prospect(member).faults == [
        "VM web1: flavor m1.small (fl-a-small) is not mapped to a flavor of site-b, which has none"
        " with its id. Give one: --flavor-mapping fl-a-small=<flavor of site-b>;"
        " see: openstack flavor list"
    ]


def test_a_mapping_to_what_does_not_exist_names_both_ends():
    wrong = Mappings(networks={**MAPPINGS.networks, "net-a-web": "nowhere"}, flavors={})
    wrong = wrong.model_copy(update={"flavors": {"fl-a-large": "huge"}})
    faults = prospect(mappings=wrong).faults
    assert [fault.split(". ")[0] for fault in faults] == [
        "VM web1: network nowhere, to which web is mapped, does not exist on site-b",
        "VM web1: flavor huge, to which m1.large is mapped, does not exist on site-b",
    ]


def test_all_faults_are_named_at_once():
    member = changed(nics=[nic("web", "10.1.0.5", security_groups=["gone"]), nic("db", "10.2.0.5")])
    outcome = prospect(member, mappings=Mappings(networks={"web": "dr-web"}, flavors={}))
    assert outcome.request is None
    assert [fault.split(" (")[0] for fault in outcome.faults] == [
        "VM web1: security group gone does not exist on site-b. Create it there:"
        " openstack security group create gone",
        "VM web1: network db",
        "VM web1: flavor m1.large",
    ]
    assert "--network-mapping net-a-db=<network of site-b>" in outcome.faults[1]


def test_a_name_that_stands_for_two_is_a_fault_that_lists_them():
    twice = [Network("n1", "dr-web", []), Network("n2", "dr-web", [])]
    member = changed(nics=[nic("web", "10.1.0.5")])
    outcome = prospect(
        member,
        mappings=Mappings(networks={"web": "dr-web"}, flavors=MAPPINGS.flavors),
        inventory=dataclasses.replace(INVENTORY, networks=twice),
    )
    assert "exists 2 times on site-b: n1, n2." in outcome.faults[0]


@pytest.mark.parametrize(
    ("lacking", "field", "note"),
    [
        ({"keypairs": []}, "key_name", "keypair ops does not exist"),
        ({"availability_zones": []}, "availability_zone", "availability zone nova does not exist"),
        ({"server_groups": []}, "server_group", "no server groups apart (anti-affinity)"),
    ],
)
def test_what_a_vm_can_do_without_is_a_note_and_no_fault(lacking, field, note):
    outcome = prospect(inventory=dataclasses.replace(INVENTORY, **lacking))
    assert outcome.request is not None
    assert getattr(outcome.request, field) is None
    assert any(note in sentence for sentence in outcome.notes)


def test_disks_come_back_in_their_places():
    disks = devices(WEB.volumes, {"root": "new-root", "data": "new-data"})
    assert [(d.volume_id, d.boot_index, d.device) for d in disks] == [
        ("new-root", 0, "/dev/vda"),
        ("new-data", None, "/dev/vdb"),
    ]
