# SPDX-License-Identifier: Apache-2.0
"""A disaster, as the operator lives through it."""

import re

import pytest

FAILOVER = "protector protection-group failover prod-web-app --type unplanned"
MAPPINGS = "--network-mapping web=dr-web --flavor-mapping m1.small=dr.small"


def general(ran):
    """Return the lines, with times and durations made equal."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>", "\n".join(ran.lines))
    return re.sub(r"\d+ms", "<duration>", text)


def test_the_workloads_come_up_and_the_sites_agree_again(openstack, world, protected):
    world.lose_a()
    ran = openstack(FAILOVER, MAPPINGS, "--wait")
    operation = dict(ran.rows)
    assert operation["status"] == "completed"
    assert (operation["source_site"], operation["target_site"]) == ("site-a", "site-b")
    assert operation["steps_failed"] == "[]"
    assert set(world.servers().values()) == {"ACTIVE"}
    assert "100% completed" in ran.err

    shown = openstack("protector protection-group show prod-web-app").rows
    assert shown[1:7] == [
        ("name", "prod-web-app"),
        ("status", "failed_over"),
        ("current_primary_site", "site-b"),
        ("primary_site", "site-a"),
        ("secondary_site", "site-b"),
        ("failover_count", "1"),
    ]
    assert shown[8] == ("remote_sync_status", "UNREACHABLE")

    status = openstack("protector protection-group sync-status prod-web-app")
    assert general(status) == (
        "Sync Status: ⚠️ OUT OF SYNC\n"
        "Local Metadata:\nVersion: 4\nCurrent Site: site-b\nLast Modified: <time>\n"
        "Remote Sync:\nStatus: UNREACHABLE\nRemote Version: 3\nLast Sync: <time>\n"
        "Error: Connection refused\n"
        "Action Required:\n1. Check remote site connectivity\n"
        "2. Force sync once remote site is available"
    )

    ran = openstack("protector protection-group sync-force prod-web-app")
    assert ran.code == 1
    assert ran.out.endswith("❌ site-a is not reachable: Connection refused\n")

    world.b.peer.down = False
    forced = openstack("protector protection-group sync-force prod-web-app")
    assert general(forced) == (
        "Force Sync Initiated...\nChecking remote site connectivity...\n✅ site-a is reachable\n"
        "Syncing metadata (version 4)...\nGathering current metadata... ✓\n"
        "Calculating checksum... ✓\nPushing to site-a... ✓\n"
        "Remote Site Response:\nStatus: success\nVersion: 4\nDuration: <duration>\n"
        "✅ Sync completed successfully\nBoth sites now at version 4"
    )


def test_a_vm_whose_flavor_is_not_mapped_fails_the_operation(openstack, world, protected):
    world.lose_a()
    ran = openstack(FAILOVER, "--network-mapping web=dr-web --wait")
    assert ran.code == 1
    assert "m1.small" in ran.err
    assert "Traceback" not in ran.err


def test_the_commands_go_to_the_right_site_by_themselves(openstack, protected):
    ran = openstack(FAILOVER, MAPPINGS, "--wait -f json", cloud="site-a")
    assert ran.json["target_site"] == "site-b"
    assert "is done on site-b; this is site-a" in ran.err


def test_a_group_is_changed_where_its_vms_run(openstack, protected):
    command = "protector protection-group set prod-web-app --rpo-minutes 20", MAPPINGS
    assert "export OS_CLOUD=site-a" in openstack(*command).err
    assert openstack(*command, cloud="site-a").code == 0
    both = [
        openstack("protector protection-group show prod-web-app -f json", cloud=site).json
        for site in ("site-a", "site-b")
    ]
    for group in both:
        assert (group["version"], group["rpo_minutes"]) == (4, 20)
        assert group["network_mapping"] == {"web": "dr-web"}


def test_the_target_shows_its_snapshots(openstack, protected):
    shown = openstack("protector consistency-group show prod-web-app -f json").json
    assert shown["role"] == "target"
    assert [snapshot["complete"] for snapshot in shown["snapshots"]] == [True]


def test_a_member_leaves_and_the_group_goes(openstack, protected):
    group = "protector protection-group"
    openstack(f"{group} member remove prod-web-app web-server-2", cloud="site-a")
    left = openstack(f"{group} member list prod-web-app -f json", cloud="site-a").json
    assert [member["Name"] for member in left] == ["web-server-1"]
    assert openstack(f"{group} delete prod-web-app", cloud="site-a").code == 0
    assert openstack(f"{group} list -f json").json == []


@pytest.fixture
def diverged(openstack, world, protected):
    """Site-a has put a change in force that it could not confirm, and site-b failed over."""

    def lose_a_before_the_change_is_confirmed(message):
        world.a.peer.down = world.a.peer.down or message == "commit"

    world.a.peer.asked = lose_a_before_the_change_is_confirmed
    group = "protector protection-group"
    openstack(f"{group} set prod-web-app --description changed", cloud="site-a")
    pending = openstack(f"{group} sync-status prod-web-app", cloud="site-a")
    assert pending.lines[0] == "Sync Status: ⚠️ OUT OF SYNC"
    assert "Status: PENDING" in pending.lines
    world.lose_a()
    ran = openstack(FAILOVER, MAPPINGS, "--accept-stale-metadata --wait -f json")
    assert ran.json["status"] == "completed"
    world.a.peer.asked = lambda message: None
    world.a.peer.down = world.b.peer.down = world.a.array.down = False


def standings(openstack):
    listed = openstack("protector protection-group document list prod-web-app -f json").json
    return [(version["Version"], version["Standing"]) for version in listed]


def test_a_conflict_is_settled_and_what_was_lost_can_be_looked_at(openstack, world, diverged):
    force = "protector protection-group sync-force prod-web-app"
    refused = openstack(force)
    assert refused.code == 1
    assert "changed on site-a at" in refused.err
    assert "--force-direction secondary-to-primary (that of site-b)" in refused.err

    forced = openstack(force, "--force-direction secondary-to-primary")
    *_, overwritten, done, both = forced.lines
    assert done == "✅ Sync completed successfully"
    assert both == f"Both sites now at version {world.group.version}"
    lost, command = re.fullmatch(
        r"Overwritten: (version 4 of site-a) \(kept: openstack (.*)\)", overwritten
    ).groups()
    assert lost
    assert openstack(command, "-f json").json["description"] == "changed"
    assert standings(openstack)[:3] == [(5, "current"), (4, "past"), (4, "overwritten")]
    ambiguous = openstack("protector protection-group document show prod-web-app 4")
    assert "4 is more than one document of prod-web-app" in ambiguous.err

    checksum = command.split()[-1]
    changes = openstack(f"protector protection-group document diff prod-web-app {checksum} -f json")
    assert {"What": "description", "Before": "changed", "After": "none"} in changes.json


def test_the_other_sites_version_can_be_made_to_hold_from_here(openstack, world, diverged):
    force = "protector protection-group sync-force prod-web-app"
    forced = openstack(force, "--force-direction primary-to-secondary")
    assert "Gathering metadata of site-a... ✓" in forced.lines
    assert "Overwritten: version 4 of site-b" in forced.out
    shown = openstack("protector protection-group document show prod-web-app -f json").json
    assert (shown["description"], shown["current_primary_site"]) == ("changed", "site-a")


def test_a_change_can_be_looked_at_in_the_documents(openstack, protected):
    ran = openstack("protector protection-group document diff prod-web-app -f json")
    assert ran.json == [{"What": "member", "Before": "", "After": "web-server-2"}]
    assert standings(openstack) == [(3, "current"), (2, "past"), (1, "past")]


def test_a_group_reports_instead_of_stopping_when_it_is_told_to(openstack, protected):
    group = "protector protection-group"
    openstack(f"{group} set prod-web-app --fencing report", cloud="site-a")
    shown = openstack(f"{group} show prod-web-app -f json").json
    assert (shown["fencing"], shown["fenced"], shown["drift"]) == ("report", [], [])


def test_a_check_tells_what_the_failover_then_does(openstack, world, protected):
    unmapped = openstack("protector protection-group check prod-web-app")
    assert unmapped.code == 1
    for word in ("web-server-1", "web-server-2", "--network-mapping", "--flavor-mapping"):
        assert word in unmapped.out
    assert openstack("protector operation list -f json").json == []

    world.b.cloud.limits = {"instances": 1}
    tight = openstack("protector protection-group check prod-web-app", MAPPINGS)
    assert tight.code == 1
    assert "openstack quota set --instances 2" in " ".join(tight.out.split())

    world.b.cloud.limits = {}
    ready = openstack(FAILOVER, MAPPINGS, "--dry-run -f json").json
    assert (ready["ready"], ready["findings"]) == (True, [])
    assert world.servers() == {}

    done = openstack(FAILOVER, MAPPINGS, "--wait -f json").json
    planned = [step for phase in ready["plan"]["phases"] for step in phase["steps"]]
    assert sorted(done["steps_completed"]) == sorted(planned)
