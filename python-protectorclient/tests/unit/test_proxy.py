# SPDX-License-Identifier: Apache-2.0
"""Each verb of the client is one request: this method, this URL, this body."""

import json
from typing import Any

import pytest
import requests
from keystoneauth1 import noauth, session
from openstack import exceptions
from openstack.connection import Connection

from protectorclient.v1._proxy import Proxy
from protectorclient.v1.document import Document
from protectorclient.v1.protection_group import ProtectionGroup

GROUP = ProtectionGroup.existing(id="pg-1", name="web", project_id="acme")
IN_GROUP = "/v1/acme/protection-groups/pg-1"
OLD, NEW = (
    Document.existing(checksum=checksum, project_id="acme", group_id="pg-1")
    for checksum in ("0ld", "4e3")
)


class Wire(requests.adapters.BaseAdapter):
    """Keeps what is sent, and answers what it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Any, ...]] = []
        self.answer: Any = {}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        body = json.loads(request.body) if request.body else None
        self.sent.append((request.method, request.path_url, body))
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response._content = json.dumps(self.answer).encode()
        response.headers["Content-Type"] = "application/json"
        return response

    def close(self) -> None:
        pass


class InProject(noauth.NoAuth):
    """Needs no Keystone, and is in a project all the same."""

    def __init__(self, project_id: str | None) -> None:
        super().__init__(endpoint="http://protector/v1")
        self._project_id = project_id

    def get_project_id(self, session: Any, **kwargs: Any) -> str | None:
        return self._project_id


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def proxy(wire: Wire) -> Proxy:
    return proxy_in("acme", wire)


def proxy_in(project_id: str | None, wire: Wire) -> Proxy:
    http = requests.Session()
    http.mount("http://", wire)
    connection = Connection(session=session.Session(auth=InProject(project_id), session=http))
    endpoint = "http://protector/v1"
    proxy = Proxy(connection.session, service_type="site-recovery", endpoint_override=endpoint)
    proxy._connection = connection
    return proxy


READS = {
    "sites": (lambda p: list(p.sites()), "/v1/admin/sites"),
    "site": (lambda p: p.get_site("site-a"), "/v1/admin/sites/site-a"),
    "mappings": (lambda p: list(p.tenant_mappings()), "/v1/admin/tenant-mappings"),
    "mapping": (lambda p: p.get_tenant_mapping("tm1"), "/v1/admin/tenant-mappings/tm1"),
    "groups": (
        lambda p: list(p.protection_groups(status="active")),
        "/v1/acme/protection-groups?status=active",
    ),
    "group": (lambda p: p.get_protection_group("pg-1"), IN_GROUP),
    "members": (lambda p: list(p.members(GROUP)), f"{IN_GROUP}/members"),
    "member": (lambda p: p.get_member(GROUP, "s1"), f"{IN_GROUP}/members/s1"),
    "policy": (lambda p: p.get_replication_policy(GROUP), f"{IN_GROUP}/policy"),
    "consistency": (lambda p: p.get_consistency_group(GROUP), f"{IN_GROUP}/consistency-group"),
    "sync": (lambda p: p.get_sync_status(GROUP), f"{IN_GROUP}/sync-status"),
    "documents": (lambda p: list(p.documents(GROUP)), f"{IN_GROUP}/documents"),
    "document": (lambda p: p.get_document(GROUP, "4e3"), f"{IN_GROUP}/documents/4e3"),
    "differences": (
        lambda p: p.document_differences(OLD, NEW),
        f"{IN_GROUP}/documents/4e3/differences?from=0ld",
    ),
    "operations": (
        lambda p: list(p.operations(group_id="pg-1")),
        "/v1/acme/operations?group_id=pg-1",
    ),
    "operation": (lambda p: p.get_operation("op-1"), "/v1/acme/operations/op-1"),
}


@pytest.mark.parametrize("name", READS)
def test_reading(proxy, wire, name):
    read, url = READS[name]
    wire.answer = {"sites": [], "tenant_mappings": [], "protection_groups": [], "members": []}
    wire.answer |= {"operations": [], "documents": [], "differences": []}
    read(proxy)
    assert wire.sent == [("GET", url, None)]


CHANGES = {
    "update_site": (
        lambda p: p.update_site("site-a", description="main"),
        ("PATCH", "/v1/admin/sites/site-a", {"site": {"description": "main"}}),
    ),
    "create_group": (
        lambda p: p.create_protection_group(name="web", primary_site="site-a"),
        (
            "POST",
            "/v1/acme/protection-groups",
            {"protection_group": {"name": "web", "primary_site": "site-a"}},
        ),
    ),
    "update_group": (
        lambda p: p.update_protection_group(GROUP, description="web"),
        ("PATCH", IN_GROUP, {"protection_group": {"description": "web"}}),
    ),
    "delete_group": (lambda p: p.delete_protection_group(GROUP), ("DELETE", IN_GROUP, None)),
    "add_member": (
        lambda p: p.add_member(GROUP, "web-server-1"),
        ("POST", f"{IN_GROUP}/members", {"member": {"server": "web-server-1"}}),
    ),
    "add_member_with_wishes": (
        lambda p: p.add_member(GROUP, "db-1", boot_priority=1, wait_port=5432),
        (
            "POST",
            f"{IN_GROUP}/members",
            {"member": {"server": "db-1", "boot_priority": 1, "wait_port": 5432}},
        ),
    ),
    "update_member": (
        lambda p: p.update_member(GROUP, "s1", criticality="optional"),
        ("PATCH", f"{IN_GROUP}/members/s1", {"member": {"criticality": "optional"}}),
    ),
    "wait_for_no_port": (
        lambda p: p.update_member(GROUP, "s1", wait_port=None),
        ("PATCH", f"{IN_GROUP}/members/s1", {"member": {"wait_port": None}}),
    ),
    "remove_member": (
        lambda p: p.remove_member(GROUP, "s1"),
        ("DELETE", f"{IN_GROUP}/members/s1", None),
    ),
    "release": (
        lambda p: p.release(GROUP),
        ("POST", f"{IN_GROUP}/action", {"release": {}}),
    ),
    "reset_state": (
        lambda p: p.reset_state(GROUP, "active"),
        ("POST", f"{IN_GROUP}/action", {"reset_state": {"status": "active", "force": False}}),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changing(proxy, wire, name):
    change, request = CHANGES[name]
    change(proxy)
    assert wire.sent == [request]


def test_failing_over_forces_and_returns_the_operation(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-1", "status": "running", "progress": 5}}
    operation = proxy.fail_over(GROUP, network_mapping={"web": "dr-web"})
    (_, url, body) = wire.sent[0]
    assert url == f"{IN_GROUP}/action"
    assert body["failover"]["force"] is True
    assert body["failover"]["network_mapping"] == {"web": "dr-web"}
    assert (operation.id, operation.has_ended) == ("op-1", False)
    proxy.get_operation(operation)
    assert wire.sent[1] == ("GET", "/v1/acme/operations/op-1", None)


def test_a_test_is_sent_with_what_is_given_and_no_more(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-3", "status": "queued"}}
    started = proxy.test_failover(GROUP, probes={"web": "tcp:22"}, keep_hours=None, snapshot=None)
    assert wire.sent == [
        ("POST", f"{IN_GROUP}/action", {"test_failover": {"probes": {"web": "tcp:22"}}})
    ]
    assert started.id == "op-3"


def test_a_test_is_cleaned_up_by_an_operation(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-4", "status": "queued"}}
    assert proxy.clean_up_test(GROUP).id == "op-4"
    assert wire.sent == [("POST", f"{IN_GROUP}/action", {"test_cleanup": {}})]


def test_snapshots_are_listed_newest_first_as_they_come(proxy, wire):
    wire.answer = {"snapshots": [{"name": "cg.7", "complete": False}, {"name": "cg.6"}]}
    assert [one.name for one in proxy.snapshots(GROUP)] == ["cg.7", "cg.6"]
    assert wire.sent[0][1].startswith(f"{IN_GROUP}/snapshots")


def test_a_planned_failover_is_not_forced(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-1", "status": "running", "progress": 5}}
    proxy.fail_over(GROUP, type="planned")
    (_, _, body) = wire.sent[0]
    assert (body["failover"]["type"], body["failover"]["force"]) == ("planned", False)


def test_a_group_is_protected_the_other_way_round_and_comes_back(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-1", "status": "running", "progress": 5}}
    assert proxy.reprotect(GROUP).id == "op-1"
    assert proxy.fail_back(GROUP, flavor_mapping={"m1.xlarge": "m1.large"}).id == "op-1"
    failback = {"network_mapping": {}, "flavor_mapping": {"m1.xlarge": "m1.large"}}
    assert wire.sent == [
        ("POST", f"{IN_GROUP}/action", {"reprotect": {}}),
        ("POST", f"{IN_GROUP}/action", {"failback": failback}),
    ]


def test_a_failback_is_thought_through(proxy, wire):
    wire.answer = {"readiness": {"ready": True, "findings": [], "plan": {}}}
    assert proxy.check_failback(GROUP).ready
    (_, _, body) = wire.sent[0]
    assert body["failback"]["dry_run"] is True


def test_an_operation_is_retried_by_another_one(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-2", "status": "queued", "retry_of": "op-1"}}
    again = proxy.retry_operation("op-1", network_mapping={"db": "dr-db"}, skip=["report"])
    retry = {
        "network_mapping": {"db": "dr-db"},
        "flavor_mapping": {},
        "skip": ["report"],
        "accept_stale_metadata": False,
    }
    assert wire.sent == [("POST", "/v1/acme/operations/op-1/action", {"retry": retry})]
    assert (again.id, again.retry_of, again.has_ended) == ("op-2", "op-1", False)
    proxy.get_operation(again)
    assert wire.sent[1] == ("GET", "/v1/acme/operations/op-2", None)


def test_an_operation_is_cancelled_and_undone_unless_it_is_to_be_kept(proxy, wire):
    wire.answer = {"operation": {"operation_id": "op-1", "status": "cancelled", "cancel": "undo"}}
    operation = proxy.cancel_operation("op-1")
    assert (operation.cancel, operation.has_ended) == ("undo", True)
    proxy.cancel_operation(operation, keep=True)
    url = "/v1/acme/operations/op-1/action"
    assert wire.sent == [
        ("POST", url, {"cancel": {"keep": False}}),
        ("POST", url, {"cancel": {"keep": True}}),
    ]


def test_a_check_is_a_failover_that_is_not_run(proxy, wire):
    wire.answer = {"readiness": {"ready": True, "findings": [], "plan": {"vms": []}}}
    readiness = proxy.check(GROUP, network_mapping={"web": "dr-web"})
    ((_, url, body),) = wire.sent
    assert url == f"{IN_GROUP}/action"
    assert body["failover"]["dry_run"] is True
    assert body["failover"]["network_mapping"] == {"web": "dr-web"}
    assert (readiness.ready, readiness.findings, readiness.plan) == (True, [], {"vms": []})


def test_readiness_is_read_by_the_stored_mappings(proxy, wire):
    wire.answer = {"readiness": {"ready": False, "findings": [{"severity": "error"}], "plan": {}}}
    readiness = proxy.get_readiness(GROUP)
    assert wire.sent == [("GET", f"{IN_GROUP}/readiness", None)]
    assert (readiness.ready, len(readiness.findings)) == (False, 1)


def test_forcing_a_sync_tells_what_came_of_it(proxy, wire):
    wire.answer = {"sync": {"peer_site": "site-a", "version": 4, "duration_ms": 312}}
    sync = proxy.force_sync(GROUP)
    assert wire.sent == [("POST", f"{IN_GROUP}/action", {"sync_force": {}})]
    assert (sync.peer_site, sync.version, sync.duration_ms) == ("site-a", 4, 312)


def test_a_conflict_is_settled_in_the_direction_that_is_given(proxy, wire):
    lost = {"site": "site-a", "epoch": 0, "version": 5, "checksum": "9f86d081"}
    wire.answer = {"sync": {"version": 6, "source_site": "site-b", "overwritten": lost}}
    sync = proxy.force_sync(GROUP, "secondary-to-primary")
    (_, _, body) = wire.sent[0]
    assert body == {"sync_force": {"force_direction": "secondary-to-primary"}}
    assert (sync.source_site, sync.overwritten) == ("site-b", lost)


def test_a_document_is_read_with_its_content(proxy, wire):
    wire.answer = {"document": {"version": 4, "members": []}, "checksum": "4e3", "version": 4}
    document = proxy.get_document(GROUP, "4e3")
    assert (document.id, document.version) == ("4e3", 4)
    assert document.content == {"version": 4, "members": []}


def test_without_a_project_nothing_is_asked(wire):
    with pytest.raises(exceptions.ConfigException, match="OS_PROJECT_NAME"):
        proxy_in(None, wire).protection_groups()
    assert wire.sent == []
