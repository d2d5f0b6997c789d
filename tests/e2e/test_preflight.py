# SPDX-License-Identifier: Apache-2.0
"""A check on a quiet day: real quotas, a real policy and an address that is taken.

The tests share one group, which none but the last one fails over.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed import scenario, shortcut
from testbed.operator import Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
CHECK = ("protector", "protection-group", "check", GROUP)
FAIL_OVER = ("protector", "protection-group", "failover", GROUP, "--type", "unplanned")
# It lies in no subnet of dr-db, in any weather.
ELSEWHERE = "10.20.0.11"


@pytest.fixture(scope="module")
def protected(testbed: Testbed, operator: Operator) -> None:
    """Alice's two servers, protected, with a complete snapshot on site-b."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, [server.name for server in scenario.WEB_SERVERS])
    scenario.replicate(testbed)


@pytest.fixture
def tight(testbed: Testbed, protected: None) -> Iterator[None]:
    """Room for one of the servers on site-b, and its address taken."""
    admin, tenant = testbed.cloud("site-b-admin"), testbed.cloud("site-b")
    project = tenant.current_project_id
    admin.set_compute_quotas(project, instances=1)
    admin.set_volume_quotas(project, volumes=2)
    port = tenant.network.create_port(
        network_id=tenant.network.find_network("dr-web", ignore_missing=False).id,
        fixed_ips=[{"ip_address": "10.10.0.11"}],
    )
    yield
    tenant.network.delete_port(port)
    admin.delete_compute_quotas(project)
    admin.delete_volume_quotas(project)


def told(testbed: Testbed, operator: Operator, *command: str) -> tuple[dict[str, Any], int]:
    """Return the readiness and the exit code."""
    options = scenario.mapping_options(testbed)
    said = operator.openstack("site-b", *command, *options, "-f", "json", check=False)
    readiness: dict[str, Any] = json.loads(said.stdout)
    return readiness, said.code


def texts(readiness: dict[str, Any], severity: str) -> list[str]:
    return [
        f"{one['subject']}: {one['finding']}. {one['remedy']}"
        for one in readiness["findings"]
        if one["severity"] == severity
    ]


def test_a_ready_group_is_told_its_plan_by_either_command(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    readiness, code = told(testbed, operator, *CHECK)
    again, _ = told(testbed, operator, *FAIL_OVER, "--dry-run")

    assert (readiness["ready"], code) == (True, 0)
    assert readiness["findings"] == again["findings"]
    (warning,) = texts(readiness, "warning")
    assert ELSEWHERE in warning
    one, other = readiness["plan"]["vms"]
    assert (one["name"], one["flavor"]) == ("web-server-1", "m1.xlarge")
    assert [port["addresses"] for port in one["ports"]] == [["10.10.0.11"], []]
    assert [port["network"] for port in other["ports"]] == ["dr-web"]
    assert readiness["plan"]["snapshot"]["rpo_seconds"] < 300


def test_all_that_stands_in_the_way_is_told_at_once_and_nothing_is_made(
    testbed: Testbed, operator: Operator, tight: None
) -> None:
    before = len(list(testbed.cloud("site-b").block_storage.volumes()))
    with testbed.cinder_policy_missing("site-b"):
        readiness, code = told(testbed, operator, *CHECK)

    assert (readiness["ready"], code) == (False, 1)
    policy, volumes, instances = texts(readiness, "error")
    for word in ("volume_extension:volume_manage", "/etc/cinder/policy.yaml on site-b"):
        assert word in policy
    assert "web-server-2: quota instances of the project on site-b has 0 left" in instances
    assert "openstack quota set --instances 2" in instances
    assert "web-server-2: quota volumes of the project on site-b has 0 left" in volumes
    elsewhere, taken = texts(readiness, "warning")
    assert ELSEWHERE in elsewhere
    assert "web-server-1: address 10.10.0.11 is in use by port" in taken
    assert len(list(testbed.cloud("site-b").block_storage.volumes())) == before
    assert list(testbed.cloud("site-b").compute.servers()) == []


def test_the_failover_does_as_the_check_has_told(
    testbed: Testbed, operator: Operator, tight: None
) -> None:
    readiness, _ = told(testbed, operator, *CHECK)
    options = scenario.mapping_options(testbed)
    operator.openstack("site-b", *FAIL_OVER, *options, "--wait", check=False)
    newest = operator.json("site-b", "protector", "operation", "list")[0]["Operation ID"]
    record = operator.json("site-b", "protector", "operation", "show", newest)

    servers = [server.name for server in testbed.cloud("site-b").compute.servers()]
    assert servers == [vm["name"] for vm in readiness["plan"]["vms"]] == ["web-server-1"]
    assert record["steps_failed"] == ["recreate_vm_web-server-2"]
    *quotas, next_command = record["error_message"].splitlines()
    for line in quotas:
        assert line.startswith("VM web-server-2: quota ")
    assert next_command.endswith(f"openstack protector operation retry {newest}")
    (validated,) = [step for step in record["steps"] if step["name"] == "validate_target_site"]
    assert "address 10.10.0.11 is in use by port" in validated["detail"]
