# SPDX-License-Identifier: Apache-2.0
"""The census finds whatever is planted: one too many of each kind, and one that is nobody's."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openstack.connection import Connection
from waiting import until

from testbed import census, scenario
from testbed.census import Member
from testbed.layout import PLACES
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

SITE = "site-b"
ARRAY = PLACES[SITE].array
SERVER = scenario.WebServer("survivor", {"dr-web": "10.10.0.21"}, (1,), flavor="m1.small")
MEMBERS = {SERVER.name: Member(nics=1, volumes=("survivor-0",))}
# Seconds.
SOON = 60

Plant = Callable[[Testbed, Connection], contextlib.AbstractContextManager[str]]


@pytest.fixture(scope="module")
def alice(testbed: Testbed) -> Connection:
    """A site on which one server of alice's runs, and nothing else."""
    testbed.reset()
    found = testbed.cloud(SITE)
    scenario.boot(found, [SERVER])
    (array_volume,) = scenario.array_volumes(found, SERVER.name).values()
    testbed.control.write(ARRAY, array_volume, "survivor-0")
    return found


def nothing_found(testbed: Testbed) -> bool:
    return not census.take(testbed, SITE, MEMBERS)


@contextlib.contextmanager
def volume(alice: Connection, name: str) -> Iterator[Any]:
    made = alice.block_storage.create_volume(name=name, size=1, volume_type="plain")
    alice.block_storage.wait_for_status(made, "available", ["error"], 0.3, SOON)
    try:
        yield alice.block_storage.get_volume(made.id)
    finally:
        until_free = ("available", ["error"], 0.3, SOON)
        alice.block_storage.wait_for_status(alice.block_storage.get_volume(made.id), *until_free)
        alice.block_storage.delete_volume(made.id)
        alice.block_storage.wait_for_delete(made, 0.3, SOON)


@contextlib.contextmanager
def server(alice: Connection, name: str) -> Iterator[Any]:
    with volume(alice, f"{name}-root") as root:
        alice.block_storage.set_volume_bootable_status(root.id, True)
        disk = {"boot_index": 0, "uuid": root.id, "source_type": "volume"}
        made = alice.compute.create_server(
            name=name,
            flavor_id=alice.compute.find_flavor("m1.small", ignore_missing=False).id,
            networks="none",
            block_device_mapping=[disk | {"destination_type": "volume"}],
        )
        try:
            yield alice.compute.wait_for_server(made, interval=0.3, wait=SOON)
        finally:
            alice.compute.delete_server(made)
            alice.compute.wait_for_delete(made, 0.3, SOON)


# -- one too many ---------------------------------------------------------------------------------


@contextlib.contextmanager
def second_server(testbed: Testbed, alice: Connection) -> Iterator[str]:
    with server(alice, SERVER.name):
        yield "2 servers are called survivor"


@contextlib.contextmanager
def second_port(testbed: Testbed, alice: Connection) -> Iterator[str]:
    runs = alice.compute.find_server(SERVER.name, ignore_missing=False)
    network = alice.network.find_network("dr-web", ignore_missing=False)
    made = alice.network.create_port(network_id=network.id, device_id=runs.id)
    try:
        yield "survivor has 2 ports, not 1"
    finally:
        alice.network.delete_port(made)


@contextlib.contextmanager
def second_volume(testbed: Testbed, alice: Connection) -> Iterator[str]:
    with volume(alice, "survivor-0"):
        yield "2 volumes of Cinder's are called survivor-0"


@contextlib.contextmanager
def second_array_volume(testbed: Testbed, alice: Connection) -> Iterator[str]:
    with volume(alice, "a copy") as copy:
        testbed.control.write(ARRAY, copy.metadata["array_volume_name"], "survivor-0")
        yield "2 volumes of the array hold survivor-0"


# -- nobody's -------------------------------------------------------------------------------------


@contextlib.contextmanager
def strange_server(testbed: Testbed, alice: Connection) -> Iterator[str]:
    with server(alice, "stranger") as made:
        yield f"Server stranger ({made.id}) is nobody's"


@contextlib.contextmanager
def server_in_error(testbed: Testbed, alice: Connection) -> Iterator[str]:
    with server(alice, "broken") as made:
        testbed.cloud(f"{SITE}-admin").compute.reset_server_state(made, "error")
        yield f"Server broken ({made.id}) is in ERROR"


@contextlib.contextmanager
def port_of_nobody(testbed: Testbed, alice: Connection) -> Iterator[str]:
    network = alice.network.find_network("dr-web", ignore_missing=False)
    made = alice.network.create_port(network_id=network.id, name="stray", description="left")
    try:
        yield "Port stray (left) has no server"
    finally:
        alice.network.delete_port(made)


@contextlib.contextmanager
def volume_of_nobody(testbed: Testbed, alice: Connection) -> Iterator[str]:
    with volume(alice, "stray") as made:
        yield f"Volume stray ({made.id}) is attached to nothing, and nobody's"


@contextlib.contextmanager
def volume_in_error(testbed: Testbed, alice: Connection) -> Iterator[str]:
    storage = testbed.cloud(f"{SITE}-admin").block_storage
    with volume(alice, "broken") as made:
        storage.reset_volume_status(made, "error", "detached", "none")
        yield f"Volume broken ({made.id}) is error"
        storage.reset_volume_status(made, "available", "detached", "none")


@contextlib.contextmanager
def attachment_to_nothing(testbed: Testbed, alice: Connection) -> Iterator[str]:
    storage, nowhere = alice.block_storage, "00000000-0000-4000-8000-000000000000"
    with volume(alice, "reserved") as made:
        attached = storage.create_attachment(made.id, connector=None, instance=nowhere)
        try:
            yield f"Attachment {attached.id} is to a server that is not there"
        finally:
            storage.delete_attachment(attached)


@contextlib.contextmanager
def array_volume_of_nobody(testbed: Testbed, alice: Connection) -> Iterator[str]:
    """Cinder lets go of a volume, which stays on the array."""
    made = alice.block_storage.create_volume(name="let go", size=1, volume_type="plain")
    alice.block_storage.wait_for_status(made, "available", ["error"], 0.3, SOON)
    before = set(testbed.control.live_volumes(ARRAY))
    name = alice.block_storage.get_volume(made.id).metadata["array_volume_name"]
    alice.block_storage.unmanage_volume(made)
    alice.block_storage.wait_for_delete(made, 0.3, SOON)
    (left,) = set(testbed.control.live_volumes(ARRAY)) - (before - {name})
    yield f"The array's volume {left} is none of Cinder's"


@contextlib.contextmanager
def strange_network(testbed: Testbed, alice: Connection) -> Iterator[str]:
    made = alice.network.create_network(name="strange")
    try:
        yield f"Network strange ({made.id}) is nobody's"
    finally:
        alice.network.delete_network(made)


@contextlib.contextmanager
def trust(testbed: Testbed, alice: Connection) -> Iterator[str]:
    identity = alice.identity
    made = identity.create_trust(
        trustor_user_id=alice.current_user_id,
        trustee_user_id=alice.current_user_id,
        project_id=alice.current_project_id,
        impersonation=False,
        roles=[{"name": "member"}],
    )
    try:
        yield f"Trust {made.id} is left in Keystone"
    finally:
        identity.delete_trust(made)


DOUBLES = (second_server, second_port, second_volume, second_array_volume)
# The last one stays on the array: it is not Cinder's to remove any more.
ORPHANS = (
    *(strange_server, server_in_error, port_of_nobody, volume_of_nobody, volume_in_error),
    *(attachment_to_nothing, strange_network, trust, array_volume_of_nobody),
)


@pytest.mark.parametrize("plant", DOUBLES, ids=lambda plant: plant.__name__)
def test_it_finds_what_is_there_twice(testbed: Testbed, alice: Connection, plant: Plant) -> None:
    with plant(testbed, alice) as sentence:
        assert sentence in census.take(testbed, SITE, MEMBERS).doubles
    until(lambda: nothing_found(testbed), seconds=SOON, what="what was planted to be gone")


@pytest.mark.parametrize("plant", ORPHANS, ids=lambda plant: plant.__name__)
def test_it_finds_what_is_nobodys(testbed: Testbed, alice: Connection, plant: Plant) -> None:
    with plant(testbed, alice) as sentence:
        assert sentence in census.take(testbed, SITE, MEMBERS).orphans


def test_it_misses_what_is_not_there(testbed: Testbed, alice: Connection) -> None:
    expected = {SERVER.name: Member(nics=2, volumes=("survivor-0", "survivor-1"))}
    missing = census.take(testbed, SITE, {**expected, "lost": Member(0, ())}).missing
    assert missing == [
        "survivor has 1 ports, not 2",
        "survivor has no volume survivor-1, or nothing is written on it",
        "lost does not run",
    ]
