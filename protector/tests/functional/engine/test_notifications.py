# SPDX-License-Identifier: Apache-2.0
"""What Nova, Neutron and Cinder tell, sent as they send it, over a broker in memory."""

import queue
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import oslo_messaging
import pytest
from oslo_config import cfg
from oslo_context.context import RequestContext

from protector import conf as options
from protector.engine.notifications import Notifications
from protector.rpc import ContextSerializer

# Seconds.
PATIENCE = 10
# A port on which no broker listens.
AWAY = """
from oslo_config import cfg
from protector import conf as options
from protector.engine.notifications import Notifications
options.register(conf := cfg.ConfigOpts())
conf.set_override("site_name", "site-a")
conf.set_override("transport_url", "rabbit://u:p@127.0.0.1:1/", group="notifications")
conf([])
notifications = Notifications(conf, lambda projects: None)
notifications.start()
print("started")
notifications.stop()
print("stopped")
"""
INSTANCE = {"tenant_id": "acme", "instance_id": "1", "display_name": "web1"}


@pytest.fixture
def conf() -> Iterator[cfg.ConfigOpts]:
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf.set_override("site_name", "site-a")
    conf.set_override("transport_url", "fake:/", group="notifications")
    conf([])
    broker = oslo_messaging.get_notification_transport(conf, url="fake:/")
    yield conf
    broker.cleanup()


@pytest.fixture
def seen(conf: cfg.ConfigOpts) -> Iterator["queue.Queue[set[str]]"]:
    seen: queue.Queue[set[str]] = queue.Queue()
    notifications = Notifications(conf, seen.put)
    notifications.start()
    yield seen
    notifications.stop()


def notify(
    conf: cfg.ConfigOpts,
    event: str,
    payload: dict[str, Any],
    *,
    exchange: str = "nova",
    by: str | None = None,
    publisher: str = "a.service",
) -> None:
    """Send a notification as the service does whose ``control_exchange`` this is.

    :param by: the project of who asked for the change.
    """
    conf.set_override("control_exchange", exchange)
    notifier = oslo_messaging.Notifier(
        oslo_messaging.get_notification_transport(conf, url="fake:/"),
        publisher,
        driver="messagingv2",
        topics=["notifications"],
        serializer=ContextSerializer(),
    )
    notifier.info(RequestContext(project_id=by), event, payload)


@pytest.mark.parametrize(
    ("exchange", "event", "payload"),
    [
        ("nova", "compute.instance.update", INSTANCE),
        ("neutron", "port.update.end", {"port": {"id": "2", "project_id": "acme"}}),
        ("neutron", "port.create.end", {"ports": [{"id": "2", "tenant_id": "acme"}]}),
        ("openstack", "volume.attach.end", {"volume_id": "3", "tenant_id": "acme"}),
    ],
)
def test_a_change_is_heard_from_each_service_with_its_project(
    conf: cfg.ConfigOpts,
    seen: "queue.Queue[set[str]]",
    exchange: str,
    event: str,
    payload: dict[str, Any],
) -> None:
    notify(conf, event, payload, exchange=exchange)
    assert seen.get(timeout=PATIENCE) == {"acme"}


def test_who_did_it_is_told_too(conf: cfg.ConfigOpts, seen: "queue.Queue[set[str]]") -> None:
    notify(conf, "port.delete.end", {"port_id": "2"}, by="acme")
    assert seen.get(timeout=PATIENCE) == {"acme"}


def test_what_changes_nothing_is_not_heard(
    conf: cfg.ConfigOpts, seen: "queue.Queue[set[str]]"
) -> None:
    notify(conf, "compute.instance.exists", INSTANCE)
    notify(conf, "compute.instance.resize.start", INSTANCE)
    notify(conf, "flavor.update", {"name": "of no project"})
    notify(conf, "operation.step", {"project_id": "acme"}, publisher="protector-engine.one")
    notify(conf, "compute.instance.resize.end", {"tenant_id": "last"})
    assert seen.get(timeout=PATIENCE) == {"last"}


def test_nothing_is_taken_away_from_others_who_listen(
    conf: cfg.ConfigOpts, seen: "queue.Queue[set[str]]"
) -> None:
    class Other:
        def __init__(self) -> None:
            self.heard: queue.Queue[str] = queue.Queue()

        def info(self, ctxt: object, publisher: object, event: str, *rest: object) -> None:
            self.heard.put(event)

    listener = oslo_messaging.get_notification_listener(
        oslo_messaging.get_notification_transport(conf, url="fake:/"),
        [oslo_messaging.Target(exchange="nova", topic="notifications")],
        [other := Other()],
        executor="threading",
    )
    listener.start()
    events = {f"compute.instance.update.{number}" for number in range(4)}
    for event in events:
        notify(conf, event, INSTANCE)
    assert {other.heard.get(timeout=PATIENCE) for _ in events} == events
    assert [seen.get(timeout=PATIENCE) for _ in events] == [{"acme"}] * len(events)
    listener.stop()
    listener.wait()


def test_a_site_without_notifications_hears_nothing_and_says_nothing(
    conf: cfg.ConfigOpts,
) -> None:
    conf.clear_override("transport_url", group="notifications")
    notifications = Notifications(conf, lambda projects: pytest.fail(f"heard of {projects}"))
    notifications.start()
    notifications.stop()


def test_a_broker_that_is_away_holds_nobody_up() -> None:
    """In a process of its own: what waits for the broker ends with the process alone."""
    done = subprocess.run([sys.executable, "-c", AWAY], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "started\nstopped\n"), done.stderr
