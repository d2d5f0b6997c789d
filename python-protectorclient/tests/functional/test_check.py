# SPDX-License-Identifier: Apache-2.0
"""Whether a group could be failed over now: a table of what is found, and then the plan."""

import json

import pytest

CHECK = "protector protection-group check prod-web-app"
DRY_RUN = "protector protection-group failover prod-web-app --type unplanned --dry-run"
WARNING = {
    "severity": "warning",
    "subject": "web-server-1",
    "finding": "address 10.10.0.11 is in use by port p1",
    "remedy": "To keep it, free it: openstack port show p1",
    "server_id": "vm-1",
}
ERROR = {
    "severity": "error",
    "subject": "web-server-2",
    "finding": "quota instances has 1 left, and 2 are needed",
    "remedy": "An administrator gives the project more",
    "server_id": "vm-2",
}


@pytest.fixture(autouse=True)
def group(sites):
    for site in sites.values():
        site.api.create(
            "acme-id",
            id="pg-1",
            name="prod-web-app",
            primary_site="site-a",
            secondary_site="site-b",
        )


@pytest.mark.parametrize("command", [CHECK, DRY_RUN])
def test_a_ready_group_is_told_with_the_plan(openstack, sites, command):
    ran = openstack(command)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "Nothing is in the way of a failover of prod-web-app.",
        "",
        "A failover would do this:",
        "  Snapshot cg.6 of 2025-06-15T03:42:11Z",
        "  Expected RPO: 42 seconds",
        "  VM web-server-1: flavor m1.xlarge",
        "    network dr-web: 10.10.0.11, MAC fa:16:3e:00:00:01",
        "    network dr-db: another address, MAC another one",
        "    volumes web-server-1-0, web-server-1-1",
        "  preparation: validate_target_site, create_dr_operation_record",
        "  storage_failover: identify_latest_snapshot, promote_volumes_from_snapshot,"
        " manage_volumes_into_cinder",
        "  instance_recreation: recreate_vm_web-server-1, recreate_vm_web-server-2",
        "  finalization: finalization",
        "Estimated time: 97 seconds (assumed, 30 seconds for a VM)",
    ]
    assert sites["site-b"].api.operations == {}


@pytest.mark.parametrize("command", [CHECK, DRY_RUN])
def test_findings_are_a_table_and_an_error_is_the_exit_code(openstack, sites, command):
    sites["site-b"].api.findings = [ERROR, WARNING]
    ran = openstack(command)
    assert ran.code == 1
    assert ran.err.strip() == "Protection group prod-web-app is not ready to fail over."
    for word in ("Severity", "Subject", "Finding", "Remedy", *ERROR.values()):
        assert word in ran.out or word in ERROR["server_id"]
    assert "A failover would do this:" in ran.out


def test_a_warning_alone_is_no_failure(openstack, sites):
    sites["site-b"].api.findings = [WARNING]
    assert openstack(CHECK).code == 0


@pytest.mark.parametrize("command", [CHECK, DRY_RUN])
def test_json_has_all_of_it_in_one_object(openstack, sites, command):
    sites["site-b"].api.findings = [ERROR]
    ran = openstack(command, "-f json")
    assert ran.code == 1
    told = json.loads(ran.out)
    assert told["ready"] is False
    assert told["findings"] == [ERROR]
    assert told["plan"]["snapshot"]["rpo_seconds"] == 42
    assert told["plan"]["vms"][0]["ports"][0]["network"] == "dr-web"


def test_mappings_that_are_given_hold_for_the_check(openstack, sites):
    openstack(CHECK, "--network-mapping web=dr-web --flavor-mapping m1.large=m1.xlarge")
    (asked,) = sites["site-b"].api.asked
    assert asked["failover"]["dry_run"] is True
    assert asked["failover"]["network_mapping"] == {"web": "dr-web"}
    assert asked["failover"]["flavor_mapping"] == {"m1.large": "m1.xlarge"}


def test_a_check_asked_at_the_wrong_site_goes_to_the_right_one(openstack, sites):
    sites["site-a"].api.right_site = "site-b"
    ran = openstack(DRY_RUN, cloud="site-a")
    assert ran.code == 0
    assert "Doing that for you" in ran.err


def test_waiting_for_what_is_not_done_makes_no_sense(openstack):
    assert openstack(DRY_RUN, "--wait").code == 2
