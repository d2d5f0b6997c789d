# SPDX-License-Identifier: Apache-2.0
"""Copies of a group are as good as the group."""

import pathlib
import types
from typing import Any

import pytest
import sqlalchemy as sa
from functional.engine.world import World
from sqlalchemy import orm

from flasharray_simulator.model.base import Base
from flasharray_simulator.model.tables import Group
from protector.db import groups, operations
from protector.db.paging import Page
from protector.domain.document import Document
from protector.schemas import group as group_schema
from protector.schemas import operation as operation_schema
from protector.sync.exchange import exchange
from protector_bench import scene


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(tmp_path)
    found.protect("web1", "web2")
    sites = {site.name: site for site in (found.a, found.b)}
    monkeypatch.setattr(scene, "database", lambda site: sites[site].sessions)
    return found


@pytest.fixture
def copies(world: World) -> list[Document]:
    made = scene.copy(world.document(), range(3))
    scene.put_in_force(made)
    return made


def test_the_sites_agree_on_the_copies(world: World, copies: list[Document]) -> None:
    world.a.peer.journal.clear()
    assert exchange(world.a.sessions, world.a.peer, "site-a") is None
    assert world.a.peer.journal == ["standings"]
    assert {world.a.group(one.group_id).remote_sync_status for one in copies} == {"SYNCED"}


def test_the_copies_can_be_listed_and_changed(world: World, copies: list[Document]) -> None:
    with world.a.sessions.begin() as session:
        rows = groups.list_for(session, "project-a", page=Page(limit=9))
    views = [group_schema.view(row) for row in rows]
    assert [len(view["members"]) for view in views] == [2] * 4
    world.group_id = copies[0].group_id
    world.a.edits.change_member(world.group_id, "web1", {"boot_priority": 1})
    assert world.document(world.b).version == copies[0].version + 1


def test_operations_are_spread_over_the_copies(world: World, copies: list[Document]) -> None:
    scene.record_operations(copies, 7)
    with world.a.sessions.begin() as session:
        rows = operations.list_for(session, "project-a", page=Page(limit=9))
        steps = operations.outcomes_of(session, [row.id for row in rows])
    views = [operation_schema.view(row, steps[row.id], whole=False) for row in rows]
    assert len(views) == 7
    assert {view["group_id"] for view in views} == {one.group_id for one in copies}
    assert views[0]["steps_completed"] == [name for names in scene.PLAN.values() for name in names]


def test_each_copy_has_a_group_on_both_arrays(
    tmp_path: pathlib.Path, copies: list[Document]
) -> None:
    (tmp_path / "state").mkdir()
    tables = sa.create_engine(f"sqlite:///{tmp_path}/state/state.sqlite")
    Base.metadata.create_all(tables)
    testbed: Any = types.SimpleNamespace(folders=types.SimpleNamespace(simulator=tmp_path))
    scene.replicate(testbed, copies)
    with orm.Session(tables) as session:
        found = {(group.place, group.name) for group in session.scalars(sa.select(Group))}
    names = [one.consistency_group.array_group for one in copies if one.consistency_group]
    here = {("flasharray-a", name) for name in names}
    assert found == here | {("flasharray-b", f"flasharray-a:{name}") for name in names}
