# SPDX-License-Identifier: Apache-2.0
"""What a group tells of its peer, when the peer is only asked how things stand."""

import datetime
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from functional.engine.counting import copy_group, statements
from functional.engine.world import World, context

from protector import errors
from protector.db import groups
from protector.db.models import now
from protector.domain.group import Status
from protector.domain.sync import Status as Sync
from protector.sync.exchange import exchange
from protector.sync.peer import Standing


@pytest.fixture
def group_id(world: World) -> str:
    return world.create_group()


def ask(world: World) -> errors.ProtectorError | None:
    return exchange(world.a.sessions, world.a.peer, "site-a")


def test_one_question_is_enough_while_all_is_well(world: World, group_id: str) -> None:
    world.a.peer.journal.clear()
    assert ask(world) is None
    assert world.a.peer.journal == ["standings"]
    assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_a_peer_that_refuses_is_told_as_failed_until_it_answers(
    world: World, group_id: str
) -> None:
    def refuse(_: str) -> None:
        raise errors.PeerRefused(peer_site="site-b", reason="its Keystone does not accept us")

    world.a.peer.asked = refuse
    silence = ask(world)
    assert isinstance(silence, errors.PeerRefused)
    row = world.a.group(group_id)
    assert (row.remote_sync_status, row.sync_error) == ("FAILED", silence.text)
    world.a.peer.asked = lambda what: None
    ask(world)
    assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_why_the_peer_was_lost_stays_until_it_is_back(world: World, group_id: str) -> None:
    world.a.peer.down = True
    ask(world)
    with world.a.sessions.begin() as session:
        groups.get(session, group_id).sync_error = "Connection timeout"
    ask(world)
    assert world.a.group(group_id).sync_error == "Connection timeout"


def test_a_silence_that_is_older_than_the_last_answer_is_not_told(
    world: World, group_id: str
) -> None:
    def lost_while_an_edit_goes_through(what: str) -> None:
        if what == "standings":
            world.a.edits.change_group(context(), group_id, {"description": "meanwhile"})
            world.a.peer.down = True

    world.a.peer.asked = lost_while_an_edit_goes_through
    assert isinstance(ask(world), errors.PeerUnreachable)
    assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_an_answer_that_is_older_than_the_last_edit_is_not_told(
    world: World, group_id: str
) -> None:
    """The sweep asks between an edit's commit here and its commit at the peer."""
    told, edited = threading.Event(), threading.Event()
    sweeps: list[Future[errors.ProtectorError | None]] = []
    standings = world.a.peer.standings

    def late(theirs: dict[str, str]) -> dict[str, Standing]:
        answer = standings(theirs)
        told.set()
        assert edited.wait(20)
        return answer

    def sweep_before_the_commit(what: str) -> None:
        if what == "commit":
            sweeps.append(threads.submit(ask, world))
            assert told.wait(20)

    world.a.peer.standings = late  # type: ignore[method-assign]
    world.a.peer.asked = sweep_before_the_commit
    with ThreadPoolExecutor() as threads:
        world.a.edits.change_group(context(), group_id, {"description": "meanwhile"})
        edited.set()
    assert sweeps.pop().result() is None
    assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_a_clock_that_was_ahead_does_not_keep_a_group_from_being_judged(
    world: World, group_id: str
) -> None:
    with world.a.sessions.begin() as session:
        row = groups.get(session, group_id)
        row.last_sync_at = now() + datetime.timedelta(hours=1)
        row.remote_sync_status = Sync.PENDING
    ask(world)
    assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_a_group_that_this_site_is_busy_with_is_not_judged(world: World, group_id: str) -> None:
    with world.a.sessions.begin() as session:
        groups.get(session, group_id).status = Status.FAILING_OVER
    world.a.peer.down = True
    ask(world)
    assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_a_group_that_is_being_changed_is_not_judged(world: World, group_id: str) -> None:
    with world.a.equipment.editors.editing(group_id):
        world.a.peer.down = True
        ask(world)
        assert world.a.group(group_id).remote_sync_status == "SYNCED"


def test_what_an_engine_did_not_live_to_end_is_not_in_the_way_of_the_next(
    world: World, group_id: str
) -> None:
    never_left = world.a.equipment.editors.editing(group_id)
    never_left.__enter__()
    with pytest.raises(errors.EditedMeanwhile):
        world.a.edits.change_group(context(), group_id, {"description": "x"})
    world.a.equipment.editors.forget_dead()
    with pytest.raises(errors.EditedMeanwhile):  # it lives
        world.a.edits.change_group(context(), group_id, {"description": "x"})
    world.a.equipment.editors._active.clear()  # as after a restart
    world.a.equipment.editors.forget_dead()
    world.a.edits.change_group(context(), group_id, {"description": "x"})
    assert world.document(world.b).description == "x"


def test_an_older_peer_is_told_from_one_that_refuses(world: World, group_id: str) -> None:
    introduce = world.a.peer.introduce
    old = introduce()
    world.a.peer.introduce = lambda: type(old)(old.name, old.array, 1)  # type: ignore[method-assign]

    def refuse(what: str) -> None:
        if what == "prepare":
            raise errors.PeerRefused(peer_site="site-b", reason="schema_version: it should be 1")

    world.a.peer.asked = refuse
    with pytest.raises(errors.PeerTooOld) as refusal:
        world.a.edits.change_group(context(), group_id, {"description": "x"})
    assert "understands recovery documents up to schema 1, and site-a writes schema 4" in (
        refusal.value.text
    )
    assert world.a_version == 1


def test_groups_that_are_as_they_were_cost_no_statement_each(world: World, group_id: str) -> None:
    asked = statements(world.a)
    ask(world)
    of_one = len(asked)
    copy_group(world, 5)
    asked.clear()
    ask(world)
    assert len(asked) == of_one
    assert world.a.peer.journal[-1] == "standings"


def test_a_group_that_was_deleted_here_meanwhile_is_deleted_there(
    world: World, group_id: str
) -> None:
    with world.a.sessions.begin() as session:
        groups.delete(session, group_id)
    ask(world)
    with world.b.sessions.begin() as session:
        assert groups.find(session, group_id) is None
