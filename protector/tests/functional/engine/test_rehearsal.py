# SPDX-License-Identifier: Apache-2.0
"""A failover that is only tested: the VMs come up beside the real ones, and go without a trace."""

import copy
import datetime
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from functional.engine.rehearsing import Rehearsals
from functional.engine.world import World, context

from protector import errors
from protector.db import operations, rehearsals
from protector.db.models import Operation
from protector.domain.operation import (
    Cancel,
    CleanupArguments,
    Kind,
)
from protector.engine import listening
from protector.engine.readiness import check
from protector.engine.sweeps.expiry import Expired

PLAN = {
    "preparation": ["validate_target_site", "record_test"],
    "storage_failover": [
        "identify_latest_snapshot",
        "promote_volumes_from_snapshot",
        "manage_volumes_into_cinder",
    ],
    "instance_recreation": ["make_test_networks", "recreate_vm_web1", "recreate_vm_web2"],
    "finalization": ["check_test_vms", "record_test_result"],
}
CLEANUP = ["remove_test_servers", "remove_test_volumes", "remove_test_networks", "end_test"]


@pytest.fixture
def tests(world: World) -> Rehearsals:
    world.protect("web1", "web2")
    world.b.peer.journal.clear()
    return Rehearsals(world)


def told(world: World, operation: Operation, step: str) -> str:
    return world.b.steps(operation.id)[step].detail or ""


def nothing_is_left(world: World) -> bool:
    cloud = world.b.cloud
    return not (world.leftovers() or cloud.made_ports or cloud.made_networks)


def refuse(world: World, *names: str) -> None:
    """Let Nova refuse VMs of these names."""

    def fault(request: Any) -> None:
        if request.name in names:
            raise errors.CloudError(service="Nova", site="site-b", reason="no valid host")

    world.b.cloud.faults.set("recreate_server", fault)


# -- all is well ------------------------------------------------------------------------------


def test_the_vms_come_up_under_other_names_and_stay_until_they_are_cleaned_up(
    tests: Rehearsals, world: World
) -> None:
    operation = tests.run()
    assert (operation.status, operation.error_message) == ("completed", None)
    assert operation.plan == PLAN
    assert world.servers() == {"test-web1": "ACTIVE", "test-web2": "ACTIVE"}
    names = sorted(made.request.name for made in world.b.cloud.made_volumes.values())
    assert names == ["test-web1-0", "test-web1-1", "test-web2-0", "test-web2-1"]
    assert world.group.status == "testing"

    ended = tests.clean_up()
    assert (ended.status, ended.error_message) == ("completed", None)
    assert ended.plan == {"cleanup": CLEANUP[:-1], "finalization": CLEANUP[-1:]}
    assert nothing_is_left(world)
    assert world.group.status == "active"


def test_result_and_rto_are_on_record_and_outdated_by_the_next_version(
    tests: Rehearsals, world: World
) -> None:
    operation = tests.run()
    test = tests.last()
    assert (test.operation_id, test.result) == (operation.id, "passed")
    assert test.rto_seconds is not None
    assert 0 <= test.rto_seconds < 60
    assert test.point
    assert test.point in told(world, operation, "identify_latest_snapshot")
    assert (test.epoch, test.version) == (world.group.epoch, world.group.version)
    assert "The test passed" in told(world, operation, "record_test_result")
    world.add_server("web3")
    assert (test.epoch, test.version) != (world.group.epoch, world.group.version)
    assert world.group.status == "testing"


def test_neither_group_nor_source_nor_replication_learns_of_it(
    tests: Rehearsals, world: World
) -> None:
    before = world.document(world.b), world.document(world.a), copy.deepcopy(world.a.array.groups)
    calls = len(world.a.array.faults.calls), len(world.a.cloud.faults.calls)
    tests.run()
    tests.clean_up()
    after = world.document(world.b), world.document(world.a), world.a.array.groups
    assert after == before
    assert calls == (len(world.a.array.faults.calls), len(world.a.cloud.faults.calls))
    assert world.b.peer.journal == []


def test_networks_are_isolated_ones_whatever_is_kept_with_the_group(
    tests: Rehearsals, world: World
) -> None:
    tests.run()
    (made,) = world.b.cloud.made_networks.values()
    assert made.request.name == "test-web"
    assert list(made.request.subnets) == ["10.10.0.0/24"]
    members = {f"test-{member.name}": member for member in world.document().members}
    for server in world.b.cloud.made_servers.values():
        (port,), (nic,) = server.request.ports, members[server.request.name].nics
        assert port.network_id == made.network.id
        assert port.mac_address == nic.mac_address
        assert [address for _, address in port.fixed_addresses] == [
            address.ip_address for address in nic.fixed_addresses
        ]
        assert {subnet for subnet, _ in port.fixed_addresses} == {made.network.subnets[0].id}


def test_a_network_that_is_given_is_used_without_the_mac_addresses(
    tests: Rehearsals, world: World
) -> None:
    lab = world.b.cloud.add_network("lab", "10.10.0.0/24")
    tests.run(networks={"web": "lab"})
    assert world.b.cloud.made_networks == {}
    for server in world.b.cloud.made_servers.values():
        (port,) = server.request.ports
        assert (port.network_id, port.mac_address) == (lab.id, None)
        assert port.fixed_addresses


def test_a_check_of_a_test_tells_its_plan_and_makes_nothing(
    tests: Rehearsals, world: World
) -> None:
    readiness = check(world.b.equipment, context(), world.group_id, {}, kind=Kind.TEST_FAILOVER)
    assert readiness["ready"]
    phases = {phase["name"]: phase["steps"] for phase in readiness["plan"]["phases"]}
    assert phases == PLAN
    assert {port["network"] for vm in readiness["plan"]["vms"] for port in vm["ports"]} == {
        "an isolated one, made for it"
    }
    assert nothing_is_left(world)


def test_an_older_snapshot_can_be_tested(tests: Rehearsals, world: World) -> None:
    first = told(world, tests.run(), "identify_latest_snapshot").split()[1]
    tests.clean_up()
    world.take_point()
    operation = tests.run(snapshot=first)
    assert operation.status == "completed"
    assert first in told(world, operation, "identify_latest_snapshot")


# -- health -----------------------------------------------------------------------------------


def test_without_a_port_timeout_no_port_is_tried_and_that_is_said(
    tests: Rehearsals, world: World
) -> None:
    operation = tests.run(probes={world.document().members[0].server_id: "tcp:22"})
    assert operation.status == "completed"
    assert "port_timeout is 0" in told(world, operation, "check_test_vms")


@pytest.fixture
def patient(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.b.conf.set_override("port_timeout", 1, group="engine")
    monkeypatch.setattr(listening, "PAUSE", 0.05)


def test_on_an_isolated_network_nothing_is_tried_as_it_would_be_another_vm(
    tests: Rehearsals, world: World, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []
    monkeypatch.setattr(listening, "silent", lambda listeners, *_: tried.append(listeners) or set())
    operation = tests.run(probes={world.document().members[0].server_id: "tcp:22"})
    assert operation.status == "completed"
    assert tried == [{}]
    assert "web1 was not tried (tcp:22)" in told(world, operation, "check_test_vms")


class Page(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        status = "200 OK" if self.rfile.readline().split()[1] == b"/up" else "503 No"
        self.wfile.write(f"HTTP/1.0 {status}\r\n\r\n".encode())


@pytest.fixture
def page() -> Iterator[int]:
    """Something that is up at ``/up``, on every address of this host; return its port."""
    with socketserver.ThreadingTCPServer(("", 0), Page) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(("path", "result"), [("/up", "passed"), ("/down", "failed")])
def test_a_probe_decides_on_a_network_that_was_given(
    world: World, patient: None, page: int, path: str, result: str
) -> None:
    world.a.cloud.add_network("loopback", "127.0.0.0/24")
    world.b.cloud.add_network("lab", "127.0.0.0/24")
    world.create_group()
    server_id = world.add_server("web1", network="loopback")
    world.take_point()
    probe = f"http:{page}{path}"
    tests = Rehearsals(world)
    operation = tests.run(networks={"loopback": "lab"}, probes={server_id: probe})
    assert (operation.status == "completed") is (result == "passed")
    assert tests.last().result == result
    assert f"to {probe}" in told(world, operation, "check_test_vms")
    assert world.servers() == {"test-web1": "ACTIVE"}
    assert world.group.status == "testing"


def test_who_sends_a_test_to_where_a_failover_would_go_is_warned(
    tests: Rehearsals, world: World
) -> None:
    operation = tests.run(networks={"web": "dr-web"})
    assert "brings the VM after a disaster" in told(world, operation, "validate_target_site")
    tests.clean_up()
    world.b.cloud.add_network("lab", "10.10.0.0/24")
    operation = tests.run(networks={"web": "lab"})
    assert "after a disaster" not in told(world, operation, "validate_target_site")


# -- what fails -------------------------------------------------------------------------------


def test_of_a_vm_that_does_not_come_up_the_others_stay_for_a_look(
    tests: Rehearsals, world: World
) -> None:
    refuse(world, "test-web1")
    operation = tests.run()
    assert operation.status == "failed"
    assert "no valid host" in (operation.error_message or "")
    assert "test-cleanup prod-web-app" in (operation.error_message or "")
    assert tests.last().result == "failed"
    assert world.servers() == {"test-web2": "ACTIVE"}
    assert world.group.status == "testing"
    tests.clean_up()
    assert nothing_is_left(world)


@pytest.mark.parametrize(
    "method", ["recreate_server", "make_isolated_network", "manage_volumes", "inventory"]
)
def test_what_fails_before_any_vm_is_there_undoes_itself(
    tests: Rehearsals, world: World, method: str
) -> None:
    refusal = errors.CloudError(service="It", site="site-b", reason="out of order")
    world.b.cloud.faults.set(method, refusal)
    operation = tests.run()
    assert operation.status == "failed"
    assert nothing_is_left(world)
    assert world.group.status == "active"
    assert tests.last().result == "failed"
    assert tests.left() is None


def test_what_could_not_be_undone_is_left_to_the_cleanup(tests: Rehearsals, world: World) -> None:
    refusal = errors.CloudError(service="It", site="site-b", reason="out of order")
    world.b.cloud.faults.set("recreate_server", refusal)
    world.b.cloud.faults.set("unmanage_volumes", refusal)
    operation = tests.run()
    assert operation.status == "failed"
    assert world.group.status == "testing"
    assert not nothing_is_left(world)
    world.b.cloud.faults.clear()
    assert tests.clean_up().status == "completed"
    assert nothing_is_left(world)
    assert world.group.status == "active"


@pytest.mark.parametrize("how", [Cancel.UNDO, Cancel.KEEP])
def test_a_test_can_be_cancelled(tests: Rehearsals, world: World, how: Cancel) -> None:
    operation_id = tests.begin()

    def cancel(*args: Any) -> None:
        with world.b.sessions.begin() as session:
            operations.ask_to_cancel(session, operation_id, how, "alice")

    world.b.cloud.faults.set("make_isolated_network", cancel)
    operation = world.run(operation_id)
    assert operation.status == "cancelled"
    assert nothing_is_left(world) is (how is Cancel.UNDO)
    assert world.group.status == ("active" if how is Cancel.UNDO else "testing")
    if how is Cancel.KEEP:
        tests.clean_up()
        assert nothing_is_left(world)


# -- a disaster during a test -----------------------------------------------------------------


def test_a_failover_goes_ahead_during_a_test_which_is_cleaned_up_later(
    tests: Rehearsals, world: World
) -> None:
    tests.run()
    world.lose_a()
    operation = world.fail_over()
    assert operation.status == "completed"
    assert set(world.servers()) == {"test-web1", "test-web2", "web1", "web2"}
    assert world.group.status == "failed_over"
    assert tests.clean_up().status == "completed"
    assert set(world.servers()) == {"web1", "web2"}
    assert len(world.b.cloud.made_volumes) == 4
    assert world.group.status == "failed_over"


# -- cleaning up ------------------------------------------------------------------------------


def test_cleaning_up_twice_is_no_error(tests: Rehearsals, world: World) -> None:
    tests.run()
    left = tests.left()
    assert left is not None
    tests.clean_up()
    again = tests.create(
        Kind.TEST_CLEANUP, CleanupArguments(rehearsal=left.operation_id), trusted=False
    )
    assert world.run(again).status == "completed"
    assert world.group.status == "active"


def test_a_test_that_somebody_has_meddled_with_is_removed_all_the_same(
    tests: Rehearsals, world: World
) -> None:
    tests.run()
    cloud = world.b.cloud
    gone, *_ = cloud.made_servers
    del cloud.made_servers[gone]
    unmanaged, deleted, *_ = cloud.made_volumes
    cloud.by_token("token", "project-b").unmanage_volumes([unmanaged])
    cloud.by_token("token", "project-b").remove_volumes({deleted: None})
    cloud.made_ports.pop(next(iter(cloud.made_ports)))
    assert tests.clean_up().status == "completed"
    assert nothing_is_left(world)


def test_what_others_hold_by_now_is_said_and_removed_at_the_next_attempt(
    tests: Rehearsals, world: World
) -> None:
    tests.run()
    cloud = world.b.cloud
    (network,) = cloud.made_networks.values()
    volume = next(iter(cloud.made_volumes.values()))
    cloud.foreign |= {network.network.id: "port p-9", volume.id: "server s-9"}
    operation = tests.clean_up()
    assert operation.status == "failed"
    for part in ("port p-9", "server s-9", f"operation retry {operation.id}"):
        assert part in (operation.error_message or "")
    assert world.servers() == {}
    assert len(cloud.made_volumes) == 1
    assert world.group.status == "testing"
    cloud.foreign.clear()
    assert tests.clean_up().status == "completed"
    assert nothing_is_left(world)
    assert world.group.status == "active"


def test_a_test_whose_time_is_over_is_cleaned_up_without_anybodys_trust(
    tests: Rehearsals, world: World
) -> None:
    tests.run(hours=1)
    expired = Expired(world.b.equipment)
    expired.clean_up()
    assert newest(world).kind is Kind.TEST_FAILOVER
    pass_time(world, hours=2)
    world.b.cloud.trusts.clear()
    for _ in range(2):
        expired.clean_up()  # two engines may think of it
    queued = newest(world)
    assert (queued.kind, queued.status, queued.user_id) == (
        Kind.TEST_CLEANUP,
        "queued",
        "protector",
    )
    assert world.run(queued.id).status == "completed"
    assert nothing_is_left(world)
    expired.clean_up()
    assert newest(world).id == queued.id


def test_a_cleanup_that_left_something_is_not_repeated_at_each_look(
    tests: Rehearsals, world: World
) -> None:
    tests.run()
    pass_time(world, hours=25)
    (network,) = world.b.cloud.made_networks.values()
    world.b.cloud.foreign[network.network.id] = "port p-9"
    expired = Expired(world.b.equipment)
    expired.clean_up()
    first = newest(world)
    assert world.run(first.id).status == "failed"
    expired.clean_up()
    assert newest(world).id == first.id


def test_the_source_is_told_that_a_group_which_is_tested_cannot_be_deleted(
    tests: Rehearsals, world: World
) -> None:
    tests.run()
    with pytest.raises(errors.EarlierTestLeft) as refused:
        world.a.edits.delete_group(context(), world.group_id)
    assert "test-cleanup prod-web-app" in refused.value.text
    chain = world.document().consistency_group
    assert chain is not None
    assert world.a.array.replication(chain.array_group) is not None
    assert world.a.group(world.group_id).status == "active"


# -- an engine that dies ----------------------------------------------------------------------


def newest(world: World) -> Operation:
    with world.b.sessions.begin() as session:
        return operations.latest(session, world.group_id)


def pass_time(world: World, *, hours: float) -> None:
    with world.b.sessions.begin() as session:
        row = rehearsals.uncleaned(session, world.group_id)
        assert row is not None
        row.expires_at -= datetime.timedelta(hours=hours)
