# SPDX-License-Identifier: Apache-2.0
"""What is found before anything is changed: all of it at once, by a check as by a failover."""

from typing import Any

import pytest
from functional.engine.world import GROUP, NETWORKS, World, context, minutes_ago

from protector import errors
from protector.cloud.base import Quota, Quotas
from protector.cloud.fake import FakeTenantCloud
from protector.db import documents, groups
from protector.domain.document import Drift, ServerGroup
from protector.domain.sync import Status
from protector.engine.readiness import check


@pytest.fixture
def protected(world: World) -> World:
    """Two VMs of two volumes each, and a complete snapshot."""
    world.protect("web1", "web2")
    return world


def checked(world: World, **arguments: Any) -> dict[str, Any]:
    return check(world.b.equipment, context(), world.group_id, arguments)


def told(world: World, **arguments: Any) -> list[tuple[str, str, str]]:
    """Return severity, subject and text of each finding."""
    return [
        (one["severity"], one["subject"], f"{one['finding']}. {one['remedy']}")
        for one in checked(world, **arguments)["findings"]
    ]


def only(world: World, **arguments: Any) -> tuple[str, str, str]:
    (finding,) = told(world, **arguments)
    return finding


# -- all is well ----------------------------------------------------------------------------------


def test_a_group_that_lacks_nothing_is_ready(protected: World) -> None:
    readiness = checked(protected)
    assert (readiness["ready"], readiness["findings"]) == (True, [])


def test_checking_changes_nothing(protected: World) -> None:
    before = (protected.leftovers(), protected.group.status, dict(protected.b.cloud.trusts))
    protected.b.cloud.manages = False
    checked(protected, networks={"web": "nowhere"})
    after = (protected.leftovers(), protected.group.status, dict(protected.b.cloud.trusts))
    assert after == before


def test_the_plan_is_what_the_failover_does(protected: World) -> None:
    plan = checked(protected)["plan"]
    operation = protected.fail_over()
    assert {phase["name"]: phase["steps"] for phase in plan["phases"]} == operation.plan
    made = {one.server.name: one.request for one in protected.b.cloud.made_servers.values()}
    assert [vm["name"] for vm in plan["vms"]] == sorted(made)
    for vm in plan["vms"]:
        (port,) = vm["ports"]
        assert port["mac_address"] == made[vm["name"]].ports[0].mac_address
        assert port["addresses"] == [made[vm["name"]].ports[0].fixed_addresses[0][1]]
        assert (port["network"], vm["flavor"]) == ("dr-web", "dr.small")
        assert len(vm["volumes"]) == len(made[vm["name"]].volumes)
    assert plan["snapshot"]["name"] in _detail(protected, operation.id, "identify_latest_snapshot")


def test_the_time_is_assumed_until_a_failover_has_shown_it(protected: World) -> None:
    estimate = checked(protected)["plan"]["estimate"]
    assert estimate["seconds"] > 30
    assert estimate["basis"].startswith("assumed, 30 seconds for a VM")

    protected.fail_over()
    estimate = checked(protected)["plan"]["estimate"]
    assert estimate["seconds"] < 30
    assert "by 2 that came up" in estimate["basis"]


def test_the_failover_records_the_warnings_and_goes_on(protected: World) -> None:
    protected.b.cloud.taken.add(_address(protected))
    (_, _, text) = only(protected)
    operation = protected.fail_over()
    assert operation.status == "completed"
    assert text in _detail(protected, operation.id, "validate_target_site")


# -- everything at once ---------------------------------------------------------------------------


def test_all_faults_are_told_at_once(world: World) -> None:
    world.create_group(flavors={}, networks=NETWORKS)
    web1 = world.add_server("web1", volumes=2)
    world.add_server("db1", network="db")
    world.add_server("web2")
    world.take_point(created=minutes_ago(40))
    world.add_server("late")
    world.b.cloud.manages = False
    world.b.cloud.limits = {"instances": 0, "ram": 128}
    world.b.cloud.taken.add(_address(world))
    world.b.cloud.add_flavor("tiny", vcpus=1, ram_mb=256)
    _let_drift(world, web1)
    _let_web1_want_what_is_not_there(world, web1)

    found = told(world, flavors={"m1.small": "tiny"}, networks={"db": "nowhere"})

    expected = [
        ("error", "site-b", "volume_extension:volume_manage"),
        ("error", "db1", "network nowhere, to which db is mapped, does not exist"),
        ("error", "late", "no replicated snapshot for volume late-0"),
        ("error", "web1", "security group gone does not exist on site-b"),
        ("error", "web2", "quota instances of the project on site-b has 0 left, and 1 are needed"),
        ("error", "web2", "quota ram of the project on site-b has 128 MiB left"),
        ("warning", GROUP, "more than twice the RPO of 15 minutes"),
        ("warning", "web1", f"address {_address(world)} is in use by port"),
        ("warning", "web1", "flavor tiny of site-b (1 vCPUs, 256 MiB) is smaller than m1.small"),
        ("warning", "web1", "keypair gone does not exist"),
        ("warning", "web1", "availability zone gone does not exist"),
        ("warning", "web1", "no server groups gone (affinity)"),
        ("warning", "web1", "it was renamed. Add it again"),
    ]
    for severity, subject, words in expected:
        assert [one for one in found if one[:2] == (severity, subject) and words in one[2]], words
    assert all(". " in text and not text.endswith(". ") for _, _, text in found)
    errors_first = [severity for severity, _, _ in found]
    assert errors_first == sorted(errors_first)

    operation = world.fail_over(flavors={"m1.small": "tiny"}, networks={"db": "nowhere"})
    assert world.failed_steps(operation) == ["validate_target_site"]
    for severity, _, words in expected:
        assert (words in (operation.error_message or "")) == (severity == "error")


# -- the site -------------------------------------------------------------------------------------


def test_cinder_that_lets_no_tenant_manage_is_an_error_with_the_rules(protected: World) -> None:
    protected.b.cloud.manages = False
    severity, subject, text = only(protected)
    assert (severity, subject) == ("error", "site-b")
    for rule in ("volume_manage", "volume_unmanage", "services:index"):
        assert f'"volume_extension:{rule}": "rule:admin_or_owner"' in text
    assert "/etc/cinder/policy.yaml on site-b" in text


def test_services_that_do_not_answer_are_named_once_each(
    protected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"keystone": None, "nova": "Connection refused", "neutron": None, "cinder": None}
    service = type(protected.b.cloud.as_service())
    monkeypatch.setattr(service, "check", lambda self: answers)
    refused = errors.CloudError(service="Nova", site="site-b", reason="Connection refused")
    protected.b.cloud.faults.set("inventory", refused)
    protected.b.array.down = True
    readiness = checked(protected)
    assert [one["finding"].split(":")[0] for one in readiness["findings"]] == [
        "Nova of site-b",
        "Array array-b cannot be reached",
    ]
    assert readiness["plan"]["vms"] == []


def test_a_site_without_a_replicated_volume_type_is_an_error(
    protected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = type(protected.b.cloud.as_service())
    monkeypatch.setattr(service, "volume_types", lambda self, kind: [])
    severity, _, text = only(protected)
    assert severity == "error"
    assert "openstack protector site list-volume-types site-b" in text


# -- quotas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quota", "enough", "option"),
    [
        ("instances", 2, "--instances 2"),
        ("cores", 2, "--cores 2"),
        ("ram", 2048, "--ram 2048"),
        ("ports", 2, "--ports 2"),
        ("volumes", 4, "--volumes 4"),
        ("gigabytes", 4, "--gigabytes 4"),
        ("volumes_replicated", 4, "--volumes 4 --volume-type replicated"),
        ("gigabytes_replicated", 4, "--gigabytes 4 --volume-type replicated"),
    ],
)
def test_a_vm_that_a_quota_has_no_room_for_is_named_and_the_others_come_up(
    protected: World, quota: str, enough: int, option: str
) -> None:
    protected.b.cloud.limits = {quota: enough}
    assert told(protected) == []
    protected.b.cloud.limits = {quota: enough - 1}
    severity, subject, text = only(protected)
    assert (severity, subject) == ("error", "web2")
    assert f"quota {quota} of the project on site-b has" in text
    assert f"openstack quota set {option} project-b" in text

    operation = protected.fail_over()
    assert protected.failed_steps(operation) == ["recreate_vm_web2"]
    assert protected.servers() == {"web1": "ACTIVE"}


def test_what_an_earlier_attempt_made_is_not_counted_again(protected: World) -> None:
    refuse = errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    protected.b.cloud.faults.set("recreate_server", refuse, times=1)
    protected.b.cloud.limits = {"instances": 2, "volumes": 4, "ports": 2}
    assert protected.fail_over().status == "failed"
    assert len(protected.b.cloud.made_volumes) == 4
    assert protected.fail_over().status == "completed"


@pytest.mark.parametrize("wish", [{"criticality": "optional"}, {"boot_priority": 4}])
def test_the_less_important_vm_is_the_one_that_has_no_room(
    protected: World, wish: dict[str, Any]
) -> None:
    first, second = protected.document().members
    _rewrite(protected, members=[first.model_copy(update=wish), second])
    protected.b.cloud.limits = {"instances": 1}
    severity, subject, _ = only(protected)
    assert (severity, subject) == ("error", "web1")


def test_a_vm_that_cannot_come_up_anyway_takes_no_room(world: World) -> None:
    world.create_group()
    world.add_server("db1", network="db")
    world.add_server("web1")
    world.take_point()
    world.b.cloud.limits = {"instances": 1}
    severity, subject, _ = only(world, networks={"db": "nowhere"})
    assert (severity, subject) == ("error", "db1")


def test_quotas_that_are_not_told_are_a_warning(
    protected: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Quotas({"cores": Quota(limit=99, used=0)}, {"Neutron": "Not found."})
    monkeypatch.setattr(FakeTenantCloud, "quotas", lambda self: silent)
    severity, _, text = only(protected)
    assert severity == "warning"
    assert "Neutron of site-b does not tell the project's quotas (Not found.)" in text


# -- addresses ------------------------------------------------------------------------------------


def test_an_address_that_another_port_has_is_a_warning_and_not_in_the_plan(
    protected: World,
) -> None:
    address = _address(protected)
    protected.b.cloud.taken.add(address)
    severity, subject, text = only(protected)
    assert (severity, subject) == ("warning", "web1")
    assert f"address {address} is in use by port someone's" in text
    assert "it gets another one" in text
    (port,) = checked(protected)["plan"]["vms"][0]["ports"]
    assert port["addresses"] == []


def test_a_mac_address_that_another_port_has_is_a_warning(protected: World) -> None:
    mac = protected.document().members[0].nics[0].mac_address
    protected.b.cloud.taken.add(mac)
    severity, subject, text = only(protected)
    assert (severity, subject) == ("warning", "web1")
    assert f"MAC address {mac} is in use" in text


# -- the data -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "words"), [(14, None), (16, "more than the RPO"), (31, "more than twice the RPO")]
)
def test_the_age_of_the_snapshot_is_held_against_the_rpo(
    world: World, age: int, words: str | None
) -> None:
    world.create_group()
    world.add_server("web1")
    world.take_point(created=minutes_ago(age))
    found = told(world)
    assert [severity for severity, _, _ in found] == (["warning"] if words else [])
    assert all(words in text for _, _, text in found if words)


def test_no_complete_snapshot_is_an_error_of_the_group(world: World) -> None:
    world.create_group()
    world.add_server("web1")
    world.take_point(progress=0.4)
    severity, subject, text = only(world)
    assert (severity, subject) == ("error", GROUP)
    assert "is at 40%" in text


# -- the document ---------------------------------------------------------------------------------


def test_a_peer_that_was_not_heard_of_is_a_warning(protected: World) -> None:
    with protected.b.sessions.begin() as session:
        groups.get(session, protected.group_id).remote_sync_status = Status.UNREACHABLE
    severity, subject, text = only(protected)
    assert (severity, subject) == ("warning", GROUP)
    assert "sync-status" in text


# -- what is told of one VM -----------------------------------------------------------------------


def _detail(world: World, operation_id: str, step: str) -> str:
    return world.b.steps(operation_id)[step].detail or ""


def _address(world: World) -> str:
    """Return the fixed address of the first VM."""
    return world.document().members[0].nics[0].fixed_addresses[0].ip_address


def _rewrite(world: World, **changes: Any) -> None:
    """Let both sites have a document that is otherwise."""
    for site in (world.a, world.b):
        with site.sessions.begin() as session:
            row = documents.in_force(session, world.group_id)
            row.body = row.document.model_copy(update=changes).model_dump_json()


def _let_drift(world: World, server_id: str) -> None:
    drift = Drift(server_id=server_id, server="web1", what="it was renamed", remedy="Add it again")
    _rewrite(world, drift=[drift])


def _let_web1_want_what_is_not_there(world: World, server_id: str) -> None:
    def other(member: Any) -> Any:
        if member.server_id != server_id:
            return member
        (nic,) = member.nics
        return member.model_copy(
            update={
                "nics": [nic.model_copy(update={"security_groups": ["gone"]})],
                "key_name": "gone",
                "availability_zone": "gone",
                "server_group": ServerGroup(name="gone", policy="affinity"),
            }
        )

    _rewrite(world, members=[other(member) for member in world.document(world.b).members])
