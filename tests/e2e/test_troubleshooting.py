# SPDX-License-Identifier: Apache-2.0
"""The failures the operator's guide lists: each names the thing, the place and the remedy.

Site-a lives on in these: a failover is forced all the same, as in a test of the procedure.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from testbed import scenario, shortcut
from testbed.operator import Operator
from testbed.protector import ENGINE
from testbed.testbed import Testbed

GROUP = scenario.GROUP
UNKNOWN_NETWORK = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def checkpoint(testbed: Testbed) -> str:
    """Alice's two servers, protected, with a complete snapshot on site-b: to be put back."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, [server.name for server in scenario.WEB_SERVERS])
    scenario.replicate(testbed)
    testbed.checkpoint("protected")
    return "protected"


@pytest.fixture
def protected(testbed: Testbed, checkpoint: str) -> Iterator[None]:
    """That, as nobody has touched it."""
    testbed.restore(checkpoint)
    for site in testbed.sites:
        testbed.start_service(site, ENGINE)
    yield
    testbed.control.clear_faults()


def fail_over(operator: Operator, *options: str) -> tuple[dict[str, Any], int]:
    """Fail over and wait; return the operation's record and the command's exit code."""
    failover = ("protector", "protection-group", "failover", GROUP, "--type", "unplanned")
    said = operator.openstack("site-b", *failover, *options, "--wait", check=False)
    newest = operator.json("site-b", "protector", "operation", "list")[0]["Operation ID"]
    record: dict[str, Any] = operator.json("site-b", "protector", "operation", "show", newest)
    return record, said.code


def group(operator: Operator, site: str = "site-b") -> dict[str, Any]:
    shown: dict[str, Any] = operator.json(site, "protector", "protection-group", "show", GROUP)
    return shown


def server_names(testbed: Testbed) -> set[str]:
    return {server.name for server in testbed.cloud("site-b").compute.servers()}


def leftovers(testbed: Testbed) -> dict[str, list[str]]:
    """Return what a failover that came to nothing has left on site-b."""
    cloud = testbed.cloud("site-b")
    return {
        "servers": [server.name for server in cloud.compute.servers()],
        "volumes": [volume.name for volume in cloud.block_storage.volumes()],
        "ports": [port.id for port in cloud.network.ports() if port.device_owner != "network:dhcp"],
        "array": testbed.control.live_volumes("flasharray-b"),
    }


def test_a_network_that_does_not_exist_costs_only_the_servers_on_it(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    options = scenario.mapping_options(testbed, networks={"web": "dr-web", "db": UNKNOWN_NETWORK})

    record, code = fail_over(operator, *options)

    assert code == 1
    assert record["status"] == "failed"
    assert record["steps_failed"] == ["recreate_vm_web-server-1"]
    for word in ("web-server-1", UNKNOWN_NETWORK, "openstack network list"):
        assert word in record["error_message"]
    assert "web-server-2" not in record["error_message"]
    assert server_names(testbed) == {"web-server-2"}
    assert group(operator)["status"] == "failed_over_partial"

    # The guide: correct the mappings and fail over again. Only what is missing is made.
    kept = testbed.cloud("site-b").compute.find_server("web-server-2").id
    record, code = fail_over(operator, *scenario.mapping_options(testbed))
    assert (record["status"], code) == ("completed", 0)
    assert server_names(testbed) == {"web-server-1", "web-server-2"}
    assert testbed.cloud("site-b").compute.find_server("web-server-2").id == kept
    assert len(list(testbed.cloud("site-b").block_storage.volumes())) == 3
    shown = group(operator)
    assert (shown["status"], shown["failover_count"]) == ("failed_over", 1)


def test_an_unmapped_flavor_is_named_before_anything_is_changed(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    options = scenario.mapping_options(testbed)
    networks_only = options[: options.index("--flavor-mapping")]

    record, code = fail_over(operator, *networks_only)

    assert code == 1
    assert record["steps_failed"] == ["validate_target_site"]
    for word in ("web-server-1", "web-server-2", "m1.large", "--flavor-mapping", "site-b"):
        assert word in record["error_message"]
    assert not any(leftovers(testbed).values())
    assert group(operator)["status"] == "active"


def test_a_volume_without_a_snapshot_costs_only_its_server(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    # No later snapshot reaches the other array.
    testbed.control.link_down()
    late = scenario.WebServer("late-server", {"web": "10.10.0.13"}, (1,))
    scenario.boot(testbed.cloud("site-a"), [late])
    add = ("protector", "protection-group", "member", "add", GROUP, "late-server")
    operator.openstack("site-a", *add)

    record, _ = fail_over(operator, *scenario.mapping_options(testbed))

    assert "recreate_vm_late-server" in record["steps_failed"]
    for word in ("late-server", "late-server-0", "flasharray-b", "snapshot"):
        assert word in record["error_message"]
    assert server_names(testbed) == {"web-server-1", "web-server-2"}
    assert group(operator)["status"] == "failed_over_partial"


@pytest.mark.at_length
def test_no_complete_snapshot_at_all_leaves_everything_as_it_was(
    testbed: Testbed, operator: Operator
) -> None:
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, [])
    testbed.control.link_down()
    shortcut.add_members(testbed, [server.name for server in scenario.WEB_SERVERS])

    record, _ = fail_over(operator, *scenario.mapping_options(testbed))

    assert record["steps_failed"] == ["validate_target_site"]
    for word in (GROUP, "flasharray-b", "300 seconds"):
        assert word in record["error_message"]
    assert not any(leftovers(testbed).values())
    assert group(operator)["status"] == "active"


@pytest.mark.at_length
def test_cinder_that_lets_no_tenant_manage_is_told_by_policy_and_file(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    with testbed.cinder_policy_missing("site-b"):
        record, _ = fail_over(operator, *scenario.mapping_options(testbed))
        assert "validate_target_site" in record["steps_failed"]
        for word in ("volume_extension:volume_manage", "/etc/cinder/policy.yaml", "site-b"):
            assert word in record["error_message"]
        assert not any(leftovers(testbed).values())
        assert group(operator)["status"] == "active"

    record, _ = fail_over(operator, *scenario.mapping_options(testbed))
    assert record["status"] == "completed"


@pytest.mark.at_length
def test_a_group_that_is_failing_over_is_not_failed_over_twice(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    failover = ("protector", "protection-group", "failover", GROUP, "--type", "unplanned")
    options = scenario.mapping_options(testbed)
    testbed.control.slow("flasharray-b", "/protection-group-snapshots", seconds=10)
    operator.openstack("site-b", *failover, *options)
    again = operator.openstack("site-b", *failover, *options, check=False)
    reset = ("protector", "protection-group", "reset-state", GROUP, "--state", "active")
    refused = operator.openstack("site-b", *reset, check=False)

    assert again.code == 1
    for word in (GROUP, "failing_over", "openstack protector operation list"):
        assert word in again.stderr
    assert refused.code == 1
    assert "--force" in refused.stderr


@pytest.mark.at_length
def test_signing_in_to_the_dead_site_says_where_to_go(testbed: Testbed, operator: Operator) -> None:
    testbed.kill("site-a")
    try:
        said = operator.openstack("site-a", "protector", "protection-group", "list", check=False)
    finally:
        testbed.start("site-a")
    assert said.code == 1
    for word in ("site-a", "127.0.1.1", "OS_CLOUD"):
        assert word in said.stderr
    assert "Traceback" not in said.stderr


def test_the_other_sites_credentials_are_told_whose_site_this_is(
    testbed: Testbed, operator: Operator
) -> None:
    token = testbed.cloud("site-a").auth_token
    answer = scenario.ask_protector(testbed, "site-b", token)
    assert answer.status_code == 401
    message = answer.json()["error"]["message"]
    for word in ("site-b", "OS_CLOUD=site-b", "openstack catalog show protector"):
        assert word in message


@pytest.mark.at_length
def test_a_failover_asked_at_the_wrong_site_goes_to_the_right_one_with_stored_mappings(
    testbed: Testbed, operator: Operator, protected: None
) -> None:
    mappings = [
        *("--network-mapping", "web=dr-web", "--network-mapping", "db=dr-db"),
        *("--flavor-mapping", "m1.large=m1.xlarge"),
    ]
    operator.openstack("site-a", "protector", "protection-group", "set", GROUP, *mappings)
    failover = ("protector", "protection-group", "failover", GROUP, "--type", "unplanned")
    said = operator.openstack("site-a", *failover, "--wait")
    assert "site-b" in said.stderr
    assert server_names(testbed) == {"web-server-1", "web-server-2"}
    assert group(operator)["status"] == "failed_over"
    # The other site is alive, so it knows at once.
    assert group(operator, "site-a")["current_primary_site"] == "site-b"
    assert group(operator)["remote_sync_status"] == "SYNCED"
