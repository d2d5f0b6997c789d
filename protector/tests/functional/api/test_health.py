# SPDX-License-Identifier: Apache-2.0
"""/healthcheck says which of those that Protector needs answers."""

import shutil
from typing import Any

import pytest
import sqlalchemy as sa
from functional.api.world import World, eventually

from protector.broker import Broker


def health(world: World) -> tuple[int, Any]:
    answer = world.a.ask("GET", "/healthcheck", who="nobody")
    return answer.status_int, answer.json


def test_all_is_well(world: World) -> None:
    eventually(lambda: health(world)[1]["engines_alive"])
    ok = {"database": "ok", "messaging": "ok", "coordination": "ok", "engines_alive": 1}
    assert health(world) == (200, ok)


def test_that_no_engine_lives_is_told_and_is_no_fault_of_the_api(world: World) -> None:
    world.a.stop_engine()
    assert health(world)[0] == 200
    assert health(world)[1]["engines_alive"] == 0


def test_a_database_that_does_not_answer_is_named(world: World) -> None:
    engine = world.a.sessions.kw["bind"]

    def refuse(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    sa.event.listen(engine, "before_cursor_execute", refuse)
    status, told = health(world)
    sa.event.remove(engine, "before_cursor_execute", refuse)
    assert status == 503
    assert (told["database"], told["messaging"]) == ("The database does not answer.", "ok")


def test_a_broker_that_does_not_answer_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broker, "answers", lambda self: False)
    status, told = health(world)
    assert status == 503
    assert told["messaging"] == "The message broker does not answer."
    assert told["database"] == "ok"


def test_what_coordinates_the_engines_is_named(world: World) -> None:
    world.a.stop_engine()
    assert health(world)[0] == 200
    folder = world.a.conf.coordination.backend_url.removeprefix("file://")
    shutil.rmtree(folder)
    with open(folder, "w"):
        status, told = health(world)
    assert status == 503
    assert told["coordination"] == "What coordinates the engines does not answer."
    assert told["engines_alive"] is None
