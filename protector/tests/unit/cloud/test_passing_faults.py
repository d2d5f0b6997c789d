# SPDX-License-Identifier: Apache-2.0
"""Faults that pass, by real HTTP: what is sent again, what is told, and that nothing is doubled."""

import dataclasses
import datetime
import itertools
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from unit.cloud.little_cloud import Fault, LittleCloud

from protector import errors
from protector.cloud.base import BlockDevice, PortRequest, ServerRequest

PORT = PortRequest(
    key="0",
    name="nic",
    network_id="net",
    mac_address="fa:16:3e:7a:7a:01",
    fixed_addresses=[("subnet", "10.0.0.77")],
    security_groups=[],
    port_security=True,
)
REQUEST = ServerRequest(
    key="web-e1",
    name="web",
    description=None,
    flavor_id="small",
    ports=[PORT],
    volumes=[BlockDevice("volume", 0, "/dev/vda", True)],
    key_name=None,
    metadata={},
    tags=[],
    availability_zone=None,
    server_group=None,
    user_data=None,
    config_drive=False,
)


@pytest.fixture
def little() -> Iterator[LittleCloud]:
    with LittleCloud() as little:
        yield little


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, None])
def test_what_only_reads_is_asked_again(little: LittleCloud, status: int | None) -> None:
    tenant = little.protector().by_trust("trust")
    little.faults.append(Fault("GET", "/nova/servers/detail", status, times=2))
    assert tenant.recreate_server(REQUEST).status == "ACTIVE"


def test_a_service_is_asked_again_when_it_wants_to_be(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    little.faults.append(Fault("POST", "/nova/servers", 429, retry_after="1"))
    started = time.monotonic()
    tenant.recreate_server(REQUEST)
    assert 1 <= time.monotonic() - started < 3
    assert len(little.servers) == 1


@pytest.mark.parametrize("retry_after", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "soon"])
def test_nobody_waits_longer_than_the_budget(little: LittleCloud, retry_after: str) -> None:
    tenant = little.protector(call_budget=0.5).by_trust("trust")
    little.faults.append(Fault("POST", "/nova/servers", 429, times=99, retry_after=retry_after))
    started = time.monotonic()
    with pytest.raises(errors.CloudUnavailable, match="Nova of site-b: it did not create server"):
        tenant.recreate_server(REQUEST)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("path", ["/nova/servers", "/neutron/ports"])
@pytest.mark.parametrize("status", [500, 503, None])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_may_have_been_done_is_told_and_then_found(
    little: LittleCloud, path: str, status: int | None, after: bool
) -> None:
    tenant = little.protector().by_trust("trust")
    little.faults.append(Fault("POST", path, status, after=after))
    with pytest.raises(errors.CloudUnavailable):
        tenant.recreate_server(REQUEST)
    assert little.count(f"POST {path}") == 1
    assert tenant.recreate_server(REQUEST).notes == []
    assert (len(little.servers), len(little.ports)) == (1, 1)


def test_a_port_that_was_made_late_is_not_taken_for_somebody_elses(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    little.faults.append(Fault("POST", "/neutron/ports", late=True))
    with pytest.raises(errors.CloudUnavailable):
        tenant.recreate_server(REQUEST)
    late = little.add_port(
        description="Recovered by Protector: web-e1 0",
        mac_address=PORT.mac_address,
        fixed_ips=[{"subnet_id": "subnet", "ip_address": "10.0.0.77"}],
        network_id="net",
    )
    stale = [[], [late]]  # it is not there at the first look
    answer = little._neutron

    def neutron(method: str, path: list[str], body: dict[str, object]) -> object:
        if method == "GET" and stale:
            return 200, {"ports": stale.pop(0)}
        return answer(method, path, body)

    little._neutron = neutron  # type: ignore[method-assign,assignment]
    server = tenant.recreate_server(REQUEST)
    assert (server.port_ids, server.notes) == ([late["id"]], [])


def test_of_two_servers_the_older_stays_and_no_volume_goes(little: LittleCloud) -> None:
    """The first request is carried out after the second, which was sent as it had no answer."""
    tenant = little.protector().by_trust("trust")
    little.faults.append(Fault("POST", "/nova/servers", late=True))
    with pytest.raises(errors.CloudUnavailable):
        tenant.recreate_server(REQUEST)
    server = tenant.recreate_server(REQUEST)
    assert list(little.servers) == [server.id]
    (deleted,) = (asked for asked in little.asked if asked.startswith("DELETE /nova"))
    kept = deleted.replace("DELETE", "PUT") + "/os-volume_attachments/volume"
    assert little.asked.index(kept) < little.asked.index(deleted)


def test_doubles_that_others_left_are_removed(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    first = tenant.recreate_server(REQUEST)
    little.add_server(name="web", metadata={"protector_key": "web-e1"})
    little.add_server(name="web", metadata={"protector_key": "web-e1"}, status="ERROR")
    little.add_port(description="Recovered by Protector: web-e1 0", network_id="net")
    assert tenant.recreate_server(REQUEST) == first
    assert list(little.servers) == [first.id]
    assert list(little.ports) == first.port_ids


def test_an_older_one_in_error_is_not_the_one(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    little.add_server(
        name="web",
        metadata={"protector_key": "web-e1"},
        status="ERROR",
        created="2025-12-31T23:00:00Z",
    )
    good = little.add_server(name="web", metadata={"protector_key": "web-e1"})
    assert tenant.recreate_server(REQUEST).id == good["id"]
    assert list(little.servers) == [good["id"]]
    assert little.count("POST /nova/servers") == 0


def test_a_server_that_is_refused_since_it_is_there_by_now_is_found(little: LittleCloud) -> None:
    """An earlier request is carried out after the look, and has ports and volumes by now."""
    tenant = little.protector().by_trust("trust")
    little.faults.append(Fault("POST", "/nova/servers", 409, after=True))
    assert tenant.recreate_server(REQUEST).id in little.servers
    assert little.count("POST /nova/servers") == len(little.servers) == 1


def test_a_server_whose_volumes_were_not_attached_can_be_made_anew(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    little.statuses = iter(["ERROR", "ACTIVE"])
    little.fault_message = "Build of instance 7 aborted: Unable to update attachment (no host)."
    with pytest.raises(errors.VolumesNotAttached, match="no host"):
        tenant.recreate_server(REQUEST)
    assert tenant.recreate_server(REQUEST).status == "ACTIVE"
    assert (len(little.servers), len(little.ports)) == (1, 1)


def test_a_server_whose_order_got_lost_between_novas_services_can_be_made_anew(
    little: LittleCloud,
) -> None:
    tenant = little.protector().by_trust("trust")
    little.statuses = iter(["ERROR", "ACTIVE"])
    little.fault_message = "MessagingTimeout"
    with pytest.raises(errors.CloudUnavailable, match="the message queue was restarted"):
        tenant.recreate_server(REQUEST)
    assert tenant.recreate_server(REQUEST).status == "ACTIVE"
    assert (len(little.servers), len(little.ports)) == (1, 1)


def test_a_server_that_no_host_has_room_for_is_not(little: LittleCloud) -> None:
    little.statuses = iter(["ERROR"])
    little.fault_message = "No valid host was found."
    with pytest.raises(errors.CloudError, match="No valid host") as raised:
        little.protector().by_trust("trust").recreate_server(REQUEST)
    assert not isinstance(raised.value, errors.PASSING)


def test_a_server_that_does_not_come_up_is_told_with_what_nova_says_of_it(
    little: LittleCloud,
) -> None:
    little.statuses = iter(["BUILD"])
    little.states = {"OS-EXT-STS:vm_state": "building", "OS-EXT-STS:task_state": "scheduling"}
    with pytest.raises(errors.CloudError) as raised:
        little.protector().by_trust("trust").recreate_server(REQUEST)
    (server_id,) = little.servers
    told = raised.value.text
    assert f"server web ({server_id}) did not become ACTIVE in 2 s" in told
    assert "status BUILD, vm_state building, task_state scheduling" in told
    assert "the message queue was restarted" in told
    assert "openstack compute service list" in told


def test_ports_are_kept_for_another_attempt_and_then_as_asked_for(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    squatter = little.add_port(
        network_id="net", fixed_ips=[{"subnet_id": "subnet", "ip_address": "10.0.0.77"}]
    )
    first = tenant.recreate_server(REQUEST)
    assert len(first.notes) == 1
    tenant.remove_server(REQUEST.key, keep_ports=True)
    del little.ports[squatter["id"]]
    again = tenant.recreate_server(REQUEST)
    assert (again.port_ids, again.notes) == (first.port_ids, [])

    tenant.remove_server(REQUEST.key, keep_ports=True)
    elsewhere = dataclasses.replace(PORT, network_id="other-net")
    moved = tenant.recreate_server(dataclasses.replace(REQUEST, ports=[elsewhere]))
    assert [port["network_id"] for port in little.ports.values()] == ["other-net"]
    assert (moved.notes, len(little.ports)) == ([], 1)
    tenant.remove_server(REQUEST.key)
    assert little.ports == {}


def test_an_expired_token_is_replaced(little: LittleCloud) -> None:
    """The service user's, and one that a trust gave."""
    cloud = little.protector()
    tenant = cloud.by_trust("trust")
    tenant.recreate_server(REQUEST)
    service = cloud.as_service()
    assert service.trusts() == ["trust"]
    little.tokens.clear()
    assert tenant.recreate_server(REQUEST).status == "ACTIVE"
    little.tokens.clear()
    assert service.trusts() == ["trust"]


def test_signing_in_is_repeated_and_keystone_named_when_it_fails(little: LittleCloud) -> None:
    little.faults.append(Fault("POST", "/keystone/auth/tokens", 503, times=2))
    little.protector().by_trust("trust").recreate_server(REQUEST)
    little.faults.append(Fault("POST", "/keystone/auth/tokens", 503, times=99))
    told = "Keystone of site-b: Nova was not asked to list servers"
    with pytest.raises(errors.CloudUnavailable, match=told):
        little.protector(call_budget=0.3).by_trust("other").recreate_server(REQUEST)


def test_a_load_balancers_page_is_told_in_words(little: LittleCloud) -> None:
    """And Keystone, which is asked for a trust with the caller's token, is named once."""
    little.tokens.add("alices")
    page = "<html><body><h1>503 Service Unavailable</h1>\nNo server.\n</body></html>"
    little.faults.append(Fault("GET", "/keystone/auth/tokens", 503, times=99, page=page))
    with pytest.raises(errors.CloudUnavailable) as raised:
        little.protector(call_budget=0.3).take_trust(
            "alices", user_id="alice", project_id="acme", roles=["member"]
        )
    assert raised.value.text == (
        "Keystone of site-b: it did not give Protector a trust: 503 Service Unavailable No server."
        " Check it: openstack protector site validate site-b"
    )


def test_a_service_that_does_not_say_its_version_is_not_asked(little: LittleCloud) -> None:
    tenant = little.protector(call_budget=0.3).by_trust("trust")
    little.faults.append(Fault("GET", "/nova/v2.1", 503, times=4))
    with pytest.raises(errors.CloudUnavailable, match="Nova of site-b"):
        tenant.recreate_server(REQUEST)
    assert little.count("GET /nova/servers/detail") == 0
    little.faults.clear()
    assert tenant.recreate_server(REQUEST).status == "ACTIVE"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("status", [503, None])
def test_a_trust_whose_answer_is_lost_is_found_and_not_taken_twice(
    little: LittleCloud, status: int | None, after: bool
) -> None:
    cloud = little.protector()
    little.tokens.add("alices")
    little.faults.append(Fault("POST", "/keystone/OS-TRUST/trusts", status, after=after))
    trust = cloud.take_trust("alices", user_id="alice", project_id="acme", roles=["member"])
    assert [fault.times for fault in little.faults] == [0]
    assert cloud.as_service().trusts() == ["trust", trust]


@pytest.mark.parametrize("whose", [{"trustor_user_id": "bob"}, {"project_id": "other"}])
def test_a_trust_of_somebody_elses_is_not_taken_for_ours(
    little: LittleCloud, whose: dict[str, str]
) -> None:
    """One that ends in the same second, as trusts do that are taken at about the same time."""
    cloud = little.protector()
    little.tokens.add("alices")
    little.faults.append(Fault("POST", "/keystone/OS-TRUST/trusts", 503, after=True))
    answer = little._trusts

    def trusts(method: str, body: dict[str, Any]) -> Any:
        if method == "POST":
            answer(method, {"trust": {**body["trust"], **whose}})
        return answer(method, body)

    little._trusts = trusts  # type: ignore[method-assign]
    trust = cloud.take_trust("alices", user_id="alice", project_id="acme", roles=["member"])
    (taken,) = (one for one in little.trusts if one["id"] == trust)
    assert (taken["trustor_user_id"], taken["project_id"]) == ("alice", "acme")


def test_servers_that_nobody_has_asked_for_before_share_one_look(little: LittleCloud) -> None:
    tenant, since = little.protector().by_trust("trust"), time.monotonic()
    for number in range(3):
        port = dataclasses.replace(PORT, mac_address=None, fixed_addresses=[])
        request = dataclasses.replace(
            REQUEST, key=f"web{number}-e1", ports=[port], alone_since=since
        )
        assert tenant.recreate_server(request).status == "ACTIVE"
    assert little.count("GET /neutron/ports") == 1
    assert (len(little.servers), len(little.ports)) == (3, 3)


def test_what_others_made_before_is_found_by_whoever_is_alone_since(little: LittleCloud) -> None:
    tenant = little.protector().by_trust("trust")
    first = tenant.recreate_server(REQUEST)
    little.add_server(name="web", metadata={"protector_key": "web-e1"})
    request = dataclasses.replace(REQUEST, alone_since=time.monotonic())
    assert tenant.recreate_server(request) == first
    assert list(little.servers) == [first.id]


def test_a_port_that_others_made_before_is_found_by_whoever_is_alone_since(
    little: LittleCloud,
) -> None:
    tenant = little.protector().by_trust("trust")
    tenant.recreate_server(REQUEST)
    tenant.remove_server(REQUEST.key, keep_ports=True)
    request = dataclasses.replace(REQUEST, alone_since=time.monotonic())
    server = tenant.recreate_server(request)
    assert (server.port_ids, server.notes) == (list(little.ports), [])


def test_who_waits_for_a_server_asks_for_no_details(little: LittleCloud) -> None:
    """For each server that Nova shows in detail, it asks Neutron."""
    tenant = little.protector().by_trust("trust")
    little.statuses = itertools.repeat("BUILD")
    with pytest.raises(errors.CloudError, match="did not become ACTIVE"):
        tenant.recreate_server(REQUEST)
    (server,) = little.servers.values()
    created = datetime.datetime.fromisoformat(server["created"])
    since = f"changes-since={created - datetime.timedelta(seconds=2):%FT%T}"
    asked = [urllib.parse.unquote(query) for query in little.queries]
    assert asked.count(f"status=ACTIVE&{since}") > 2
    # Two at once when it began, one before it was given up, and one to see whether it was.
    assert little.count("GET /nova/servers/detail") < 6


def test_a_server_that_has_come_to_run_is_found_under_its_key_still(
    little: LittleCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list that tells that it runs does not tell its key."""
    tenant, since = little.protector().by_trust("trust"), time.monotonic()
    little.statuses = itertools.repeat("BUILD")
    other = little.add_server(name="db", metadata={"protector_key": "db-e1"})
    answer = little._nova

    def comes_to_run(method: str, path: list[str], body: dict[str, Any]) -> Any:
        if path == ["servers"] and method == "GET":
            for server in little.servers.values():
                server["status"] = "ACTIVE"
        return answer(method, path, body)

    monkeypatch.setattr(little, "_nova", comes_to_run)
    tenant.recreate_server(dataclasses.replace(REQUEST, alone_since=since))
    request = dataclasses.replace(REQUEST, key="db-e1", ports=[], alone_since=since)
    assert tenant.recreate_server(request).id == other["id"]
    assert len(little.servers) == 2
