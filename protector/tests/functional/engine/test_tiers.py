# SPDX-License-Identifier: Apache-2.0
"""VMs are started tier by tier, and an optional one that fails is borne."""

import socket
from collections.abc import Iterator

import pytest
from functional.engine.world import NETWORKS, World

from protector import errors

# An address of the network of those VMs whose ports can be reached from here.
LOOPBACK = "127.0.0.0/24"


@pytest.fixture
def shop(world: World) -> World:
    """A database, two web servers that need it, and a report that nobody waits for."""
    for site in (world.a, world.b):
        site.cloud.add_network("near", LOOPBACK)
    world.create_group(networks={**NETWORKS, "near": "near"})
    world.add_server("report", boot_priority=5, criticality="optional")
    world.add_server("web1")
    world.add_server("web2")
    world.add_server("db", network="near", boot_priority=1, wait_port=15432)
    world.take_point()
    world.lose_a()
    world.b.conf.set_override("port_timeout", 0.2, group="engine")
    return world


@pytest.fixture
def database(shop: World) -> Iterator[None]:
    """What runs in the database's VM answers."""
    (db,) = [member for member in shop.document(shop.b).members if member.name == "db"]
    address = db.nics[0].fixed_addresses[0].ip_address
    with socket.create_server((address, 15432)):
        yield


def refuse(world: World, *names: str) -> None:
    """Let Nova refuse the VMs of these names."""

    def refused(request: object) -> None:
        if request.name in names:  # type: ignore[attr-defined]
            raise errors.CloudError(service="Nova", site="site-b", reason="no valid host")

    world.b.cloud.faults.set("recreate_server", refused)


def detail(world: World, operation_id: str, step: str) -> str:
    return world.b.steps(operation_id)[step].detail or ""


# -- tiers ------------------------------------------------------------------------------------


def test_the_plan_lists_the_tiers_in_turn(shop: World) -> None:
    assert shop.fail_over().plan["instance_recreation"] == [
        "recreate_vm_db",
        "wait_for_ports_of_tier_1",
        "recreate_vm_web1",
        "recreate_vm_web2",
        "recreate_vm_report",
    ]


def test_a_tier_is_started_when_the_one_before_is_active(shop: World, database: None) -> None:
    active: dict[str, list[str]] = {}
    shop.b.cloud.faults.set(
        "recreate_server", lambda request: active.update({request.name: list(shop.servers())})
    )
    operation = shop.fail_over()
    assert (operation.status, operation.progress) == ("completed", 100)
    assert active["db"] == []
    assert "db" in active["web1"]
    assert {"db", "web1", "web2"} == set(active["report"])


def test_a_port_that_answers_is_on_record(shop: World, database: None) -> None:
    operation = shop.fail_over()
    assert detail(shop, operation.id, "wait_for_ports_of_tier_1") == "db answers at port 15432"


def test_a_port_that_does_not_answer_is_noted_and_the_failover_goes_on(shop: World) -> None:
    operation = shop.fail_over()
    noted = detail(shop, operation.id, "wait_for_ports_of_tier_1")
    assert "db did not answer at port 15432 of 127.0.0." in noted
    assert "within 0.2 s (from engine-of-site-b)" in noted
    assert (operation.status, operation.error_message) == ("completed", None)
    assert len(shop.servers()) == 4


def test_no_port_is_tried_where_that_is_switched_off(shop: World, database: None) -> None:
    shop.b.conf.set_override("port_timeout", 0, group="engine")
    operation = shop.fail_over()
    assert "port_timeout is 0" in detail(shop, operation.id, "wait_for_ports_of_tier_1")


def test_addresses_that_cannot_be_read_stop_nothing(shop: World) -> None:
    shop.b.cloud.faults.set(
        "addresses", errors.CloudError(service="Neutron", site="site-b", reason="it hangs")
    )
    operation = shop.fail_over()
    assert "any address that is known" in detail(shop, operation.id, "wait_for_ports_of_tier_1")
    assert operation.status == "completed"


def test_a_vm_that_fails_stops_neither_its_tier_nor_later_ones(shop: World) -> None:
    refuse(shop, "db", "web1")
    operation = shop.fail_over()
    assert operation.status == "failed"
    assert shop.servers() == {"web2": "ACTIVE", "report": "ACTIVE"}
    assert detail(shop, operation.id, "wait_for_ports_of_tier_1") == "None of them runs"


# -- criticality ------------------------------------------------------------------------------


def test_an_optional_vm_that_fails_is_told_of_and_borne(shop: World, database: None) -> None:
    refuse(shop, "report")
    operation = shop.fail_over()
    assert (operation.status, operation.progress) == ("completed", 100)
    assert operation.error_message == "VM report: Nova of site-b: no valid host"
    assert shop.failed_steps(operation) == ["recreate_vm_report"]
    assert shop.group.status == "failed_over_partial"


def test_an_optional_vm_that_failed_is_brought_by_the_next_attempt(
    shop: World, database: None
) -> None:
    refuse(shop, "report")
    shop.fail_over()
    shop.b.cloud.faults.clear()
    assert shop.fail_over().error_message is None
    assert len(shop.servers()) == 4
    assert shop.group.status == "failed_over"


def test_a_critical_vm_that_fails_is_not_borne(shop: World, database: None) -> None:
    refuse(shop, "report", "web1")
    operation = shop.fail_over()
    assert operation.status == "failed"
    assert "VM web1" in (operation.error_message or "")
    assert "VM report" in (operation.error_message or "")


def test_nothing_that_comes_up_is_no_success_though_all_is_optional(world: World) -> None:
    world.create_group()
    world.add_server("report", criticality="optional")
    world.take_point()
    world.lose_a()
    refuse(world, "report")
    assert world.fail_over().status == "failed"
    assert world.group.status == "active"
