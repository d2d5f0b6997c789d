# SPDX-License-Identifier: Apache-2.0
"""Groups as large as they may be, and documents that are too large to be sent."""

import time

import pytest
import webob
from functional.api.world import Site, World

from protector import errors
from protector.db import documents
from protector.domain.document import Document, Member
from protector.sync import edit

MANY = 500


def document(site: Site, group_id: str) -> Document:
    with site.sessions.begin() as session:
        return documents.in_force(session, group_id).document


def put_in_force(world: World, document: Document) -> None:
    sessions, group_id = world.a.sessions, document.group_id
    with world.a.equipment.editors.editing(group_id) as editor:
        edit.commit_edit(sessions, world.a.peer("site-b"), document, editor)


def members(world: World, count: int, user_data: str | None = None) -> list[Member]:
    facts = world.a.cloud.add_server(
        "another", "vm", networks=["web"], volumes=4, user_data=user_data
    )
    return [
        facts.member.model_copy(update={"server_id": f"{number:036}", "name": f"vm-{number}"})
        for number in range(count)
    ]


def test_five_hundred_vms_are_one_group(world: World) -> None:
    group_id = world.create_group()
    many = document(world.a, group_id).following("site-a", members=members(world, MANY))
    put_in_force(world, many)
    begun = time.monotonic()
    assert world.protect(group_id, "one-more").status_int == 201
    assert time.monotonic() - begun < 10
    for site in (world.a, world.b):
        assert len(site.show(group_id)["members"]) == MANY + 1
        assert site.show(group_id)["remote_sync_status"] == "SYNCED"
    assert document(world.a, group_id) == document(world.b, group_id)


def test_what_is_too_large_is_not_begun(world: World) -> None:
    group_id = world.create_group()
    big = members(world, 130, user_data="x" * 65536)
    with pytest.raises(errors.DocumentTooLarge) as refusal:
        put_in_force(world, document(world.a, group_id).following("site-a", members=big))
    assert "would be 9 MiB large; 8 MiB are sent at most" in refusal.value.text
    assert "130 VMs" in refusal.value.text
    for site in (world.a, world.b):
        assert site.show(group_id)["version"] == 1
    assert world.protect(group_id, "web-server-1").status_int == 201


def test_what_is_too_large_is_not_taken_either(world: World) -> None:
    request = webob.Request.blank(
        "/v1/peer/documents/pg-1/prepared",
        method="PUT",
        headers={"X-Auth-Token": "protector", "Content-Type": "application/json"},
    )
    request.body = b" " * (edit.LIMIT + 2**20)
    refused = request.get_response(world.b.app)
    assert refused.status_int == 413
    assert "8 MiB at most" in refused.json["error"]["message"]
