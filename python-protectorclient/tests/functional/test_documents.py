# SPDX-License-Identifier: Apache-2.0
"""The versions of a group's recovery document, as the site that is asked keeps them."""

import pytest

DOCUMENT = "protector protection-group document"
CHECKSUMS = {
    "current": "5f2c9ab41d0e" + 52 * "0",
    "past": "4a7be0195c3d" + 52 * "0",
    "overwritten": "9f86d0818848" + 52 * "0",
    "first": "4a7be01fffff" + 52 * "0",
}


def kept(name, version, *, standing, site="site-b", epoch=1, description="web"):
    document = {
        "schema_version": 2,
        "epoch": epoch,
        "version": version,
        "site": site,
        "modified_at": f"2025-06-15T0{version}:00:00Z",
        "name": "prod-web-app",
        "description": description,
        "policy": {"rpo_minutes": 15, "replication_interval": 300},
        "mappings": {"networks": {"web": "dr-web"}, "flavors": {"m1.large": "m1.xlarge"}},
        "consistency_group": None,
        "members": [{"server_id": "s1", "name": "web-server-1", "tags": ["web"]}],
        "drift": [],
    }
    return {
        "checksum": CHECKSUMS[name],
        "epoch": epoch,
        "version": version,
        "site": site,
        "modified_at": document["modified_at"],
        "standing": standing,
        "members": 1,
        "kept_at": "2025-06-15T07:00:00Z",
        "document": document,
    }


@pytest.fixture
def api(sites):
    """Site-b failed over; meanwhile site-a had gone on; site-b's version was forced on both."""
    api = sites["site-b"].api
    api.create("acme-id", name="prod-web-app", primary_site="site-a", secondary_site="site-b")
    api.kept = [
        kept("current", 5, standing="current"),
        kept("past", 4, standing="past"),
        kept("overwritten", 4, standing="overwritten", site="site-a", epoch=0, description="lost"),
        kept("first", 3, standing="past", site="site-a", epoch=0, description=""),
    ]
    return api


def shown(openstack, *which):
    return openstack(f"{DOCUMENT} show prod-web-app", *which, "-f json").json["checksum"]


def test_versions_are_listed_newest_first_with_their_standing(openstack, api):
    ran = openstack(f"{DOCUMENT} list prod-web-app")
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in ran.lines]
    assert table[1] == [
        "Version",
        "Epoch",
        "Standing",
        "Site",
        "Modified At",
        "Members",
        "Checksum",
        "Kept At",
    ]
    assert table[5] == [
        "4",
        "0",
        "overwritten",
        "site-a",
        "2025-06-15T04:00:00Z",
        "1",
        "9f86d0818848",
        "2025-06-15T07:00:00Z",
    ]


def test_programs_get_the_whole_checksums(openstack, api):
    listed = openstack(f"{DOCUMENT} list prod-web-app -f json").json
    assert [version["Checksum"] for version in listed] == list(CHECKSUMS.values())


def test_the_version_in_force_is_shown(openstack, api):
    table = dict(openstack(f"{DOCUMENT} show prod-web-app").rows)
    assert (table["version"], table["standing"]) == ("5", "current")
    assert table["policy"] == "rpo_minutes=15 replication_interval=300"
    assert table["mappings"] == "networks: web=dr-web flavors: m1.large=m1.xlarge"
    assert table["members"] == "web-server-1"


def test_programs_get_the_whole_document(openstack, api):
    whole = openstack(f"{DOCUMENT} show prod-web-app -f json").json
    assert whole["members"] == [{"server_id": "s1", "name": "web-server-1", "tags": ["web"]}]
    assert api.kept[0]["document"].items() <= whole.items()
    assert openstack(f"{DOCUMENT} show prod-web-app -f yaml").code == 0
    shell = openstack(f"{DOCUMENT} show prod-web-app -f shell")
    assert 'version="5"' in shell.lines


def test_a_version_is_named_by_its_number_or_its_checksum(openstack, api):
    assert shown(openstack, "3") == CHECKSUMS["first"]
    assert shown(openstack, "9F86d0818848") == CHECKSUMS["overwritten"]
    assert shown(openstack, CHECKSUMS["past"]) == CHECKSUMS["past"]


def test_a_number_that_is_a_version_is_not_taken_for_a_checksum(openstack, api):
    assert shown(openstack, "5") == shown(openstack) == CHECKSUMS["current"]
    ran = openstack(f"{DOCUMENT} show prod-web-app 9")
    assert ran.err.startswith("Protection group prod-web-app has no document 9 on this site.")


@pytest.mark.parametrize(
    ("which", "named"), [("4", ("past", "overwritten")), ("4a7be01", ("past", "first"))]
)
def test_what_fits_several_documents_is_refused_naming_them(openstack, api, which, named):
    ran = openstack(f"{DOCUMENT} show prod-web-app {which}")
    assert ran.code == 1
    assert f"{which} is more than one document of prod-web-app: " in ran.err
    for name, checksum in CHECKSUMS.items():
        assert (checksum[:12] in ran.err) == (name in named)
    assert "Give the beginning of the checksum of the one you mean" in ran.err


def test_a_version_that_is_not_kept(openstack, api):
    assert openstack(f"{DOCUMENT} show prod-web-app 77").err == (
        "Protection group prod-web-app has no document 77 on this site. See:"
        " openstack protector protection-group document list prod-web-app\n"
    )


def test_a_group_that_is_still_being_created_has_no_document(openstack, api):
    api.kept = []
    assert "has no document in force on this site" in openstack(f"{DOCUMENT} show prod-web-app").err
    assert openstack(f"{DOCUMENT} list prod-web-app -f json").json == []


def test_versions_are_compared(openstack, api):
    ran = openstack(f"{DOCUMENT} diff prod-web-app 3 4a7be0195 -f json")
    assert ran.json == [{"What": "description", "Before": "", "After": "web"}]


def test_a_version_is_compared_with_the_current_one(openstack, api):
    ran = openstack(f"{DOCUMENT} diff prod-web-app 9f86d0818848")
    assert "| description | lost   | web   |" in ran.lines
    assert ran.err == ""


def test_the_current_version_is_compared_with_the_one_it_came_from(openstack, api):
    api.kept[0]["document"]["description"] = "changed"
    ran = openstack(f"{DOCUMENT} diff prod-web-app -f json")
    assert ran.json == [{"What": "description", "Before": "web", "After": "changed"}]


def test_the_current_version_did_not_come_from_one_that_lost(openstack, api):
    api.kept[1]["standing"] = "abandoned"
    ran = openstack(f"{DOCUMENT} diff prod-web-app -f json")
    assert ran.json == [{"What": "description", "Before": "", "After": "web"}]


def test_versions_that_differ_in_nothing_but_their_numbers(openstack, api):
    ran = openstack(f"{DOCUMENT} diff prod-web-app -f json")
    assert ran.json == []
    assert ran.err == (
        "4a7be0195c3d (version 4, past, written on site-b at 2025-06-15T04:00:00Z) and"
        " 5f2c9ab41d0e (version 5, current, written on site-b at 2025-06-15T05:00:00Z)"
        " of prod-web-app do not differ.\n"
    )


def test_a_first_version_has_none_before_it(openstack, api):
    del api.kept[1:]
    ran = openstack(f"{DOCUMENT} diff prod-web-app")
    assert ran.code == 1
    assert ran.err.startswith("This site keeps no version of prod-web-app before the current one.")
