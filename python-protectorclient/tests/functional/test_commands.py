# SPDX-License-Identifier: Apache-2.0
"""Every other command, as an administrator and a tenant type them."""

import pytest

from protectorclient.osc import plugin


@pytest.fixture
def group(sites):
    return sites["site-b"].api.create(
        "acme-id",
        name="prod-web-app",
        primary_site="site-a",
        secondary_site="site-b",
        network_mapping={"web": "dr-web"},
    )


def test_a_site_is_registered_with_a_password_from_a_file(openstack, sites, tmp_path):
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    site = openstack(
        "protector site create site-a --auth-url http://192.0.2.10:5000/v3 --username protector",
        "--project-name service --password-file",
        str(password),
        "-f json",
    ).json
    assert site["name"] == "site-a"
    assert site["local"] is False
    assert "s3cret" not in str(site)
    assert sites["site-b"].api.passwords == {"site-a": "s3cret"}


def test_a_password_is_asked_for_only_on_a_terminal(openstack, sites):
    ran = openstack(
        "protector site create site-a --auth-url http://192.0.2.10 --username protector"
    )
    assert ran.code == 1
    assert "No terminal detected" in ran.err
    assert sites["site-b"].api.sites == {}


def test_a_password_file_that_is_not_there(openstack, tmp_path):
    ran = openstack("protector site set site-a --password-file", str(tmp_path / "none"))
    assert ran.err.startswith("Cannot read the password in ")
    assert ran.err.endswith("No such file or directory\n")


def test_a_site_is_listed_changed_validated_and_forgotten(openstack):
    openstack("protector site create site-b --auth-url http://192.0.2.20:5000/v3")
    assert openstack("protector site set site-b --description surviving").code == 0
    assert openstack("protector site show site-b -f value -c description").lines == ["surviving"]
    validated = openstack("protector site validate site-b -f json").json
    assert validated["checks"] == [
        {"name": "keystone", "result": "ok"},
        {"name": "protector", "result": "ok"},
    ]
    (listed,) = openstack("protector site list -f json").json
    assert (listed["Name"], listed["Local"], listed["Status"]) == ("site-b", True, "active")
    types = openstack("protector site list-volume-types site-b -f json").json
    assert types == [
        {
            "ID": "t1",
            "Name": "replicated",
            "Backend": "site-a@flasharray",
            "Replication Type": "async",
        }
    ]
    assert openstack("protector site delete site-b").code == 0
    assert "No site site-b is registered" in openstack("protector site show site-b").err


def test_projects_are_paired_and_parted(openstack):
    mapping = openstack(
        "protector tenant-mapping create --project acme --peer-site site-a --peer-project p2",
        "-f json",
    ).json
    assert (mapping["project_id"], mapping["peer_project_id"]) == ("acme-id", "p2")
    shown = openstack("protector tenant-mapping show", mapping["id"], "-f json").json
    assert shown == mapping
    (listed,) = openstack("protector tenant-mapping list -f json").json
    assert listed["Peer Site"] == "site-a"
    assert openstack("protector tenant-mapping delete", mapping["id"]).code == 0
    assert openstack("protector tenant-mapping list -f json").json == []


def test_an_unknown_project_is_not_paired(openstack):
    ran = openstack(
        "protector tenant-mapping create --project nosuch --peer-site site-a --peer-project p2"
    )
    assert ran.err.startswith("No project nosuch here")


def test_a_group_is_created_with_mappings_and_policy(openstack):
    group = openstack(
        "protector protection-group create prod-db --primary-site site-a --secondary-site site-b",
        "--network-mapping web=dr-web --network-mapping db=dr-db",
        "--flavor-mapping m1.large=m1.xlarge",
        "--rpo-minutes 30 --replication-interval 600 --fencing report -f json",
    ).json
    assert group["fencing"] == "report"
    assert group["network_mapping"] == {"web": "dr-web", "db": "dr-db"}
    assert group["flavor_mapping"] == {"m1.large": "m1.xlarge"}
    policy = openstack("protector protection-group policy-show prod-db -f json").json
    assert policy == {"rpo_minutes": 30, "replication_interval": 600}


def test_groups_are_listed_by_status(openstack, group):
    (listed,) = openstack("protector protection-group list --status active -f json").json
    assert listed["Name"] == "prod-web-app"
    assert listed["Current Primary Site"] == "site-a"
    assert openstack("protector protection-group list --status error -f json").json == []


def test_a_group_is_changed(openstack, group, sites):
    openstack(
        "protector protection-group set prod-web-app --network-mapping db=dr-db",
        "--rpo-minutes 5 --description web --fencing report",
    )
    shown = openstack("protector protection-group show prod-web-app -f json").json
    assert shown["network_mapping"] == {"web": "dr-web", "db": "dr-db"}
    assert (shown["rpo_minutes"], shown["description"]) == (5, "web")
    assert shown["fencing"] == "report"
    openstack(
        "protector protection-group set prod-web-app --no-network-mapping",
        "--network-mapping db=other",
    )
    shown = openstack("protector protection-group show prod-web-app").out
    assert "| db=other " in shown
    assert "dr-web" not in shown


def test_what_became_of_vms_of_a_site_that_came_back_is_shown(openstack, group):
    fenced = {
        "subject": "s1",
        "what": "VM web-server-1 (s1) was running and was stopped",
        "at": "2025-06-15T05:00:00Z",
    }
    group["fenced"] = [fenced, fenced | {"what": "VM web-server-2 (s2) is off"}]
    shown = dict(openstack("protector protection-group show prod-web-app").rows)
    assert shown["fencing"] == "stop"
    assert shown["fenced"] == (
        "VM web-server-1 (s1) was running and was stopped (2025-06-15T05:00:00Z)"
        " VM web-server-2 (s2) is off (2025-06-15T05:00:00Z)"
    )
    assert (
        openstack("protector protection-group show prod-web-app -f json").json["fenced"]
        == (group["fenced"])
    )


DRIFT = {
    "server_id": "s1",
    "server": "web-server-1",
    "what": "Volume data-3 of web-server-1 is not replicated.",
    "remedy": "openstack server remove volume web-server-1 data-3",
}


@pytest.mark.parametrize("command", ["show prod-web-app", "list"])
def test_drift_is_told_loudly_beside_the_output(openstack, group, command):
    group["drift"] = [DRIFT, DRIFT | {"what": "VM web-server-1 is 100% gone"}]
    ran = openstack(f"protector protection-group {command} -f json")
    assert ran.err.splitlines() == [
        "WARNING: prod-web-app: Volume data-3 of web-server-1 is not replicated."
        " openstack server remove volume web-server-1 data-3",
        "WARNING: prod-web-app: VM web-server-1 is 100% gone."
        " openstack server remove volume web-server-1 data-3",
    ]
    assert "prod-web-app" in str(ran.json)


def test_drift_is_a_row_of_the_group(openstack, group):
    quiet = openstack("protector protection-group show prod-web-app")
    assert quiet.err == ""
    group["drift"] = [DRIFT]
    shown = dict(openstack("protector protection-group show prod-web-app").rows)
    assert shown["drift"] == f"{DRIFT['what']} {DRIFT['remedy']}"
    fields = [field for field, _ in quiet.rows]
    assert fields[fields.index("members") :][:4] == ["members", "fencing", "fenced", "drift"]
    assert openstack("protector protection-group show prod-web-app -f json").json["drift"] == (
        [DRIFT]
    )


def test_members_come_and_go(openstack, group, sites):
    sites["site-b"].api.servers["web-server-1"] = {
        "server_id": "s1",
        "name": "web-server-1",
        "flavor": "m1.large",
        "networks": ["web"],
        "volumes": [{"id": "v1", "name": "root"}],
        "status": "protected",
    }
    added = openstack(
        "protector protection-group member add prod-web-app web-server-1 -f json"
    ).json
    assert added["server_id"] == "s1"
    assert "web-server-1" in openstack("protector protection-group show prod-web-app").out
    listed = openstack("protector protection-group member list prod-web-app")
    (line,) = [line for line in listed.lines if "web-server-1" in line]
    told = [cell.strip() for cell in line.strip("|").split("|")]
    assert told[:6] == ["s1", "web-server-1", "m1.large", "web", "root", "protected"]
    assert told[6:] == ["3", "critical", "None"]
    openstack("protector protection-group member remove prod-web-app web-server-1")
    assert openstack("protector protection-group member list prod-web-app -f json").json == []
    ran = openstack("protector protection-group member remove prod-web-app web-server-1")
    assert "Server web-server-1 is not a member of protection group prod-web-app" in ran.err


@pytest.fixture
def database(group, sites):
    sites["site-b"].api.servers["db-server-1"] = {
        "server_id": "s1",
        "name": "db-server-1",
        "flavor": "m1.large",
        "networks": ["db"],
        "volumes": [],
        "status": "protected",
    }


def test_how_a_member_is_recovered_is_said_changed_and_shown(openstack, database):
    added = openstack(
        "protector protection-group member add prod-web-app db-server-1 --boot-priority 1",
        "--wait-port 5432 -f json",
    ).json
    assert (added["boot_priority"], added["wait_port"]) == (1, 5432)
    set_it = "protector protection-group member set prod-web-app db-server-1"
    assert openstack(set_it, "--criticality optional --no-wait-port").code == 0
    shown = openstack("protector protection-group member show prod-web-app db-server-1 -f json")
    assert shown.json["criticality"] == "optional"
    assert (shown.json["boot_priority"], shown.json["wait_port"]) == (1, None)


def test_boot_priorities_are_from_one_to_five(openstack, database):
    add = "protector protection-group member add prod-web-app db-server-1"
    ran = openstack(add, "--boot-priority 6")
    assert ran.code == 2
    assert "invalid choice: 6" in ran.err


def test_a_server_that_is_no_member_is_not_set(openstack, database):
    ran = openstack("protector protection-group member set prod-web-app web-9 --boot-priority 1")
    assert ran.err.startswith("Server web-9 is not a member of protection group prod-web-app")


def test_a_consistency_group_shows_its_snapshots(openstack, group):
    shown = openstack("protector consistency-group show prod-web-app -f json").json
    assert list(shown)[:3] == ["protection_group", "role", "array"]
    assert [snapshot["name"] for snapshot in shown["snapshots"]] == ["cg.7", "cg.6"]
    table = openstack("protector consistency-group show prod-web-app").out
    assert "| cg.7: 2025-06-15T03:42:11Z, incomplete, 40%, 3 volumes" in table
    assert "| cg.6: 2025-06-15T03:42:11Z, complete, 3 volumes" in table


def test_operations_are_listed_by_group(openstack, group):
    openstack("protector protection-group failover prod-web-app --type unplanned")
    (listed,) = openstack("protector operation list --protection-group prod-web-app -f json").json
    assert (listed["Operation Type"], listed["Status"]) == ("failover", "running")
    assert openstack("protector operation list --status failed -f json").json == []


@pytest.fixture
def operation(openstack, group):
    started = openstack(
        "protector protection-group failover prod-web-app --type unplanned -f json"
    ).json
    return started["operation_id"]


def test_what_an_operation_left_is_done_by_another(openstack, operation, sites):
    again = openstack(
        "protector operation retry",
        operation,
        "--network-mapping db=dr-db --skip report --skip s9 --accept-stale-metadata -f json",
    ).json
    assert (again["operation_id"], again["retry_of"]) == ("op-2", operation)
    assert sites["site-b"].api.asked[-1] == {
        "retry": {
            "network_mapping": {"db": "dr-db"},
            "flavor_mapping": {},
            "skip": ["report", "s9"],
            "accept_stale_metadata": True,
        }
    }
    listed = openstack("protector operation list -f json").json
    assert [one["Retry Of"] for one in listed] == [None, operation]


@pytest.mark.parametrize(("option", "how"), [("", "undo"), ("--keep", "keep")])
def test_an_operation_is_cancelled(openstack, operation, option, how):
    told = openstack("protector operation cancel", operation, option, "-f json").json
    assert (told["operation_id"], told["cancel"]) == (operation, how)
    assert openstack("protector operation show", operation, "-f json").json["cancel"] == how


def test_a_group_whose_operation_died_is_reset(openstack, group, sites):
    openstack("protector protection-group reset-state prod-web-app --state active --force")
    assert sites["site-b"].api.asked == [{"reset_state": {"status": "active", "force": True}}]


def test_a_group_is_deleted(openstack, group, sites):
    assert openstack("protector protection-group delete prod-web-app").code == 0
    assert sites["site-b"].api.protection_groups == {}


def test_each_command_teaches_by_an_example(openstack):
    listed = openstack("help protector").out.splitlines()[1:]
    assert len(listed) == 41
    for name in listed:
        help = openstack(name.strip(), "--help").out
        assert f"openstack {name.strip()}" in help.split("Example")[1]


def test_other_plugins_can_ask_protector_too(sites, openstack, group):
    import openstack as sdk

    connection = sdk.connect(cloud="site-b")
    client = plugin.make_client(type("Manager", (), {"sdk_connection": connection}))
    assert [found.name for found in client.protection_groups()] == ["prod-web-app"]
    assert client is connection.site_recovery
