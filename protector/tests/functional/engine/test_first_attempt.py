# SPDX-License-Identifier: Apache-2.0
"""Only what nobody can have asked for before is made without a look of its own."""

import contextlib

import pytest
from functional.engine.world import Killed, World

from protector import errors
from protector.cloud.base import ServerRequest

UNANSWERED = errors.CloudUnavailable(service="Nova", site="site-b", reason="503")
REFUSED = errors.CloudError(service="Nova", site="site-b", reason="no valid host")


class Nova:
    """Keeps of each request whether whoever asked was alone; meets it with ``faults``, in turn."""

    def __init__(self, world: World) -> None:
        self.alone: list[bool] = []
        self.faults: list[BaseException | None] = []
        world.b.cloud.faults.set("recreate_server", self.recreate)

    def recreate(self, request: ServerRequest) -> None:
        self.alone.append(request.alone_since is not None)
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault


@pytest.fixture
def nova(world: World) -> Nova:
    world.b.conf.set_override("parallel_vms", 1, group="engine")
    world.b.conf.set_override("step_budget", 20, group="engine")
    world.protect("web1", "web2")
    world.lose_a()
    return Nova(world)


def test_whoever_asks_first_is_alone(world: World, nova: Nova) -> None:
    assert world.fail_over().status == "completed"
    assert nova.alone == [True, True]


def test_whoever_asks_again_is_not(world: World, nova: Nova) -> None:
    nova.faults = [UNANSWERED]
    assert world.fail_over().status == "completed"
    assert nova.alone == [True, False, True]


def test_who_resumes_is_not(world: World, nova: Nova) -> None:
    nova.faults = [Killed()]
    operation_id = world.submit()
    with contextlib.suppress(Killed):
        world.run(operation_id)
    begun = len(nova.alone)
    world.restart()
    assert world.b.operation(operation_id).status == "completed"
    assert not any(nova.alone[begun:])


def test_who_comes_after_an_operation_that_failed_is_not(world: World, nova: Nova) -> None:
    nova.faults = [REFUSED, REFUSED]
    assert world.fail_over().status == "failed"
    assert world.fail_over().status == "completed"
    assert nova.alone == [True, True, False, False]


def test_who_brings_up_what_was_left_out_is_not(world: World, nova: Nova) -> None:
    nova.faults = [REFUSED]
    world.fail_over()
    assert world.group.status == "failed_over_partial"
    assert world.fail_over().status == "completed"
    assert nova.alone == [True, True, False]
