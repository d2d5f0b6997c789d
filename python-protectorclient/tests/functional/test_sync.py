# SPDX-License-Identifier: Apache-2.0
"""How two sites' metadata stands, in every state, and how a conflict between them is settled."""

import pytest

SYNC_STATUS = "protector protection-group sync-status prod-web-app"
SYNC_FORCE = "protector protection-group sync-force prod-web-app"
CHECKSUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture
def api(sites):
    return sites["site-b"].api


@pytest.fixture
def group(api):
    return api.create(
        "acme-id", name="prod-web-app", primary_site="site-a", secondary_site="site-b", version=4
    )


# status -> what the other site has, why, what to do; and how all that is told.
STATES = {
    "SYNCED": (
        {"version": 4, "error": None},
        [],
        ["Status: SYNCED", "Remote Version: 4", "Last Sync: 2025-06-15T03:42:00Z"],
    ),
    "PENDING": (
        {"version": 3, "error": None},
        ["Wait: the change is sent again until both sites have it"],
        [
            "Status: PENDING",
            "Remote Version: 3",
            "Last Sync: 2025-06-15T03:42:00Z",
            "Action Required:",
            "1. Wait: the change is sent again until both sites have it",
        ],
    ),
    "OUT_OF_SYNC": (
        {"version": 3, "error": None},
        ["Force sync: openstack protector protection-group sync-force prod-web-app"],
        [
            "Status: OUT_OF_SYNC",
            "Remote Version: 3",
            "Last Sync: 2025-06-15T03:42:00Z",
            "Action Required:",
            "1. Force sync: openstack protector protection-group sync-force prod-web-app",
        ],
    ),
    "UNREACHABLE": (
        {"version": None, "last_sync": None, "error": "Connection timeout"},
        ["Check remote site connectivity", "Force sync once remote site is available"],
        [
            "Status: UNREACHABLE",
            "Remote Version: unknown",
            "Last Sync: never",
            "Error: Connection timeout",
            "Action Required:",
            "1. Check remote site connectivity",
            "2. Force sync once remote site is available",
        ],
    ),
    "BLOCKED": (
        {"version": 5, "error": "Version 5 of site-a was prepared and never committed"},
        ["Fail over with --accept-stale-metadata"],
        [
            "Status: BLOCKED",
            "Remote Version: 5",
            "Last Sync: 2025-06-15T03:42:00Z",
            "Error: Version 5 of site-a was prepared and never committed",
            "Action Required:",
            "1. Fail over with --accept-stale-metadata",
        ],
    ),
    "FAILED": (
        {"version": 3, "error": "site-a does not know the project"},
        ["Correct what site-a refused"],
        [
            "Status: FAILED",
            "Remote Version: 3",
            "Last Sync: 2025-06-15T03:42:00Z",
            "Error: site-a does not know the project",
            "Action Required:",
            "1. Correct what site-a refused",
        ],
    ),
}


@pytest.fixture(params=STATES)
def state(request, api, group):
    group["remote_sync_status"] = request.param
    api.remote, api.actions, _ = STATES[request.param]
    return request.param


def test_each_state_is_told(openstack, state):
    *_, told = STATES[state]
    assert openstack(SYNC_STATUS).lines == [
        "Sync Status: " + ("✅ IN SYNC" if state == "SYNCED" else "⚠️ OUT OF SYNC"),
        "Local Metadata:",
        "Version: 4",
        "Current Site: site-a",
        "Last Modified: 2025-06-01T00:00:00Z",
        "Remote Sync:",
        *told,
    ]


def test_programs_get_each_state_as_it_is(openstack, api, state):
    shown = openstack(SYNC_STATUS, "-f json").json
    assert (shown["status"], shown["in_sync"]) == (state, state == "SYNCED")
    assert api.remote.items() <= shown["remote"].items()
    assert shown["actions"] == api.actions


def lost(**fields):
    return {"site": "site-a", "epoch": 0, "version": 5, "checksum": CHECKSUM} | fields


def test_a_version_that_is_overwritten_is_named_with_the_command_that_shows_it(
    openstack, api, group
):
    api.overwritten = lost()
    ran = openstack(SYNC_FORCE, "--force-direction secondary-to-primary")
    assert api.asked == [{"sync_force": {"force_direction": "secondary-to-primary"}}]
    assert ran.lines[-3:] == [
        "Overwritten: version 5 of site-a (kept: openstack protector protection-group document"
        " show prod-web-app 9f86d081884c)",
        "✅ Sync completed successfully",
        "Both sites now at version 6",
    ]
    assert "Gathering current metadata... ✓" in ran.lines


def test_it_is_said_when_the_other_sites_version_holds(openstack, api, group):
    api.overwritten = lost(site="site-b", version=4)
    ran = openstack(SYNC_FORCE, "--force-direction primary-to-secondary")
    assert "Gathering metadata of site-a... ✓" in ran.lines
    assert "Overwritten: version 4 of site-b" in ran.out


def test_a_direction_overwrites_nothing_when_there_is_no_conflict(openstack, group):
    ran = openstack(SYNC_FORCE, "--force-direction secondary-to-primary")
    assert ran.lines == openstack(SYNC_FORCE).lines


def test_programs_get_what_was_overwritten(openstack, api, group):
    api.overwritten = lost()
    forced = openstack(SYNC_FORCE, "--force-direction secondary-to-primary -f json").json
    assert api.asked == [{"sync_force": {"force_direction": "secondary-to-primary"}}]
    assert forced["overwritten"] == api.overwritten
    assert (forced["source_site"], forced["peer_site"]) == ("site-b", "site-a")
    assert forced["name"] == "prod-web-app"


def test_a_direction_names_the_sites_by_their_roles(openstack, api, group):
    ran = openstack(SYNC_FORCE, "--force-direction site-a")
    assert ran.code == 2
    assert "secondary-to-primary" in ran.err
    assert api.asked == []


def test_the_help_teaches_what_a_direction_does(openstack):
    help = " ".join(openstack(SYNC_FORCE, "--help").out.split())
    assert "primary_site and secondary_site" in help
    assert "stopped, never deleted, or only reported" in help
