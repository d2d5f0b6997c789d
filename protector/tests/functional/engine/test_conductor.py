# SPDX-License-Identifier: Apache-2.0
"""Who runs an operation, and when."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from functional.engine.world import Killed, World

from protector import errors
from protector.db import operations, steps
from protector.db.models import OperationStep
from protector.engine.conductor import Conductor
from protector.engine.execution import Execution

PATIENCE = 20
# The engines of the site that are.
ALIVE = ("engine-of-site-b", "another")


@pytest.fixture
def lost(world: World) -> World:
    world.protect("web1", "web2")
    world.lose_a()
    return world


@contextlib.contextmanager
def conductor(world: World, host: str | None = None) -> Iterator[Conductor]:
    if host:
        world.b.conf.set_override("host", host, group="engine")
    made = Conductor(world.b.equipment, world.b.persistence)
    yield made
    made.stop(PATIENCE)


class Pause:
    """Holds up whoever calls it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, *args: object, **kwargs: object) -> None:
        self.reached.set()
        assert self.released.wait(PATIENCE)


def kill(*args: object, **kwargs: object) -> None:
    raise Killed


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.01)


def idle(engine: Conductor) -> bool:
    return not engine._running


def test_a_nudge_starts_the_operation_at_once(lost: World) -> None:
    operation_id = lost.submit()
    with conductor(lost) as engine:
        engine.start(operation_id)
        assert lost.b.operation(operation_id).status in ("running", "completed")
        wait_for(lambda: idle(engine))
    assert lost.b.operation(operation_id).status == "completed"


def test_an_operation_whose_nudge_was_lost_is_found(lost: World) -> None:
    operation_id = lost.submit()
    with conductor(lost) as engine:
        engine.sweep(ALIVE)
        wait_for(lambda: idle(engine))
    assert lost.b.operation(operation_id).status == "completed"


def test_the_trust_is_given_back_when_the_operation_has_ended(lost: World) -> None:
    operation_id = lost.submit()
    with conductor(lost) as engine:
        engine.start(operation_id)
        wait_for(lambda: idle(engine))
    assert lost.b.cloud.trusts == {}
    assert lost.b.operation(operation_id).trust_id is None


def test_a_trust_that_could_not_be_given_back_is_given_back_later(lost: World) -> None:
    error = errors.CloudError(service="Keystone", site="site-b", reason="Connection refused")
    lost.b.cloud.faults.set("drop_trust", error, times=1)
    with conductor(lost) as engine:
        engine.start(lost.submit())
        wait_for(lambda: idle(engine))
        assert lost.b.cloud.trusts
        engine.sweep(ALIVE)
    assert lost.b.cloud.trusts == {}


def test_of_engines_nudged_at_the_same_moment_one_runs_the_operation(lost: World) -> None:
    operation_id = lost.submit()
    engines = []
    for number in range(4):
        lost.b.conf.set_override("host", f"engine-{number}", group="engine")
        engines.append(Conductor(lost.b.equipment, lost.b.persistence))
    together = threading.Barrier(len(engines))

    def nudge(engine: Conductor) -> None:
        together.wait()
        engine.start(operation_id)

    with ThreadPoolExecutor(len(engines)) as threads:
        list(threads.map(nudge, engines))
    wait_for(lambda: all(map(idle, engines)))
    for engine in engines:
        engine.stop(PATIENCE)
    operation = lost.b.operation(operation_id)
    assert (operation.status, operation.generation) == ("completed", 1)
    assert lost.b.cloud.faults.calls.count("recreate_server") == 2


def test_an_engine_that_starts_again_resumes_what_it_ran(lost: World) -> None:
    lost.b.cloud.faults.set("manage_volumes", kill, times=1)
    operation_id = lost.submit()
    with pytest.raises(Killed):
        lost.run(operation_id)
    with conductor(lost) as engine:
        engine.sweep(ALIVE)
        wait_for(lambda: idle(engine))
    operation = lost.b.operation(operation_id)
    assert (operation.status, operation.generation) == ("completed", 2)


def test_an_engine_leaves_what_another_one_runs(lost: World) -> None:
    lost.b.cloud.faults.set("manage_volumes", kill, times=1)
    operation_id = lost.submit()
    with pytest.raises(Killed):
        lost.run(operation_id)
    with conductor(lost, host="another") as engine:
        engine.sweep(ALIVE)
        assert idle(engine)
    assert lost.b.operation(operation_id).status == "running"


def test_an_engine_that_stops_ends_its_step_and_the_next_one_goes_on(lost: World) -> None:
    pause = Pause()
    lost.b.cloud.faults.set("manage_volumes", pause, times=1)
    operation_id = lost.submit()
    engine = Conductor(lost.b.equipment, lost.b.persistence)
    engine.start(operation_id)
    assert pause.reached.wait(PATIENCE)
    stopping = threading.Thread(target=engine.stop, args=(PATIENCE,))
    stopping.start()
    pause.released.set()
    stopping.join(PATIENCE)
    operation = lost.b.operation(operation_id)
    assert (operation.status, operation.owner) == ("running", None)
    assert lost.servers() == {}

    with conductor(lost, host="another") as engine:
        engine.sweep(ALIVE)
        wait_for(lambda: idle(engine))
    assert lost.b.operation(operation_id).status == "completed"
    assert lost.b.array.faults.calls.count("promote") == 4


def test_a_step_that_does_not_end_in_time_is_left_as_it_is(lost: World) -> None:
    pause = Pause()
    lost.b.cloud.faults.set("manage_volumes", pause, times=1)
    operation_id = lost.submit()
    engine = Conductor(lost.b.equipment, lost.b.persistence)
    engine.start(operation_id)
    assert pause.reached.wait(PATIENCE)
    assert not engine.stop(0)
    assert lost.b.operation(operation_id).owner is None
    pause.released.set()
    wait_for(lambda: idle(engine))


def test_what_a_dead_engine_ran_is_taken_over(lost: World) -> None:
    lost.b.cloud.faults.set("manage_volumes", kill, times=1)
    operation_id = lost.submit()
    with pytest.raises(Killed):
        lost.run(operation_id)
    with conductor(lost, host="another") as engine:
        engine.sweep(["another"])
        wait_for(lambda: idle(engine))
    operation = lost.b.operation(operation_id)
    assert (operation.status, operation.owner, operation.generation) == ("completed", "another", 2)
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}


def test_nothing_is_taken_over_while_nobody_knows_who_lives(lost: World) -> None:
    lost.b.cloud.faults.set("manage_volumes", kill, times=1)
    operation_id = lost.submit()
    with pytest.raises(Killed):
        lost.run(operation_id)
    with conductor(lost, host="another") as engine:
        engine.sweep(None)
        assert idle(engine)
    assert lost.b.operation(operation_id).owner == "engine-of-site-b"


@pytest.mark.parametrize("step", ["promote", "manage_volumes", "recreate_server"])
def test_an_engine_that_was_paused_and_taken_over_does_no_harm(lost: World, step: str) -> None:
    pause = Pause()
    lost.b.array.faults.set(step, pause, times=1)
    lost.b.cloud.faults.set(step, pause, times=1)
    operation_id = lost.submit()
    paused = Conductor(lost.b.equipment, lost.b.persistence)
    paused.start(operation_id)
    assert pause.reached.wait(PATIENCE)
    with conductor(lost, host="another") as engine:
        engine.sweep(["another"])
        wait_for(lambda: idle(engine))
        ended = lost.b.operation(operation_id)
        assert (ended.status, ended.owner) == ("completed", "another")
        before = world_of(lost)
        paused.sweep(["another"])  # it sees at its next look, too, that it has lost it
        pause.released.set()
        wait_for(lambda: idle(paused))
    paused.stop(PATIENCE)
    assert world_of(lost) == before
    assert lost.b.operation(operation_id).updated_at == ended.updated_at


def world_of(world: World) -> tuple[object, ...]:
    """Return all that a second pair of hands could have doubled."""
    cloud, array = world.b.cloud, world.b.array
    return (
        dict(cloud.made_servers),
        dict(cloud.made_volumes),
        dict(array.volumes),
        {name: (step.status, step.ended_at) for name, step in steps_of(world).items()},
    )


def steps_of(world: World) -> dict[str, OperationStep]:
    with world.b.sessions.begin() as session:
        newest = operations.latest(session, world.group_id)
        return steps.get_all(session, newest.id)


def test_a_running_operation_shows_that_it_is_alive(lost: World) -> None:
    pause = Pause()
    lost.b.cloud.faults.set("manage_volumes", pause, times=1)
    operation_id = lost.submit()
    with conductor(lost) as engine:
        engine.start(operation_id)
        assert pause.reached.wait(PATIENCE)
        before = lost.b.operation(operation_id).updated_at
        time.sleep(0.01)
        engine.sweep(ALIVE)
        after = lost.b.operation(operation_id).updated_at
        pause.released.set()
        wait_for(lambda: idle(engine))
    operation = lost.b.operation(operation_id)
    assert (operation.status, operation.generation) == ("completed", 1)
    assert before is not None
    assert after is not None
    assert after > before


def test_an_operation_that_could_not_be_written_down_is_taken_up_again(
    lost: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away for a moment."""
    settle = Execution._settle
    failed = []

    def fail_once(self: Execution, *args: object) -> None:
        if not failed:
            failed.append(True)
            raise OSError("the database is away")
        settle(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Execution, "_settle", fail_once)
    operation_id = lost.submit()
    with conductor(lost) as engine:
        engine.start(operation_id)
        wait_for(lambda: idle(engine))
        assert lost.b.operation(operation_id).status == "running"
        engine.sweep(ALIVE)
        wait_for(lambda: idle(engine))
    assert lost.b.operation(operation_id).status == "completed"
