# SPDX-License-Identifier: Apache-2.0
"""The testbed is what it says: two sites of which one can die, come back, and be made as new."""

import dataclasses
import socket

import psutil
import pytest
from openstack.exceptions import HttpException

from testbed import scenario
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

# Where a server of a site may be: network and address.
PLACE = {"site-a": ("web", "10.10.0.21"), "site-b": ("dr-web", "10.10.0.21")}
SERVER = scenario.WebServer("survivor", {"web": "10.10.0.21"}, (1,), flavor="m1.small")


@dataclasses.dataclass(frozen=True)
class Booted:
    server: str
    volume: str


@pytest.fixture
def booted(testbed: Testbed) -> Booted:
    """A server of alice's at site-a, in an otherwise new testbed."""
    testbed.reset()
    (server,) = scenario.boot(testbed.cloud("site-a"), [SERVER])
    (volume,) = scenario.array_volumes(testbed.cloud("site-a"), SERVER.name).values()
    return Booted(server, volume)


def listeners(address: str) -> list[int]:
    return [
        connection.laddr.port
        for connection in psutil.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.ip == address
    ]


def test_a_server_outlives_a_restart_of_nova_compute(testbed: Testbed, booted: Booted) -> None:
    testbed.restart("site-a", "nova-compute")
    compute = testbed.cloud("site-a").compute
    server = compute.get_server(booted.server)
    assert (server.status, server.power_state) == ("ACTIVE", 1)
    compute.stop_server(server)
    compute.wait_for_server(server, "SHUTOFF", interval=0.3, wait=60)


def test_a_killed_site_is_silent_and_comes_back_with_its_data(
    testbed: Testbed, booted: Booted
) -> None:
    testbed.control.write("flasharray-a", booted.volume, "before the end")

    testbed.kill("site-a")

    assert listeners(testbed.address("site-a")) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((testbed.address("site-a"), 8443), timeout=2)
    survivor = testbed.cloud("site-b")
    assert {network.name for network in survivor.network.networks()} == {"dr-web", "dr-db"}
    volume = survivor.block_storage.create_volume(name="v", size=1, volume_type="replicated")
    survivor.block_storage.wait_for_status(volume, "available", ["error"], 0.3, 60)
    missing = testbed.status()
    assert {"mariadb", "rabbitmq", "nova", "protector-engine", "array"} <= set(missing["site-a"])
    assert missing["site-b"] == []

    testbed.start("site-a")

    assert testbed.status() == {"site-a": [], "site-b": []}
    server = testbed.cloud("site-a").compute.get_server(booted.server)
    assert (server.status, server.power_state) == ("ACTIVE", 1)
    assert testbed.control.markers("flasharray-a", booted.volume) == ["before the end"]


def test_a_reset_leaves_nothing_of_what_came_since(testbed: Testbed, booted: Booted) -> None:
    before = {network.id for network in testbed.cloud("site-a").network.networks()}
    testbed.kill("site-b")

    testbed.reset()

    cloud = testbed.cloud("site-a")
    assert list(cloud.compute.servers()) == []
    assert list(cloud.block_storage.volumes()) == []
    assert list(cloud.network.ports()) == []
    assert {network.id for network in cloud.network.networks()} == before
    assert testbed.control.volumes("flasharray-a") == []
    assert testbed.status() == {"site-a": [], "site-b": []}


@pytest.mark.parametrize("site", ["site-a", "site-b"])
def test_a_server_runs_from_a_volume_that_both_arrays_have(testbed: Testbed, site: str) -> None:
    testbed.reset()
    cloud, (network, address) = testbed.cloud(site), PLACE[site]
    server = dataclasses.replace(
        SERVER, name="in-sync", addresses={network: address}, volume_type="replicated-sync"
    )
    scenario.boot(cloud, [server])
    (volume,) = scenario.array_volumes(cloud, server.name).values()
    assert volume.startswith(f"pod-{site}::volume-")

    for array in ("flasharray-a", "flasharray-b"):
        testbed.control.wait_pod(array, f"pod-{site}", "online")
        testbed.control.write(array, volume, f"written at {array}")
    for array in ("flasharray-a", "flasharray-b"):
        assert testbed.control.markers(array, volume) == [
            "written at flasharray-a",
            "written at flasharray-b",
        ]


def test_a_site_with_a_pod_comes_back(testbed: Testbed) -> None:
    """Its Cinder sets up again on a pod that is resyncing, and goes on with the volumes in it."""
    testbed.reset()
    server = dataclasses.replace(SERVER, name="in-sync", volume_type="replicated-sync")
    scenario.boot(testbed.cloud("site-a"), [server])
    (volume,) = scenario.array_volumes(testbed.cloud("site-a"), server.name).values()
    testbed.kill("site-a")
    testbed.control.wait_pod("flasharray-b", "pod-site-a", "online")
    testbed.control.write("flasharray-b", volume, "while site-a was down")

    testbed.start("site-a")

    testbed.control.wait_pod("flasharray-a", "pod-site-a", "online")
    assert testbed.control.markers("flasharray-a", volume) == ["while site-a was down"]
    storage = testbed.cloud("site-a").block_storage
    made = storage.create_volume(name="after", size=1, volume_type="replicated-sync")
    storage.wait_for_status(made, "available", ["error"], 0.3, 60)


def test_up_leaves_alone_what_runs(testbed: Testbed) -> None:
    before = sorted(testbed.folders.state.glob("*/processes/*.json"))
    started = [path.read_text() for path in before]
    testbed.up()
    assert sorted(testbed.folders.state.glob("*/processes/*.json")) == before
    assert [path.read_text() for path in before] == started


def test_a_token_of_one_site_is_worth_nothing_at_the_other(testbed: Testbed) -> None:
    token = testbed.cloud("site-a").auth_token
    answer = testbed.cloud("site-b").session.get(
        f"{testbed.auth_url('site-b')}/projects",
        headers={"X-Auth-Token": token},
        authenticated=False,
        raise_exc=False,
    )
    assert answer.status_code == 401


def test_no_id_means_the_same_at_both_sites(testbed: Testbed) -> None:
    ids = [
        {
            *(flavor.id for flavor in cloud.compute.flavors()),
            *(network.id for network in cloud.network.networks()),
            *(subnet.id for subnet in cloud.network.subnets()),
            *(t.id for t in cloud.block_storage.types() if t.name in ("plain", "replicated")),
            cloud.current_project_id,
            cloud.current_user_id,
        }
        for cloud in (testbed.cloud("site-a"), testbed.cloud("site-b"))
    ]
    assert ids[0] & ids[1] == set()


def test_another_tenant_sees_nothing_of_it(testbed: Testbed, booted: Booted) -> None:
    rival = testbed.cloud("site-a-rival")
    assert list(rival.compute.servers()) == []
    with pytest.raises(HttpException):
        rival.compute.get_server(booted.server)
