# SPDX-License-Identifier: Apache-2.0
"""What goes wrong is told in a sentence that names the thing and the remedy."""

import pytest
from werkzeug.wrappers import Response

FAILOVER = "protector protection-group failover prod-web-app --type unplanned"


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


def told(ran):
    assert ran.code == 1
    assert "Traceback" not in ran.err
    return ran.err.strip()


def test_a_site_that_is_down(openstack, sites):
    sites["site-a"].down()
    assert told(openstack("protector protection-group list", cloud="site-a")) == (
        f"Cannot sign in to site-a ({sites['site-a'].url}/v3): no Keystone answers there. If"
        " you mean the other site, go there: export OS_CLOUD=site-b"
    )


def test_credentials_of_the_wrong_site(openstack, sites, monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "of-the-other-site")
    assert told(openstack("protector protection-group list")) == (
        f"Cannot sign in to site-b ({sites['site-b'].url}/v3): it does not accept alice"
        " with that password or project. If you mean the other site, go there:"
        " export OS_CLOUD=site-a"
    )


def test_no_site_at_all(openstack):
    assert "Say to which cloud: export OS_CLOUD=site-a or export OS_CLOUD=site-b" in told(
        openstack("protector protection-group list", cloud="")
    )


def test_a_cloud_without_protector(openstack, sites):
    sites["site-b"].keystone.has_protector = False
    assert told(openstack("protector protection-group list")) == (
        "No Protector endpoint in the catalog of site-b; check: openstack catalog show protector"
    )


def test_a_protector_that_does_not_answer(openstack, sites):
    sites["site-b"].keystone.protector_url = "http://127.0.0.1:9"
    assert told(openstack("protector protection-group list")) == (
        "Protector of site-b does not answer. Look for its endpoint: openstack catalog show"
        " protector. Then check the service there: systemctl status protector-api"
    )


def test_an_answer_that_is_not_from_protector(openstack, sites):
    sites["site-b"].api.groups = lambda request, project: Response("<h1>Bad Gateway</h1>", 502)
    assert told(openstack("protector protection-group list")).startswith(
        "Protector of site-b gave an answer that is not its own: HttpException: 502"
    )


def test_an_unknown_group(openstack):
    assert told(openstack("protector protection-group show nosuch")) == (
        "No protection group nosuch. See: openstack protector protection-group list"
    )


def test_a_refusal_is_told_in_the_words_of_the_server(openstack, group):
    assert told(openstack("protector protection-group member add prod-web-app nosuch")) == (
        "No server nosuch in your project on site-a. See: openstack server list"
    )


def test_a_name_that_two_groups_have(openstack, sites, group):
    sites["site-b"].api.create(
        "acme-id", id="pg-2", name="prod-web-app", primary_site="site-a", secondary_site="site-b"
    )
    assert "More than one protection group is named prod-web-app" in told(
        openstack("protector protection-group show prod-web-app")
    )
    assert openstack("protector protection-group show pg-2 -f json").json["id"] == "pg-2"


@pytest.mark.parametrize("mapping", ["web", "web=", "=dr-web"])
def test_a_malformed_mapping(openstack, group, sites, mapping):
    ran = openstack(FAILOVER, "--network-mapping", mapping)
    assert ran.code == 2
    assert f"{mapping!r} is not a mapping. Write it as <primary-network>=<secondary-network>" in (
        " ".join(ran.err.split())
    )
    assert sites["site-b"].api.asked == []


def test_a_network_mapped_twice(openstack, group):
    ran = openstack(FAILOVER, "--network-mapping web=dr-web --network-mapping web=dr-db")
    assert "web is mapped twice: to dr-web and to dr-db" in ran.err


def test_the_other_site_cannot_be_reached_for_synchronization(openstack, sites, group):
    sites["site-b"].api.peer_error = "Connection timeout"
    ran = openstack("protector protection-group sync-force prod-web-app")
    assert told(ran) == "site-a cannot be reached from site-b: Connection timeout."
    assert ran.out.split("\n\n") == [
        "Force Sync Initiated...",
        "Checking remote site connectivity...\n❌ site-a is not reachable: Connection timeout\n",
    ]


def test_text_cannot_be_cut_into_columns(openstack, sites, group):
    ran = openstack("protector protection-group sync-force prod-web-app -c version")
    assert "-c chooses among the fields of -f json, yaml, value or shell" in told(ran)
    assert sites["site-b"].api.asked == []


def test_failover_asked_at_the_wrong_site_goes_to_the_right_one(openstack, sites, group):
    sites["site-a"].api.right_site = "site-b"
    ran = openstack(FAILOVER, "-f json", cloud="site-a")
    assert ran.json["target_site"] == "site-b"
    assert "is done on site-b; this is site-a" in ran.err
    assert "your clouds.yaml has it" in ran.err


def test_failover_asked_at_the_wrong_site_when_the_right_one_is_unknown(openstack, sites, group):
    sites["site-a"].api.right_site = "site-c"
    assert told(openstack(FAILOVER, cloud="site-a")).endswith("Go there: export OS_CLOUD=site-c")


def test_a_failed_failover_that_was_waited_for_exits_with_1(openstack, sites, group):
    fault = "web-server-2: no flavor m1.large on site-b. Map it: --flavor-mapping m1.large=<flavor>"
    sites["site-b"].api.fault = fault
    ran = openstack(FAILOVER, "--wait")
    assert told(ran).endswith(fault)
    assert "| failed " in ran.out
    assert "instance_recreation: recreate_vm_web-server-1\n" in ran.err
    (operation,) = sites["site-b"].api.operations
    assert openstack(f"protector operation show {operation}").code == 0
