# SPDX-License-Identifier: Apache-2.0
"""Two sites that went different ways: it is seen, told in words, and settled by a person."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from functional.api.world import Site, World, eventually


def group_path(group_id: str) -> str:
    return f"/v1/{{project}}/protection-groups/{group_id}"


def describe(site: Site, group_id: str, description: str) -> Any:
    change = {"protection_group": {"description": description}}
    return site.ask("PATCH", group_path(group_id), change)


def documents(site: Site, group_id: str) -> list[Any]:
    found: list[Any] = site.get(f"{group_path(group_id)}/documents")["documents"]
    return found


@pytest.fixture
def diverged(world: World) -> str:
    """Site-a has put a change in force that site-b failed over without."""
    group_id = world.protected("web-server-1")
    world.a.lines["site-b"].cut = "/prepared"
    assert describe(world.a, group_id, "only on site-a").status_int == 200
    world.lose_a()
    blocked = world.b.fail_over(group_id).json["operation"]["operation_id"]
    assert world.b.ended(blocked)["status"] == "failed"
    again = world.b.fail_over(group_id, accept_stale_metadata=True).json["operation"]
    assert world.b.ended(again["operation_id"])["status"] == "completed"
    world.a.lines["site-b"].cut = None
    world.a.lines["site-b"].down = False
    world.regain_a()
    return group_id


def test_a_conflict_is_seen_without_being_looked_for(world: World, diverged: str) -> None:
    for site in (world.a, world.b):
        eventually(lambda site=site: site.show(diverged)["remote_sync_status"] == "BLOCKED")
        told = site.sync_status(diverged)["remote"]["error"]
        assert "description: none -> only on site-a on site-a at 20" in told
        assert "status: active -> failed_over on site-b at 20" in told


def test_a_conflict_names_versions_times_sites_and_what_differs(
    world: World, diverged: str
) -> None:
    refused = world.b.act(diverged, "sync_force")
    assert refused.status_int == 409
    error = refused.json["error"]
    assert error["code"] == "protector.document.conflict"
    a, b = (site.show(diverged)["version"] for site in (world.a, world.b))
    for words in (
        f"site-b has version {b} (epoch 1, written on site-b at 20",
        f"site-a has version {a} (epoch 0, written on site-a at 20",
        "description: none -> only on site-a on site-a at 20",
        "--force-direction secondary-to-primary (that of site-b)",
        "primary-to-secondary (that of site-a)",
    ):
        assert words in error["message"]


def test_the_secondarys_version_holds_when_it_is_said_so(world: World, diverged: str) -> None:
    lost = world.a.get(f"{group_path(diverged)}/document")
    newest = max(site.show(diverged)["version"] for site in (world.a, world.b))
    told = world.b.act(diverged, "sync_force", force_direction="secondary-to-primary")
    assert told.status_int == 200, told.text
    sync = told.json["sync"]
    assert (sync["source_site"], sync["version"]) == ("site-b", newest + 1)
    assert sync["overwritten"] == {
        "site": "site-a",
        "epoch": 0,
        "version": lost["version"],
        "checksum": lost["checksum"],
    }
    for site in (world.a, world.b):
        eventually(lambda site=site: site.show(diverged)["remote_sync_status"] == "SYNCED")
        shown = site.show(diverged)
        assert (shown["version"], shown["epoch"]) == (newest + 1, 1)
        assert (shown["status"], shown["current_primary_site"]) == ("failed_over", "site-b")
        assert shown["description"] == ""
        kept = {d["checksum"]: d["standing"] for d in documents(site, diverged)}
        assert kept[lost["checksum"]] == "overwritten"
        again = site.get(f"{group_path(diverged)}/documents/{lost['checksum']}")
        assert again["document"]["description"] == "only on site-a"


def test_the_primarys_version_holds_when_it_is_said_so(world: World, diverged: str) -> None:
    lost = world.b.get(f"{group_path(diverged)}/document")
    eventually(lambda: world.a.show(diverged)["fenced"])
    told = world.a.act(diverged, "sync_force", force_direction="primary-to-secondary")
    assert told.status_int == 200, told.text
    assert told.json["sync"]["overwritten"]["checksum"] == lost["checksum"]
    for site in (world.a, world.b):
        eventually(lambda site=site: site.show(diverged)["remote_sync_status"] == "SYNCED")
        shown = site.show(diverged)
        assert (shown["status"], shown["current_primary_site"]) == ("active", "site-a")
        assert shown["description"] == "only on site-a"
        kept = {d["checksum"]: d["standing"] for d in documents(site, diverged)}
        assert kept[lost["checksum"]] == "overwritten"
    # The group runs on site-a again: it replicates from there, and what ran on site-b is off.
    eventually(lambda: world.a.show(diverged)["fenced"] == [])
    chain = world.a.get(f"{group_path(diverged)}/consistency-group")["consistency_group"]
    assert chain["replicating"]
    eventually(lambda: "was stopped" in str(world.b.show(diverged)["fenced"]))


def test_the_other_sites_version_can_be_taken_from_here(world: World, diverged: str) -> None:
    told = world.a.act(diverged, "sync_force", force_direction="secondary-to-primary")
    assert told.status_int == 200, told.text
    assert told.json["sync"]["source_site"] == "site-b"
    assert told.json["sync"]["overwritten"]["site"] == "site-a"
    for site in (world.a, world.b):
        assert site.show(diverged)["status"] == "failed_over"
        assert site.show(diverged)["remote_sync_status"] == "SYNCED"


def test_settling_what_nothing_is_wrong_with_overwrites_nothing(world: World) -> None:
    group_id = world.create_group()
    told = world.a.act(group_id, "sync_force", force_direction="primary-to-secondary")
    assert told.json["sync"]["overwritten"] is None
    assert told.json["sync"]["version"] == 1


def test_a_direction_that_there_is_not_is_refused(world: World) -> None:
    group_id = world.create_group()
    refused = world.a.act(group_id, "sync_force", force_direction="sideways")
    assert refused.status_int == 400
    assert "secondary-to-primary" in refused.json["error"]["message"]


def test_each_version_is_kept_and_can_be_compared(world: World) -> None:
    group_id = world.create_group()
    describe(world.a, group_id, "front")
    world.protect(group_id, "web-server-1")
    newest, middle, oldest = documents(world.b, group_id)
    assert [one["version"] for one in (newest, middle, oldest)] == [3, 2, 1]
    assert [one["standing"] for one in (newest, middle, oldest)] == ["current", "past", "past"]
    assert [one["members"] for one in (newest, middle, oldest)] == [1, 0, 0]
    path = f"{group_path(group_id)}/documents/{newest['checksum']}/differences"
    assert world.b.get(f"{path}?from={oldest['checksum']}")["differences"] == [
        {"what": "description", "before": "none", "after": "front"},
        {"what": "member", "before": "", "after": "web-server-1"},
    ]
    assert world.b.ask("GET", path).status_int == 400
    assert world.b.ask("GET", f"{path}?from=0000").status_int == 404


def test_versions_are_not_shown_to_other_tenants(world: World) -> None:
    group_id = world.create_group()
    (version,) = documents(world.a, group_id)
    path = f"{group_path(group_id)}/documents"
    for url in (path, f"{path}/{version['checksum']}", f"{path}/{version['checksum']}/differences"):
        assert world.a.ask("GET", url, who="mallory").status_int == 404
    assert world.a.ask("GET", path, who="rita").status_int == 200
    assert world.a.ask("GET", f"{path}/{version['checksum']}", who="rita").status_int == 403


def test_of_two_changes_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    group_id = world.create_group()
    inside, go_on = threading.Event(), threading.Event()

    def wait(*_: Any, **__: Any) -> None:
        inside.set()
        assert go_on.wait(20)

    world.a.cloud.faults.set("change_volume_group", wait, times=1)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(world.protect, group_id, "web-server-1")
        assert inside.wait(20)
        second = describe(world.a, group_id, "at the same time")
        go_on.set()
        assert first.result().status_int == 201
    assert second.status_int == 409
    assert second.json["error"]["code"] == "protector.group.edited_meanwhile"
    assert f"show {world.a.show(group_id)['name']}" in second.json["error"]["message"]
    for site in (world.a, world.b):
        assert (site.show(group_id)["version"], site.show(group_id)["description"]) == (2, "")
    assert describe(world.a, group_id, "afterwards").status_int == 200
