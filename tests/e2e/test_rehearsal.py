# SPDX-License-Identifier: Apache-2.0
"""A failover is tested on site-b while site-a runs on, and nobody but site-b notices."""

import concurrent.futures
import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import protection
import pytest
from tenant import Tenant, in_force
from waiting import until

from testbed import census, scenario
from testbed.census import Member
from testbed.operator import Operator
from testbed.testbed import Testbed

ON_GROUP = ("protector", "protection-group")
TEST = (*ON_GROUP, "test-failover", scenario.GROUP, "--flavor-mapping", "m1.large=m1.xlarge")
CLEAN_UP = (*ON_GROUP, "test-cleanup", scenario.GROUP)
TESTED = {
    f"test-{server.name}": Member(
        nics=len(server.addresses),
        volumes=tuple(f"test-{server.name}-{n}" for n in range(len(server.volumes))),
        prefix="test-",
        networks=tuple(f"test-{network}" for network in server.addresses),
    )
    for server in scenario.WEB_SERVERS
}
# Seconds.
SOON = 90
# So much faster does the arrays' time pass while a test runs: a snapshot is due every 5 seconds.
SPEED = 60
PAUSE = 0.3


@dataclasses.dataclass(frozen=True)
class Source:
    """What must not change: servers of site-a by name, and each site's document's checksum."""

    servers: dict[str, tuple[str, str]]
    documents: dict[str, str]

    @classmethod
    def now(cls, testbed: Testbed) -> "Source":
        servers = testbed.cloud("site-a").compute.servers()
        return cls(
            {server.name: (server.id, server.status) for server in servers},
            {site: Tenant(testbed, site).document()["checksum"] for site in testbed.sites},
        )


@dataclasses.dataclass
class Seen:
    """``ages``: seconds, of the newest complete snapshot, whenever it was looked at."""

    operation: dict[str, Any]
    before: Source
    ids: set[str]
    ages: list[float]
    journal: list[dict[str, Any]]


@contextlib.contextmanager
def written_to_without_end(testbed: Testbed) -> Iterator[list[float]]:
    """Write to all volumes of the source again and again, and see how old what arrives gets."""
    volumes = protection.source_volumes(testbed).values()
    ages: list[float] = []
    stop = threading.Event()

    def write_and_look() -> None:
        while not stop.wait(PAUSE):
            scenario.write(testbed, volumes, f"at {time.time()}")
            age = age_at_the_target(testbed)
            if age is not None:
                ages.append(age)

    testbed.control.set_speed(SPEED)
    with concurrent.futures.ThreadPoolExecutor(1) as tenant:
        writing = tenant.submit(write_and_look)
        try:
            until(lambda: ages, seconds=SOON, what="the first of what is written to arrive")
            yield ages
        finally:
            stop.set()
            writing.result()
            testbed.control.set_speed(1)


def age_at_the_target(testbed: Testbed) -> float | None:
    found = testbed.control.transfers("flasharray-b")
    complete = [transfer["queued"] for transfer in found if transfer["completed"]]
    return testbed.control.time() - max(complete) / 1000 if complete else None


@pytest.fixture(scope="module")
def seen(testbed: Testbed, operator: Operator) -> Seen:
    """A test that has come up, with what was seen of the source meanwhile."""
    protection.arrange(testbed)
    before, ids = Source.now(testbed), census.ids(testbed, "site-b")
    with written_to_without_end(testbed) as ages:
        since = len(testbed.control.journal())
        said = operator.openstack("site-b", *TEST, "--wait", "-f", "json", check=False)
        journal = testbed.control.journal(since)
    assert said.code == 0, said.stderr
    return Seen(json.loads(said.stdout), before, ids, ages, journal)


def shown(operator: Operator, *fields: str) -> tuple[Any, ...]:
    group = operator.json("site-b", *ON_GROUP, "show", scenario.GROUP)
    return tuple(group[field] for field in fields)


# -- while it is there ------------------------------------------------------------------------


def test_the_servers_are_there_beside_all_that_was(testbed: Testbed, seen: Seen) -> None:
    assert seen.operation["status"] == "completed"
    names = {server.name: server.status for server in testbed.cloud("site-b").compute.servers()}
    assert names == {name: "ACTIVE" for name in TESTED}
    until(
        lambda: not list(census.take(testbed, "site-b", TESTED)),
        seconds=SOON,
        what="one of everything to be there, with its data, and no trust",
    )


def test_they_have_their_addresses_on_networks_that_lead_nowhere(
    testbed: Testbed, seen: Seen
) -> None:
    here, there = testbed.cloud("site-a"), testbed.cloud("site-b")
    for server in scenario.WEB_SERVERS:
        original = ports_of(here, server.name)
        assert ports_of(there, f"test-{server.name}") == {
            f"test-{network}": port for network, port in original.items()
        }
    routed = [port for port in there.network.ports() if "router" in port.device_owner]
    assert routed == []
    for network in there.network.networks():
        if network.name.startswith("test-"):
            subnets = [there.network.get_subnet(id) for id in network.subnet_ids]
            assert [subnet.gateway_ip for subnet in subnets] == [None]


def ports_of(cloud: Any, server: str) -> dict[str, tuple[str, str]]:
    """Return network -> address and MAC of the server's port on it."""
    server_id = cloud.compute.find_server(server, ignore_missing=False).id
    return {
        cloud.network.get_network(port.network_id).name: (
            port.fixed_ips[0]["ip_address"],
            port.mac_address,
        )
        for port in cloud.network.ports(device_id=server_id)
    }


def test_the_source_and_both_documents_are_as_they_were(testbed: Testbed, seen: Seen) -> None:
    assert Source.now(testbed) == seen.before
    assert {status for _, status in seen.before.servers.values()} == {"ACTIVE"}
    tenants = [Tenant(testbed, site) for site in testbed.sites]
    # On a busy machine a site may have missed the other's last answer.
    until(lambda: in_force(*tenants), seconds=SOON, what="both sites to say that nothing changed")


def test_nothing_is_changed_on_the_sources_array_and_no_replication(
    testbed: Testbed, seen: Seen
) -> None:
    """On site-b's array Cinder's driver puts what it manages into a group of its own."""
    changes = [
        (entry["array"], entry["method"], entry["path"], str(entry["query"]))
        for entry in seen.journal
        if entry["method"] != "GET" and not entry["path"].endswith(("/login", "/logout"))
    ]
    assert changes
    assert [change for change in changes if change[0] == "flasharray-a"] == []
    group = scenario.array_group(testbed)
    assert [change for change in changes if group in change[3]] == []


def test_replication_goes_on_within_the_rpo(
    seen: Seen, operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    (minutes,) = shown(operator, "rpo_minutes")
    with capsys.disabled():
        print(
            f"\nDuring the test what arrived was at most {max(seen.ages):.0f} s old"
            f" ({len(seen.ages)} looks, the arrays' time); the RPO is {minutes * 60} s"
        )
    assert max(seen.ages) < minutes * 60


def test_the_result_is_the_groups(operator: Operator, seen: Seen) -> None:
    rto, *rest = shown(
        operator,
        *("last_test_rto_seconds", "status", "last_test_result", "last_test_outdated"),
    )
    assert rest == ["testing", "passed", False]
    assert 0 < rto < SOON


# -- and afterwards ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def meddled(testbed: Testbed, operator: Operator, seen: Seen) -> str:
    """Somebody renames, detaches and deletes, and has a port of theirs; return what is said."""
    there = testbed.cloud("site-b")
    one, other = (there.compute.find_server(name, ignore_missing=False) for name in sorted(TESTED))
    there.compute.update_server(one, name="mine")
    volumes = {v.id: v for v in there.block_storage.volumes()}
    data = next(volume for volume in one.attached_volumes if volumes[volume.id].name.endswith("-1"))
    there.compute.delete_volume_attachment(one, data.id)
    there.block_storage.update_volume(data.id, description="mine")
    until(
        lambda: there.block_storage.get_volume(data.id).status == "available",
        seconds=SOON,
        what="the volume to be detached",
    )
    (port,) = there.network.ports(device_id=other.id)
    testbed.cloud("site-b-admin").network.delete_port(port)
    network = there.network.find_network("test-web", ignore_missing=False)
    theirs = there.network.create_port(network_id=network.id)
    said = operator.openstack("site-b", *CLEAN_UP, "--wait", check=False)
    assert said.code == 1
    assert f"openstack port delete {theirs.id}" in said.stderr
    there.network.delete_port(theirs)
    return theirs.id


def test_the_second_cleanup_leaves_nothing(
    testbed: Testbed, operator: Operator, seen: Seen, meddled: str
) -> None:
    said = operator.openstack("site-b", *CLEAN_UP, "--wait", check=False)
    assert said.code == 0, said.stderr
    until(
        lambda: census.ids(testbed, "site-b") == seen.ids,
        seconds=SOON,
        what="site-b to be as it was",
    )
    assert list(census.take(testbed, "site-b", {})) == []
    assert shown(operator, "status", "last_test_result") == ("active", "passed")
    assert Source.now(testbed) == seen.before


@pytest.mark.at_length
def test_a_test_whose_time_is_over_goes_by_itself(testbed: Testbed, operator: Operator) -> None:
    protection.arrange(testbed)
    before = census.ids(testbed, "site-b")
    operator.openstack("site-b", *TEST, "--keep", "0.001", "--wait")
    until(
        lambda: shown(operator, "status") == ("active",),
        seconds=SOON,
        what="the test to be cleaned up",
    )
    until(
        lambda: census.ids(testbed, "site-b") == before,
        seconds=SOON,
        what="site-b to be as it was",
    )


@pytest.mark.at_length
def test_a_disaster_during_a_test_is_overcome_and_the_test_removed(
    testbed: Testbed, operator: Operator
) -> None:
    protection.arrange(testbed)
    options = scenario.mapping_options(testbed)
    operator.openstack("site-b", *TEST, "--wait")
    testbed.kill("site-a")
    fail_over = (*ON_GROUP, "failover", scenario.GROUP, "--type", "unplanned")
    operator.openstack("site-b", *fail_over, *options, "--wait")
    names = {server.name for server in testbed.cloud("site-b").compute.servers()}
    assert names == {*protection.NAMES, *TESTED}
    operator.openstack("site-b", *CLEAN_UP, "--wait")
    recovered = {
        server.name: Member(
            nics=len(server.addresses),
            volumes=tuple(f"{server.name}-{n}" for n in range(len(server.volumes))),
        )
        for server in scenario.WEB_SERVERS
    }
    until(
        lambda: not census.take(testbed, "site-b", recovered).orphans,
        seconds=SOON,
        what="nothing of the test to be left",
    )
    assert shown(operator, "status") == ("failed_over",)
