# SPDX-License-Identifier: Apache-2.0
"""A Cinder that has one VM's volumes done, and is still at those of the other one."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from functional.engine.world import World

from protector import errors
from protector.cloud.base import Outcome, VolumeRequest
from protector.cloud.fake import FakeTenantCloud

# Seconds.
PATIENCE, PAUSE = 10, 0.5


class SlowCinder:
    """``waits``: called before it goes on with web2's volumes; ``fault``: in place of that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: Callable[[], object] = lambda: None
        self.fault: Exception | None = None
        at_once = FakeTenantCloud.manage_volumes

        def manage_volumes(
            cloud: FakeTenantCloud, requests: Sequence[VolumeRequest], **how: Any
        ) -> list[Outcome]:
            first = [request for request in requests if request.name.startswith("web1")]
            others = [request for request in requests if request not in first]
            done = at_once(cloud, first, **how)
            if others:
                self.waits()
                if self.fault:
                    raise self.fault
            return [*done, *at_once(cloud, others, **how)]

        monkeypatch.setattr(FakeTenantCloud, "manage_volumes", manage_volumes)


@pytest.fixture
def cinder(monkeypatch: pytest.MonkeyPatch) -> SlowCinder:
    return SlowCinder(monkeypatch)


@pytest.fixture
def lost(world: World) -> World:
    world.protect("web1", "web2")
    world.lose_a()
    return world


def test_a_vm_is_started_when_its_own_volumes_are_there(lost: World, cinder: SlowCinder) -> None:
    started = threading.Event()
    lost.b.cloud.faults.set("recreate_server", lambda request: started.set())
    was_started: list[bool] = []
    cinder.waits = lambda: was_started.append(started.wait(PATIENCE))
    operation = lost.fail_over()
    assert operation.status == "completed"
    assert was_started == [True]
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}
    assert lost.b.steps(operation.id)["manage_volumes_into_cinder"].detail == (
        "2 volumes managed; Cinder is at 2 more"
    )


def test_what_cinder_is_still_at_is_given_back_when_all_is_undone(
    world: World, cinder: SlowCinder
) -> None:
    """web1 is refused, so web2 is never begun, and nothing has waited for its volumes."""
    world.protect("web1", "web2")
    world.a.edits.change_member(world.group_id, "web1", {"boot_priority": 1})
    refused, letting_go = threading.Event(), threading.Event()

    def refuse(request: object) -> None:
        refused.set()
        raise errors.CloudError(service="Nova", site="site-b", reason="No valid host was found.")

    def wait() -> None:
        refused.wait(PATIENCE)
        letting_go.wait(PAUSE)

    world.b.cloud.faults.set("recreate_server", refuse)
    world.b.cloud.faults.set("unmanage_volumes", lambda keys: letting_go.set())
    cinder.waits = wait
    assert world.fail_over(type="planned").status == "failed"
    assert world.leftovers() == []


def test_that_the_others_volumes_cannot_be_had_costs_only_the_others(
    lost: World, cinder: SlowCinder
) -> None:
    cinder.fault = errors.CloudError(service="Cinder", site="site-b", reason="It is full.")
    operation = lost.fail_over()
    assert lost.servers() == {"web1": "ACTIVE"}
    assert lost.group.status == "failed_over_partial"
    assert "web2" in (operation.error_message or "")
    assert "It is full." in (operation.error_message or "")


def test_a_fault_that_passes_costs_nothing(lost: World, cinder: SlowCinder) -> None:
    lost.b.conf.set_override("step_budget", 20, group="engine")
    unavailable = errors.CloudUnavailable(service="Cinder", site="site-b", reason="HTTP 503")
    faults = [unavailable, None]

    def meet() -> None:
        cinder.fault = faults.pop(0)

    cinder.waits = meet
    assert lost.fail_over().status == "completed"
    assert lost.servers() == {"web1": "ACTIVE", "web2": "ACTIVE"}
