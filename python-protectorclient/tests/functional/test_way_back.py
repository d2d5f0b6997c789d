# SPDX-License-Identifier: Apache-2.0
"""Reprotect and failback, as they are typed."""

import json

import pytest

GROUP = "protector protection-group"
FAILBACK = f"{GROUP} failback prod-web-app"


@pytest.fixture
def group(sites):
    for site in sites.values():
        site.api.create(
            "acme-id",
            id="pg-1",
            name="prod-web-app",
            primary_site="site-a",
            secondary_site="site-b",
        )


def test_a_group_is_protected_the_other_way_round(openstack, sites, group):
    ran = openstack(f"{GROUP} reprotect prod-web-app --wait -f json", cloud="site-b")
    assert ran.code == 0
    shown = json.loads(ran.out)
    assert (shown["operation_type"], shown["status"]) == ("reprotect", "completed")
    assert sites["site-b"].api.asked == [{"reprotect": {}}]


def test_without_wait_the_operation_is_told_at_once(openstack, sites, group):
    shown = json.loads(openstack(f"{FAILBACK} -f json", cloud="site-a").out)
    assert (shown["operation_type"], shown["status"]) == ("failback", "running")


def test_mappings_that_are_given_are_asked_for(openstack, sites, group):
    options = "--network-mapping dr-web=web --flavor-mapping m1.xlarge=m1.large"
    assert openstack(f"{FAILBACK} {options} --wait", cloud="site-a").code == 0
    assert sites["site-a"].api.asked == [
        {
            "failback": {
                "network_mapping": {"dr-web": "web"},
                "flavor_mapping": {"m1.xlarge": "m1.large"},
            }
        }
    ]


def test_what_is_not_protected_is_first_where_it_runs(openstack, sites, group):
    sites["site-a"].api.not_reprotected_at = sites["site-b"].api
    ran = openstack(f"{FAILBACK} --wait -f json", cloud="site-a")
    assert ran.code == 0
    assert "Doing that for you" in ran.err
    assert [next(iter(asked)) for asked in sites["site-b"].api.asked] == ["reprotect"]
    assert json.loads(ran.out)["operation_type"] == "failback"


def test_when_that_fails_there_is_no_failback(openstack, sites, group):
    sites["site-a"].api.not_reprotected_at = sites["site-b"].api
    sites["site-b"].api.fault = "The arrays are not connected."
    ran = openstack(f"{FAILBACK} --wait", cloud="site-a")
    assert ran.code == 1
    assert "The arrays are not connected." in ran.err
    assert sites["site-a"].api.operations == {}


def test_a_failback_that_fails_says_why(openstack, sites, group):
    sites["site-a"].api.fault = "VM web-server-1: no valid host."
    ran = openstack(f"{FAILBACK} --wait", cloud="site-a")
    assert ran.code == 1
    assert "VM web-server-1: no valid host." in ran.err


def test_a_failback_can_be_thought_through(openstack, sites, group):
    ran = openstack(f"{FAILBACK} --dry-run", cloud="site-a")
    assert ran.code == 0
    assert "Nothing is in the way of a failback of prod-web-app." in ran.out
    assert "A failback would do this:" in ran.out
    assert sites["site-a"].api.operations == {}


@pytest.mark.parametrize("command", ["reprotect", "failback"])
def test_the_help_teaches(openstack, command):
    ran = openstack(f"{GROUP} {command} --help")
    for word in ("Example:", "--wait", "export OS_CLOUD="):
        assert word in ran.out
