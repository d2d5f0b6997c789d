# SPDX-License-Identifier: Apache-2.0
"""The operator's procedure, as it is shown in the documentation of unplanned failover."""

import re

import pytest

NETWORKS = (
    "--network-mapping a1b2c3d4-0000-0000-0000-net-primary-web=e5f6a7b8-0000-0000-0000-net-dr-web",
    "--network-mapping c9d0e1f2-0000-0000-0000-net-primary-db=f3a4b5c6-0000-0000-0000-net-dr-db",
)


@pytest.fixture
def group(sites):
    """A group of two VMs whose metadata both sites had in version 3 when site-a went down."""
    group = sites["site-b"].api.create(
        "acme-id", name="prod-web-app", primary_site="site-a", secondary_site="site-b", version=3
    )
    sites["site-a"].down()
    return group


def test_failover_returns_the_operation_at_once(openstack, group, sites):
    ran = openstack(
        "protector protection-group failover prod-web-app --type unplanned",
        *NETWORKS,
        "--flavor-mapping m1.large=m1.xlarge",
    )

    (_, operation_id), *others = ran.rows
    assert re.fullmatch(r"op-[0-9a-f-]+", operation_id)
    assert others == [
        ("operation_type", "failover"),
        ("status", "running"),
        ("progress", "5"),
        ("source_site", "site-a"),
        ("target_site", "site-b"),
    ]
    assert sites["site-b"].api.asked == [
        {
            "failover": {
                "type": "unplanned",
                "force": True,
                "network_mapping": {
                    "a1b2c3d4-0000-0000-0000-net-primary-web": "e5f6a7b8-0000-0000-0000-net-dr-web",
                    "c9d0e1f2-0000-0000-0000-net-primary-db": "f3a4b5c6-0000-0000-0000-net-dr-db",
                },
                "flavor_mapping": {"m1.large": "m1.xlarge"},
                "accept_stale_metadata": False,
            }
        }
    ]


def test_operation_show_follows_the_phases(openstack, group):
    operation = openstack(
        "protector protection-group failover prod-web-app --type unplanned -f json"
    ).json["operation_id"]

    def show():
        return openstack(f"protector operation show {operation}")

    preparation = show()
    assert [field for field, _ in preparation.rows][:11] == [
        "operation_id",
        "operation_type",
        "status",
        "progress",
        "source_site",
        "target_site",
        "steps_completed",
        "steps_failed",
        "started_at",
        "completed_at",
        "error_message",
    ]
    assert excerpt(preparation) == [
        "status | running",
        "progress | 15",
        'steps_completed | ["validate_target_site",',
        '| "create_dr_operation_record"]',
        "steps_failed | []",
        "error_message | None",
    ]
    storage = show()
    assert excerpt(storage)[:7] == [
        "status | running",
        "progress | 45",
        'steps_completed | ["validate_target_site",',
        '| "create_dr_operation_record",',
        '| "identify_latest_snapshot",',
        '| "promote_volumes_from_snapshot",',
        '| "manage_volumes_into_cinder"]',
    ]
    instances = show()
    assert excerpt(instances)[1] == "progress | 75"
    assert excerpt(instances)[7:9] == [
        '| "recreate_vm_web-server-1",',
        '| "recreate_vm_web-server-2"]',
    ]
    finished = dict(show().rows)
    assert finished["status"] == "completed"
    assert finished["progress"] == "100"
    assert finished["started_at"] == "2025-06-15T03:42:11Z"
    assert finished["completed_at"] == "2025-06-15T03:49:38Z"
    assert finished["error_message"] == "None"


def excerpt(ran):
    """Return those lines of an operation's table that the documentation shows while it runs."""
    wanted = ("status", "progress", "steps_completed", "steps_failed", "error_message")
    kept, lines = False, []
    for line in ran.lines:
        if line.startswith("|"):
            field, value = (cell.strip() for cell in line.strip("|").split("|", 1))
            kept = field in wanted if field else kept
            if kept:
                lines.append(f"{field} | {value}".strip())
    return lines


def test_the_group_is_shown_failed_over(openstack, group):
    openstack("protector protection-group failover prod-web-app --type unplanned --wait")

    shown = openstack("protector protection-group show prod-web-app").rows
    assert shown[:9] == [
        ("id", group["id"]),
        ("name", "prod-web-app"),
        ("status", "failed_over"),
        ("current_primary_site", "site-b"),
        ("primary_site", "site-a"),
        ("secondary_site", "site-b"),
        ("failover_count", "1"),
        ("last_failover_at", "2025-06-15T03:49:38Z"),
        ("remote_sync_status", "UNREACHABLE"),
    ]


OUT_OF_SYNC = """
Sync Status: ⚠️ OUT OF SYNC
Local Metadata:
Version: 4
Current Site: site-b
Last Modified: 2025-06-15T03:49:38Z
Remote Sync:
Status: UNREACHABLE
Remote Version: 3
Last Sync: 2025-06-15T03:42:00Z
Error: Connection timeout
Action Required:
1. Check remote site connectivity
2. Force sync once remote site is available
"""

SYNCED_BY_FORCE = """
Force Sync Initiated...
Checking remote site connectivity...
✅ site-a is reachable
Syncing metadata (version 4)...
Gathering current metadata... ✓
Calculating checksum... ✓
Pushing to site-a... ✓
Remote Site Response:
Status: success
Version: 4
Duration: 312ms
✅ Sync completed successfully
Both sites now at version 4
"""

IN_SYNC = """
Sync Status: ✅ IN SYNC
Local Metadata:
Version: 4
Current Site: site-b
Last Modified: 2025-06-15T03:49:38Z
Remote Sync:
Status: SYNCED
Remote Version: 4
Last Sync: 2025-06-15T03:42:00Z
"""


def test_the_metadata_is_synchronized_when_the_primary_is_back(openstack, group):
    openstack("protector protection-group failover prod-web-app --type unplanned --wait")

    status = openstack("protector protection-group sync-status prod-web-app")
    assert status.lines == OUT_OF_SYNC.split("\n")[1:-1]
    forced = openstack("protector protection-group sync-force prod-web-app")
    assert forced.lines == SYNCED_BY_FORCE.split("\n")[1:-1]
    status = openstack("protector protection-group sync-status prod-web-app")
    assert status.lines == IN_SYNC.split("\n")[1:-1]


def test_programs_get_the_sync_status_as_it_is(openstack, group):
    status = openstack("protector protection-group sync-status prod-web-app -f json").json
    assert status["in_sync"] is True
    assert status["local"]["version"] == 3
    forced = openstack("protector protection-group sync-force prod-web-app -f json -c version")
    assert forced.json == {"version": 3}


def test_a_list_of_groups_is_a_table(openstack, group):
    listed = openstack("protector protection-group list")
    assert "prod-web-app" in listed.out
    assert listed.lines[0].startswith("+-")
