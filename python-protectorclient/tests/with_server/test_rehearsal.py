# SPDX-License-Identifier: Apache-2.0
"""Tests of a failover, and older snapshots, as an operator meets them."""

import pytest

GROUP = "protector protection-group"
TEST = f"{GROUP} test-failover prod-web-app --flavor-mapping m1.small=dr.small"
CLEAN_UP = f"{GROUP} test-cleanup prod-web-app"
FAILOVER = (
    f"{GROUP} failover prod-web-app --type unplanned --network-mapping web=dr-web"
    " --flavor-mapping m1.small=dr.small"
)
LAST_TEST = ("last_test_result", "last_test_outdated", "status")


def shown(openstack, *fields):
    group = openstack(f"{GROUP} show prod-web-app -f json").json
    return tuple(group[field] for field in fields)


def test_a_group_is_tested_and_cleaned_up(openstack, world, protected):
    ran = openstack(TEST, "--wait")
    assert ran.code == 0, ran.err
    operation = dict(ran.rows)
    assert (operation["operation_type"], operation["status"]) == ("test_failover", "completed")
    assert "100% completed" in ran.err
    assert set(world.servers()) == {"test-web-server-1", "test-web-server-2"}
    assert shown(openstack, *LAST_TEST) == ("passed", False, "testing")
    (rto,) = shown(openstack, "last_test_rto_seconds")
    assert 0 <= rto < 60

    refused = openstack(TEST)
    assert refused.code == 1
    assert "test-cleanup prod-web-app" in refused.err

    cleaned = openstack(CLEAN_UP, "--wait -f json").json
    assert (cleaned["status"], cleaned["error_message"]) == ("completed", None)
    assert world.servers() == {}
    assert world.b.cloud.made_networks == {}
    assert shown(openstack, *LAST_TEST) == ("passed", False, "active")

    openstack(f"{GROUP} set prod-web-app --description changed", cloud="site-a")
    assert shown(openstack, *LAST_TEST) == ("passed", True, "active")
    assert (
        openstack(f"{GROUP} show prod-web-app -f json", cloud="site-a").json["status"] == "active"
    )

    nothing = openstack(CLEAN_UP)
    assert nothing.code == 1
    assert "no test of protection group prod-web-app on site-b" in nothing.err


def test_the_names_and_the_time_are_the_operators(openstack, world, protected):
    ran = openstack(TEST, "--name-prefix drill- --keep 2 --wait")
    assert ran.code == 0, ran.err
    assert set(world.servers()) == {"drill-web-server-1", "drill-web-server-2"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--probe web-server-1=ssh", "'ssh' is no probe"),
        ("--probe nobody=tcp:22", "nobody is not a member"),
        ("--keep 0", "keep_hours"),
        ("--name-prefix /", "prefix"),
        ("--snapshot x --before 2025-06-15T03:40:00Z", "not allowed with"),
        ("--before yesterday", "is no time"),
        ("--before 2025-06-15T03:40:00", "is no time with its time zone"),
    ],
)
def test_what_is_not_meant_so_is_refused_before_anything_begins(
    openstack, world, protected, option, said
):
    ran = openstack(TEST, option)
    assert ran.code != 0
    assert said in ran.err
    assert openstack("protector operation list -f json").json == []
    assert shown(openstack, "status") == ("active",)


def test_a_dry_run_tells_the_plan_of_the_test(openstack, world, protected):
    told = openstack(TEST, "--dry-run -f json").json
    planned = [step for phase in told["plan"]["phases"] for step in phase["steps"]]
    assert told["ready"]
    done = openstack(TEST, "--wait -f json").json
    assert sorted(done["steps_completed"]) == sorted(planned)


def test_a_test_goes_to_the_right_site_by_itself(openstack, protected):
    ran = openstack(TEST, "--wait -f json", cloud="site-a")
    assert ran.json["target_site"] == "site-b"
    assert "is done on site-b; this is site-a" in ran.err


def test_a_failover_goes_ahead_during_a_test(openstack, world, protected):
    openstack(TEST, "--wait")
    world.lose_a()
    assert openstack(FAILOVER, "--wait").code == 0
    assert len(world.servers()) == 4
    assert openstack(CLEAN_UP, "--wait").code == 0
    assert set(world.servers()) == {"web-server-1", "web-server-2"}
    assert shown(openstack, "status") == ("failed_over",)


def test_a_cleanup_is_not_cancelled(openstack, world, protected):
    openstack(TEST, "--wait")
    world.b.cloud.foreign[next(iter(world.b.cloud.made_networks.values())).network.id] = "port p-9"
    failed = openstack(CLEAN_UP, "--wait")
    assert failed.code == 1
    assert "port p-9" in failed.err
    newest = openstack("protector operation list -f json").json[0]["Operation ID"]
    refused = openstack(f"protector operation cancel {newest}")
    assert "only goes forward" in refused.err
    world.b.cloud.foreign.clear()
    assert openstack(CLEAN_UP, "--wait").code == 0
    assert shown(openstack, "status") == ("active",)


def test_a_group_that_is_tested_is_still_edited_at_its_primary_site(openstack, world, protected):
    openstack(TEST, "--wait")
    assert openstack(f"{GROUP} set prod-web-app --rpo-minutes 20", cloud="site-a").code == 0
    assert shown(openstack, "rpo_minutes", "status", "remote_sync_status") == (
        20,
        "testing",
        "SYNCED",
    )


# -- older points -----------------------------------------------------------------------------


def test_snapshots_are_listed_and_an_older_one_is_recovered(openstack, world, protected):
    world.take_point()
    newest, oldest = openstack(f"{GROUP} snapshot list prod-web-app -f json").json
    assert (newest["Complete"], newest["Progress"], newest["Size"]) == (True, 100, 2**30)
    assert newest["Age"] <= oldest["Age"]
    table = openstack(f"{GROUP} snapshot list prod-web-app")
    assert "1 GiB" in table.out
    assert "0:00:0" in table.out

    at_a = openstack(f"{GROUP} snapshot list prod-web-app -f json", cloud="site-a")
    assert [one["Name"] for one in at_a.json] == [newest["Name"], oldest["Name"]]
    assert "is done on site-b; this is site-a" in at_a.err

    unknown = openstack(FAILOVER, "--snapshot none-such --dry-run")
    assert unknown.code == 1
    assert oldest["Name"] in "".join(unknown.out.split()).replace("|", "")
    world.lose_a()
    done = openstack(FAILOVER, f"--snapshot {oldest['Name']} --wait -f json").json
    details = {step["name"]: step["detail"] for step in done["steps"]}
    assert oldest["Name"] in details["identify_latest_snapshot"]
