# SPDX-License-Identifier: Apache-2.0
"""A group that runs on its other site, as it is protected the other way round."""

from typing import Any

from unit.domain.test_differences import FLAVOR, document, member, nic, volume

from protector.domain.document import ConsistencyGroup, Document, Mappings, Member
from protector.engine import reversal

OLD = ConsistencyGroup(
    array="array-a", array_group="consisgroup-1", cinder_group_id="1", volume_type_id="t"
)
NEW = OLD.model_copy(update={"array": "array-b", "array_group": "consisgroup-2"})


def here(**values: Any) -> Member:
    """Return the member as it runs on the other site."""
    return member(
        **{
            "server_id": "s9",
            "flavor": FLAVOR.model_copy(update={"id": "f9", "name": "dr.small"}),
            "nics": [nic(port_id="p9", network_id="n9", network_name="dr-net")],
            "volumes": [volume(id="v9", array_volume="volume-v9-cinder")],
            **values,
        }
    )


def reversed_(before: Document, **found: Member) -> Document:
    return reversal.reverse(before, "site-b", here=found, volumes={"v1": "v9"}, chain=NEW)


def test_members_are_what_runs_and_standby_what_they_came_from() -> None:
    before = document(consistency_group=OLD, version=3)
    after = reversed_(before, s1=here())
    assert (after.version, after.site) == (4, "site-b")
    assert after.members == [here()]
    (standby,) = after.standby
    assert (standby.server_id, standby.member) == ("s9", before.members[0])
    assert standby.volumes == {"v9": "v1"}
    assert (after.consistency_group, after.standby_group) == (NEW, OLD)
    assert after.is_reversed
    assert not before.is_reversed


def test_what_was_wished_for_a_vm_is_still() -> None:
    wishes = {"boot_priority": 1, "criticality": "optional", "wait_port": 80}
    after = reversed_(document(members=[member(**wishes)]), s1=here())
    (found,) = after.members
    assert {wish: getattr(found, wish) for wish in wishes} == wishes


def test_what_does_not_run_stands_by_for_nothing() -> None:
    two = document(members=[member(), member(server_id="s2", name="db")])
    after = reversed_(two, s1=here())
    assert [one.name for one in after.members] == ["web-server-1"]
    assert [(one.member.name, one.server_id) for one in after.standby] == [
        ("web-server-1", "s9"),
        ("db", None),
    ]


def test_what_was_given_at_the_failover_leads_back_too() -> None:
    """Mappings of one execution are not kept; the VMs tell."""
    mappings = reversal.mappings(Mappings(networks={}, flavors={}), [(member(), here())])
    assert mappings == Mappings(networks={"n9": "n"}, flavors={"f9": "f1"})


def test_what_is_stored_leads_back_by_the_names_that_were_given() -> None:
    stored = Mappings(networks={"net": "dr-net"}, flavors={"m1.small": "dr.small"})
    mappings = reversal.mappings(stored, [])
    assert mappings == Mappings(networks={"dr-net": "net"}, flavors={"dr.small": "m1.small"})


def test_what_two_things_were_mapped_to_leads_back_to_neither() -> None:
    stored = Mappings(networks={"net": "dr-net", "db": "dr-net"}, flavors={})
    assert reversal.mappings(stored, []).networks == {}
    pairs = [
        (member(nics=[nic(network_id="n1")]), here()),
        (member(nics=[nic(network_id="n2")]), here()),
    ]
    assert reversal.mappings(Mappings(networks={}, flavors={}), pairs).networks == {}


def test_a_vm_whose_ports_have_changed_tells_nothing_of_networks() -> None:
    two = here(nics=[nic(network_id="n8"), nic(network_id="n9")])
    assert reversal.mappings(Mappings(networks={}, flavors={}), [(member(), two)]).networks == {}
