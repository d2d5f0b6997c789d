# SPDX-License-Identifier: Apache-2.0
"""A group of type sync: whatever was acknowledged is there, in a disaster as in a planned move."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pypureclient.flasharray as purity
import pytest
import returned
import source_array
from returned import ON_GROUP
from tenant import Tenant, in_force

from testbed import census, scenario, shortcut
from testbed.census import Member
from testbed.operator import Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
POD = "pod-site-a"
HERE, THERE = "flasharray-a", "flasharray-b"
SERVERS = [
    dataclasses.replace(server, volume_type="replicated-sync") for server in scenario.WEB_SERVERS
]
NAMES = [server.name for server in SERVERS]
MEMBERS = {
    server.name: Member(
        nics=len(server.addresses),
        volumes=tuple(f"{server.name}-{number}" for number in range(len(server.volumes))),
    )
    for server in SERVERS
}
FAILOVER = (*ON_GROUP, "failover", GROUP)


@pytest.fixture(scope="module")
def mirrored(testbed: Testbed, operator: Operator) -> Testbed:
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), SERVERS)
    operator.openstack(
        "site-a",
        *(*ON_GROUP, "create", GROUP, "--replication-type", "sync"),
        *("--primary-site", "site-a", "--secondary-site", "site-b"),
    )
    scenario.add_members(operator, NAMES)
    for name in NAMES:
        for volume, on_array in scenario.array_volumes(testbed.cloud("site-a"), name).items():
            testbed.control.write(HERE, on_array, volume)
    return testbed


@pytest.fixture
def parted(mirrored: Testbed) -> Iterator[Testbed]:
    """The arrays lose sight of each other, and site-a's goes on, as it is preferred."""
    preferred = purity.PodPatch(failover_preferences=[purity.Reference(name=HERE)])
    source_array.client(mirrored).patch_pods(names=[POD], pod=preferred)
    mirrored.control.link_down(HERE, THERE)
    mirrored.control.wait_pod(THERE, POD, "offline")
    yield mirrored
    mirrored.control.link_up(HERE, THERE)
    mirrored.control.wait_pod(THERE, POD, "online")


@pytest.fixture
def unmediated(mirrored: Testbed) -> Iterator[Testbed]:
    """They part while site-a's array does not reach the mediator."""
    mirrored.control.mediator_down(HERE)
    mirrored.control.link_down(HERE, THERE)
    mirrored.control.wait_pod(HERE, POD, "offline")
    mirrored.control.wait_pod(THERE, POD, "online")
    yield mirrored
    mirrored.control.mediator_up(HERE)
    mirrored.control.link_up(HERE, THERE)
    mirrored.control.wait_pod(HERE, POD, "online")


def readiness(testbed: Testbed, operator: Operator) -> dict[str, Any]:
    mappings = scenario.mapping_options(testbed)
    command = (*FAILOVER, "--type", "unplanned", "--dry-run", *mappings, "-f", "json")
    told: dict[str, Any] = json.loads(operator.openstack("site-b", *command, check=False).stdout)
    return told


def write(testbed: Testbed, site: str, marker: str) -> None:
    for name in NAMES:
        returned.write(testbed, site, name, marker)


def newest(testbed: Testbed, site: str) -> set[str]:
    """Return what was written last to the VMs' volumes."""
    return {
        markers[-1] for name in NAMES for markers in returned.written(testbed, site, name).values()
    }


def ids(testbed: Testbed) -> dict[str, Any]:
    """Return id and volumes of site-a's servers: these are to come back."""
    return {
        server.name: (server.id, sorted(volume.id for volume in server.attached_volumes))
        for server in testbed.cloud("site-a").compute.servers()
    }


def completed(operator: Operator, *command: str) -> dict[str, Any]:
    done: dict[str, Any] = operator.json(*command)
    assert (done["status"], done["error_message"]) == ("completed", None)
    return done


def test_both_sites_show_the_group_mirrored(mirrored: Testbed, operator: Operator) -> None:
    for site, other in (("site-a", THERE), ("site-b", HERE)):
        shown = operator.json(site, "protector", "consistency-group", "show", GROUP)
        assert (shown["mirrored_in"], shown["mirrored_with"]) == (POD, other)
        assert (shown["mirror_here"], shown["mirror_there"]) == ("online", "online")
    group = operator.json("site-b", *ON_GROUP, "show", GROUP)
    assert (group["replication_type"], group["replication_interval"]) == ("sync", 0)


def test_it_is_ready_and_nothing_would_be_lost(mirrored: Testbed, operator: Operator) -> None:
    told = readiness(mirrored, operator)
    assert told["ready"], told["findings"]
    assert told["plan"]["snapshot"]["rpo_seconds"] <= 5
    assert any("does not say which array goes on" in one["finding"] for one in told["findings"])


def test_the_array_that_reaches_the_mediator_goes_on(
    unmediated: Testbed, operator: Operator
) -> None:
    shown = operator.json("site-a", "protector", "consistency-group", "show", GROUP)
    assert (shown["mirror_here"], shown["replicating"]) == ("offline", False)
    told = readiness(unmediated, operator)
    assert told["ready"], told["findings"]


def test_an_array_that_is_behind_does_not_take_over(parted: Testbed, operator: Operator) -> None:
    """The VMs go on writing where they run; what the other array has is old, and is not used."""
    write(parted, "site-a", "while apart")
    mappings = scenario.mapping_options(parted)
    said = operator.openstack(
        "site-b", *FAILOVER, "--type", "unplanned", *mappings, "--wait", check=False
    )
    assert said.code == 1
    assert f"Pod {POD}, which holds protection group {GROUP}, is offline on array" in said.stderr
    assert "purepod remove --array flasharray-a --with-unknown" in said.stderr
    assert not list(parted.cloud("site-b").compute.servers())
    assert list(census.take(parted, "site-b", {})) == []
    assert newest(parted, "site-a") == {"while apart"}


def test_a_test_of_it_leaves_nothing(mirrored: Testbed, operator: Operator) -> None:
    flavors = [f"{here}={there}" for here, there in scenario.FLAVORS.items()]
    options = [word for one in flavors for word in ("--flavor-mapping", one)]
    completed(operator, "site-b", *ON_GROUP, "test-failover", GROUP, *options, "--wait")
    completed(operator, "site-b", *ON_GROUP, "test-cleanup", GROUP, "--wait")
    assert list(census.take(mirrored, "site-b", {})) == []
    assert list(census.take(mirrored, "site-a", MEMBERS)) == []


@pytest.fixture(scope="module")
def before(mirrored: Testbed) -> dict[str, Any]:
    return ids(mirrored)


@pytest.fixture(scope="module")
def failed_over(mirrored: Testbed, operator: Operator, before: dict[str, Any]) -> dict[str, Any]:
    """Site-a is lost right after the last write was acknowledged. Return the operation."""
    mappings = scenario.mapping_options(mirrored)
    write(mirrored, "site-a", "the last before the disaster")
    mirrored.kill("site-a")
    return completed(operator, "site-b", *FAILOVER, "--type", "unplanned", *mappings, "--wait")


def test_in_a_disaster_nothing_that_was_acknowledged_is_lost(
    mirrored: Testbed, operator: Operator, failed_over: dict[str, Any]
) -> None:
    assert newest(mirrored, "site-b") == {"the last before the disaster"}
    assert list(census.take(mirrored, "site-b", MEMBERS)) == []
    steps = {step["name"]: step["detail"] for step in failed_over["steps"]}
    assert "RPO 0 seconds" in steps["identify_latest_snapshot"]


@pytest.fixture(scope="module")
def back(mirrored: Testbed, operator: Operator, failed_over: dict[str, Any]) -> Testbed:
    """Site-a is there again, and the group comes home, with what was written meanwhile."""
    returned.come_back(mirrored, operator)
    mirrored.control.wait_pod(HERE, POD, "online")
    write(mirrored, "site-b", "away")
    completed(operator, "site-a", *ON_GROUP, "failback", GROUP, "--wait")
    return mirrored


@pytest.mark.at_length
def test_it_comes_back_onto_its_own_volumes_with_all_that_was_written(
    back: Testbed, before: dict[str, Any]
) -> None:
    assert ids(back) == before
    assert newest(back, "site-a") == {"away"}
    assert list(census.take(back, "site-a", MEMBERS)) == []
    assert list(census.take(back, "site-b", {})) == []


@pytest.mark.at_length
def test_the_group_is_mirrored_as_before(back: Testbed, operator: Operator) -> None:
    assert in_force(Tenant(back, "site-a"), Tenant(back, "site-b")) is not None
    shown = operator.json("site-a", "protector", "consistency-group", "show", GROUP)
    assert (shown["mirrored_in"], shown["replicating"]) == (POD, True)
    assert shown["volumes_not_replicated"] == []


@pytest.mark.at_length
def test_a_planned_move_loses_nothing_and_is_mirrored_the_other_way_at_once(
    back: Testbed, operator: Operator
) -> None:
    write(back, "site-a", "the last before the move")
    mappings = scenario.mapping_options(back)
    completed(operator, "site-b", *FAILOVER, "--type", "planned", *mappings, "--wait")
    assert newest(back, "site-b") == {"the last before the move"}
    shown = operator.json("site-b", "protector", "consistency-group", "show", GROUP)
    assert (shown["role"], shown["mirrored_in"]) == ("source", "pod-site-b")
    assert (shown["mirror_here"], shown["mirror_there"]) == ("online", "online")
    assert shown["volumes_not_replicated"] == []
