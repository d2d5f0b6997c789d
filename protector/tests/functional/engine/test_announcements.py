# SPDX-License-Identifier: Apache-2.0
"""What an operation does is told to whoever listens to the broker, and nobody waits for that."""

import threading
from collections.abc import Iterator
from typing import Any

import oslo_messaging
import pytest
from functional.engine.world import World
from oslo_messaging.notify import _impl_test

from protector import errors


@pytest.fixture
def lost(world: World) -> World:
    world.protect("web1", "web2")
    world.lose_a()
    return world


@pytest.fixture
def heard(lost: World) -> Iterator[list[Any]]:
    """All that is notified, once the announcer was stopped."""
    oslo_messaging.get_notification_transport(lost.b.conf)  # it registers the options
    lost.b.conf.set_override("driver", ["test"], group="oslo_messaging_notifications")
    _impl_test.reset()
    yield _impl_test.NOTIFICATIONS
    _impl_test.reset()


def told(world: World, heard: list[Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return event, priority and payload of all that was heard."""
    world.b.equipment.announcer.stop()
    return [(m["event_type"], priority, m["payload"]) for _, m, priority, _ in heard]


def test_an_operation_is_told_from_its_start_to_its_end(lost: World, heard: list[Any]) -> None:
    operation = lost.fail_over()
    news = told(lost, heard)
    assert [event for event, _, _ in news] == [
        "operation.start",
        *["operation.step"] * 8,
        "operation.end",
    ]
    (_, _, start), *_, (_, _, end) = news
    assert (start["status"], start["step"]) == ("running", None)
    assert (end["status"], end["progress"]) == ("completed", 100)
    assert {payload["operation_id"] for _, _, payload in news} == {operation.id}
    assert {message["publisher_id"] for _, message, _, _ in heard} == {
        "protector-engine.engine-of-site-b"
    }


def test_each_step_is_told_as_it_is_on_record(lost: World, heard: list[Any]) -> None:
    lost.fail_over()
    steps = [payload["step"] for event, _, payload in told(lost, heard) if payload["step"]]
    assert steps[0]["name"] == "validate_target_site"
    assert {step["status"] for step in steps} == {"completed"}
    assert all(step["detail"] for step in steps if step["name"].startswith("recreate_vm"))


def test_a_failure_is_an_error_and_says_why(lost: World, heard: list[Any]) -> None:
    lost.b.cloud.faults.set(
        "recreate_server", errors.CloudError(service="Nova", site="site-b", reason="no valid host")
    )
    lost.fail_over()
    event, priority, payload = told(lost, heard)[-1]
    assert (event, priority, payload["status"]) == ("operation.error", "ERROR", "failed")
    assert "no valid host" in payload["error_message"]


def test_it_is_told_who_asked_and_no_token(lost: World, heard: list[Any]) -> None:
    lost.fail_over()
    told(lost, heard)
    for context, message, _, _ in heard:
        assert context.request_id == "req-1"
        assert (message["payload"]["user_id"], message["payload"]["project_id"]) == (
            "alice",
            "project-b",
        )
        assert "token" not in str(message["payload"])
        assert not context.auth_token


def test_nothing_is_told_unless_a_driver_is_set(lost: World) -> None:
    _impl_test.reset()
    lost.fail_over()
    lost.b.equipment.announcer.stop()
    assert _impl_test.NOTIFICATIONS == []


def test_a_broker_that_does_not_answer_holds_no_operation_up(
    lost: World, heard: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    back = threading.Event()
    monkeypatch.setattr(_impl_test.TestDriver, "notify", lambda *_: back.wait(30))
    try:
        assert lost.fail_over().status == "completed"
        assert heard == []
    finally:
        back.set()


def test_what_a_broker_never_takes_is_lost_and_logged(
    lost: World,
    heard: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    back = threading.Event()
    monkeypatch.setattr(_impl_test.TestDriver, "notify", lambda *_: back.wait(30))
    lost.b.equipment.announcer._waiting.maxsize = 1
    try:
        assert lost.fail_over().status == "completed"
        assert "The broker takes no notifications: operation.step is not told" in caplog.text
    finally:
        back.set()
