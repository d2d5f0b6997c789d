# SPDX-License-Identifier: Apache-2.0
"""The procedure of an unplanned failover, walked once, and what was promised of it.

Site-a dies while the array is still sending a snapshot; tripwires stand in its place until it
comes back. The story is told by the ``walk`` fixture; each test looks at one side of it.
"""

import ipaddress
from typing import Any

import pytest
from examples import example, lines, missing, rows
from tripwire import Knock, Tripwire
from waiting import until

from testbed import scenario
from testbed.operator import Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
# Seconds.
PHASE_TIMEOUT = 60
FAILOVER_TIMEOUT = 180


class Walk:
    """What was seen on the way."""

    said: dict[str, str]
    before: dict[str, Any]
    after: dict[str, Any]
    markers: dict[str, list[str]]
    knocks: list[Knock]
    active_at: float
    operation: dict[str, Any]


class Monitor:
    """Looks at the operation with `operation show`, as an operator does with `watch`."""

    def __init__(self, operator: Operator, operation: str) -> None:
        self._operator = operator
        self._operation = operation

    def show(self) -> str:
        words = ("protector", "operation", "show", self._operation)
        return self._operator.openstack("site-b", *words).stdout

    def until_steps(self, *steps: str) -> str:
        """Return the first output in which these steps have ended."""

        def seen() -> str | None:
            output = self.show()
            ended = dict(rows(output))["steps_completed"]
            return output if all(f'"{step}"' in ended for step in steps) else None

        return str(until(seen, seconds=PHASE_TIMEOUT, what=f"the end of {steps}"))

    def until_ended(self) -> str:
        def ended() -> str | None:
            output = self.show()
            return output if dict(rows(output))["status"] in ("completed", "failed") else None

        return str(until(ended, seconds=FAILOVER_TIMEOUT, what="the end of the operation"))


def described(testbed: Testbed, cloud: str, server: str) -> dict[str, Any]:
    """Return what must survive of a server, in words that mean the same on both sites."""
    connection = testbed.cloud(cloud)
    found = connection.compute.find_server(server, ignore_missing=False)
    ports = list(connection.network.ports(device_id=found.id))
    groups = {group.id: group.name for group in connection.network.security_groups()}
    networks = {network.id: network.name for network in connection.network.networks()}
    volumes = [connection.block_storage.get_volume(v.id) for v in found.attached_volumes]
    return {
        "status": found.status,
        "key": found.key_name,
        "metadata": {k: v for k, v in found.metadata.items() if k == "role"},
        "tags": [tag for tag in found.tags if tag.startswith("tier-")],
        "flavor": found.flavor["original_name"],
        "macs": {networks[port.network_id]: port.mac_address for port in ports},
        "addresses": {networks[p.network_id]: p.fixed_ips[0]["ip_address"] for p in ports},
        "security_groups": {groups[group] for port in ports for group in port.security_group_ids},
        "devices": {volume.name: volume.attachments[0]["device"] for volume in volumes},
        "bootable": {volume.name: volume.is_bootable for volume in volumes},
        "sizes": {volume.name: volume.size for volume in volumes},
        "project": found.project_id,
    }


@pytest.fixture(scope="module")
def walk(testbed: Testbed, operator: Operator) -> Walk:
    walk = Walk()
    walk.said = {}
    names = [server.name for server in scenario.WEB_SERVERS]
    alice = testbed.cloud("site-a")

    testbed.reset()
    scenario.introduce_sites(operator, testbed)
    scenario.boot(alice, scenario.WEB_SERVERS)
    scenario.protect(operator, names)
    walk.before = {name: described(testbed, "site-a", name) for name in names}
    on_array = {k: v for name in names for k, v in scenario.array_volumes(alice, name).items()}
    options = scenario.mapping_options(testbed)

    scenario.write(testbed, on_array.values(), "in the last complete snapshot")
    scenario.replicate(testbed)
    scenario.write(testbed, on_array.values(), "after it")
    scenario.begin_to_replicate(testbed, on_array.values())
    testbed.kill("site-a")

    def type_(name: str, *words: str) -> str:
        walk.said[name] = operator.openstack("site-b", "protector", *words).stdout
        return walk.said[name]

    with Tripwire(testbed.address("site-a"), testbed.ports).armed() as tripwire:
        type_("list", "protection-group", "list")
        type_("show before", "protection-group", "show", GROUP)
        type_("consistency group", "consistency-group", "show", GROUP)
        # A slow array, so that an operator sees each phase.
        for asked in ("/protection-group-snapshots", "/connections"):
            testbed.control.slow("flasharray-b", asked, seconds=6)
        failover = ("protection-group", "failover", GROUP, "--type", "unplanned", *options)
        type_("failover", *failover)
        operation = operator.json("site-b", "protector", "operation", "list")[0]["Operation ID"]
        monitor = Monitor(operator, operation)
        walk.said["preparation"] = monitor.until_steps("create_dr_operation_record")
        walk.said["storage"] = monitor.until_steps("manage_volumes_into_cinder")
        testbed.control.clear_faults()
        walk.said["instances"] = monitor.until_steps(*(f"recreate_vm_{name}" for name in names))
        walk.said["completed"] = monitor.until_ended()
        walk.operation = operator.json("site-b", "protector", "operation", "show", operation)
        type_("operations", "operation", "list")
        type_("show", "protection-group", "show", GROUP)
        walk.said["servers"] = operator.openstack("site-b", "server", "list").stdout
        walk.knocks = list(tripwire.knocks)
    walk.after = {name: described(testbed, "site-b", name) for name in names}
    restored = testbed.cloud("site-b")
    walk.markers = {
        volume: testbed.control.markers("flasharray-b", place)
        for name in names
        for volume, place in scenario.array_volumes(restored, name).items()
    }

    testbed.start("site-a")
    walk.said["catalog"] = operator.openstack("site-a", "catalog", "list").stdout
    type_("sync status", "protection-group", "sync-status", GROUP)
    type_("sync force", "protection-group", "sync-force", GROUP)
    type_("synced", "protection-group", "sync-status", GROUP)
    walk.said["show at site-a"] = operator.openstack(
        "site-a", "protector", "protection-group", "show", GROUP
    ).stdout
    return walk


def test_the_group_is_on_the_surviving_site(walk: Walk) -> None:
    shown = dict(rows(walk.said["show before"]))
    assert GROUP in walk.said["list"]
    assert shown["status"] == "active"
    assert shown["current_primary_site"] == "site-a"


@pytest.mark.parametrize(
    ("example_name", "output"),
    [
        ("failover", "failover"),
        ("operation_preparation", "preparation"),
        ("operation_storage_failover", "storage"),
        ("operation_instance_recreation", "instances"),
        ("operation_completed", "completed"),
        ("protection_group", "show"),
    ],
)
def test_a_table_is_as_promised(walk: Walk, example_name: str, output: str) -> None:
    assert missing(rows(example(example_name)), rows(walk.said[output])) == [], walk.said[output]


def test_failover_prints_the_promised_fields_and_no_others(walk: Walk) -> None:
    assert rows(walk.said["failover"]) == rows(example("failover"))


@pytest.mark.parametrize("output", ["sync status", "sync force"])
def test_a_text_is_as_promised(walk: Walk, output: str) -> None:
    assert lines(walk.said[output]) == lines(example(output.replace(" ", "_")))


def test_nobody_knocks_at_the_dead_site_before_the_servers_are_active(walk: Walk) -> None:
    recreated = [s for s in walk.operation["steps"] if s["phase"] == "instance_recreation"]
    active_at = max(scenario.moment(step["ended_at"]) for step in recreated)
    # Before the failover, the engine asks now and then whether the site is back.
    begun_at = min(scenario.moment(step["started_at"]) for step in walk.operation["steps"])
    early = [knock for knock in walk.knocks if begun_at <= knock.at < active_at]
    assert early == []
    assert walk.knocks, "the peer was to be told afterwards: the tripwire must have seen that"


def test_exactly_the_writes_of_the_last_complete_snapshot_are_there(walk: Walk) -> None:
    assert len(walk.markers) == 3
    for volume, markers in walk.markers.items():
        assert markers == ["in the last complete snapshot"], volume


def test_a_server_comes_back_as_it_was(walk: Walk) -> None:
    for name, before in walk.before.items():
        after = walk.after[name]
        for same in ("status", "key", "metadata", "tags", "security_groups", "bootable", "sizes"):
            assert after[same] == before[same], (name, same)
        assert after["flavor"] == "m1.xlarge"
        for network, mac in before["macs"].items():
            assert after["macs"][scenario.NETWORKS[network]] == mac


def test_an_address_is_kept_where_the_network_can_hold_it(walk: Walk) -> None:
    after = walk.after["web-server-1"]["addresses"]
    assert after["dr-web"] == "10.10.0.11"
    assert ipaddress.ip_address(after["dr-db"]) in ipaddress.ip_network("10.99.20.0/24")


def test_the_servers_belong_to_the_tenant(walk: Walk, testbed: Testbed) -> None:
    project = testbed.cloud("site-b").current_project_id
    assert {after["project"] for after in walk.after.values()} == {project}


def test_the_volumes_are_a_tenants_and_bootable_in_order(walk: Walk) -> None:
    devices = walk.after["web-server-1"]["devices"]
    assert devices == walk.before["web-server-1"]["devices"]


def test_both_sites_agree_in_the_end(walk: Walk) -> None:
    assert "IN SYNC" in walk.said["synced"]
    shown = dict(rows(walk.said["show at site-a"]))
    assert shown["status"] == "failed_over"
    assert shown["current_primary_site"] == "site-b"
    assert shown["version"] == "4"
