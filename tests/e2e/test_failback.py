# SPDX-License-Identifier: Apache-2.0
"""The whole way, there and back, three times round: disaster, return, reprotect, failback."""

from typing import Any

import pytest
import returned
from returned import ON_GROUP
from tenant import Tenant, in_force

from testbed import census, scenario, shortcut
from testbed.census import Member
from testbed.operator import Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
NAMES = [server.name for server in scenario.WEB_SERVERS]
ROUNDS = 3
MEMBERS = {
    server.name: Member(
        nics=len(server.addresses),
        volumes=tuple(f"{server.name}-{number}" for number in range(len(server.volumes))),
    )
    for server in scenario.WEB_SERVERS
}


@pytest.fixture(scope="module")
def at_home(testbed: Testbed, operator: Operator) -> dict[str, Any]:
    """Return what Nova, Neutron and Cinder of site-a say of the servers, before all."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, NAMES)
    for name in NAMES:
        for volume, on_array in scenario.array_volumes(testbed.cloud("site-a"), name).items():
            testbed.control.write("flasharray-a", on_array, volume)
    scenario.replicate(testbed)
    return anatomy(testbed)


def anatomy(testbed: Testbed) -> dict[str, Any]:
    """Return all ids of site-a's servers, and where they are attached: these have to stay true."""
    cloud = testbed.cloud("site-a")
    return {
        server.name: {
            "id": server.id,
            "ports": sorted(port.id for port in cloud.network.ports(device_id=server.id)),
            "addresses": sorted(
                fixed["ip_address"]
                for port in cloud.network.ports(device_id=server.id)
                for fixed in port.fixed_ips
            ),
            "volumes": {
                volume.id: (volume.name, volume.metadata["array_volume_name"])
                for volume in (
                    cloud.block_storage.get_volume(one.id) for one in server.attached_volumes
                )
            },
        }
        for server in cloud.compute.servers()
    }


def go_away(testbed: Testbed, operator: Operator, turn: int) -> None:
    """Let site-a die after its last snapshot, and come back to a group that runs on site-b."""
    for name in NAMES:
        returned.write(testbed, "site-a", name, f"{turn}: at home")
    scenario.replicate(testbed)
    returned.lose_and_fail_over(testbed, operator)
    returned.come_back(testbed, operator)
    for name in NAMES:
        returned.write(testbed, "site-b", name, f"{turn}: away")


@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "turn", [0, *(pytest.param(turn, marks=pytest.mark.at_length) for turn in range(1, ROUNDS))]
)
def test_it_comes_back_as_it_was_and_with_all_that_was_written(
    testbed: Testbed, operator: Operator, at_home: dict[str, Any], turn: int
) -> None:
    go_away(testbed, operator, turn)
    # The command has the group protected first, on the site where it runs.
    done = operator.json("site-a", *ON_GROUP, "failback", GROUP, "--wait")
    assert (done["operation_type"], done["status"], done["error_message"]) == (
        "failback",
        "completed",
        None,
    )

    assert anatomy(testbed) == at_home
    statuses = {server.name: server.status for server in testbed.cloud("site-a").compute.servers()}
    assert statuses == dict.fromkeys(NAMES, "ACTIVE")
    for name in NAMES:
        for markers in returned.written(testbed, "site-a", name).values():
            assert markers[-2:] == [f"{turn}: at home", f"{turn}: away"]
    assert list(census.take(testbed, "site-a", MEMBERS)) == []
    assert list(census.take(testbed, "site-b", {})) == []


def test_the_group_is_protected_as_before(
    testbed: Testbed, operator: Operator, at_home: dict[str, Any]
) -> None:
    document = in_force(Tenant(testbed, "site-a"), Tenant(testbed, "site-b"))
    assert document is not None
    assert (document["status"], document["current_primary_site"]) == ("active", "site-a")
    assert document["standby"] == []
    assert {one["name"]: one["server_id"] for one in document["members"]} == {
        name: one["id"] for name, one in at_home.items()
    }
    shown = operator.json("site-a", "protector", "consistency-group", "show", GROUP)
    assert (shown["role"], shown["replicating"], shown["volumes_not_replicated"]) == (
        "source",
        True,
        [],
    )
