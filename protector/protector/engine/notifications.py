# SPDX-License-Identifier: Apache-2.0
"""Hear from Nova, Neutron and Cinder that something of a project has changed.

A notification is no more than a hint of where to look: it may be lost, late or doubled.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import oslo_messaging
from oslo_config import cfg

# A queue of Protector's own, so that nothing is taken away from others who read the topic. The
# engines of a site share it: each notification comes to one of them.
POOL = "protector"
PROJECT = ("project_id", "tenant_id")


class Notifications:
    """Calls ``seen`` with the projects of each notification, from several threads.

    The service user's project and an administrator's may be among them. Where the site has no
    [notifications] transport_url, nothing is ever heard.
    """

    def __init__(self, conf: cfg.ConfigOpts, seen: Callable[[set[str]], None]) -> None:
        self._conf = conf
        self._endpoint = _Endpoint(seen)
        self._server: Any = None
        self._starting: threading.Thread | None = None

    def start(self) -> None:
        """Return at once: the broker may be away, and is waited for without end."""
        if self._conf.notifications.transport_url:
            self._server = self._listener()
            self._starting = threading.Thread(target=self._server.start, daemon=True)
            self._starting.start()

    def stop(self) -> None:
        if self._starting and not self._starting.is_alive():
            self._server.stop()
            self._server.wait()

    # -- inside -------------------------------------------------------------------------------

    def _listener(self) -> Any:
        options = self._conf.notifications
        targets = [
            oslo_messaging.Target(exchange=exchange, topic=topic)
            for exchange in options.exchanges
            for topic in options.topics
        ]
        return oslo_messaging.get_notification_listener(
            oslo_messaging.get_notification_transport(self._conf, url=options.transport_url),
            targets,
            [self._endpoint],
            executor="threading",
            pool=POOL,
        )


class _Endpoint:
    # Not what is about to change, nor what tells from time to time of what is there, nor ours.
    filter_rule = oslo_messaging.NotificationFilter(
        event_type=r"(?!.*\.(start|exists|usage)$)", publisher_id=r"(?!protector-engine\.)"
    )

    def __init__(self, seen: Callable[[set[str]], None]) -> None:
        self._seen = seen

    def info(
        self,
        ctxt: dict[str, Any],
        publisher_id: str,
        event_type: str,
        payload: dict[str, Any],
        metadata: dict[str, Any],
    ) -> None:
        projects = {*_projects(ctxt), *_projects(payload)}
        if projects:
            self._seen(projects)


def _projects(told: Any) -> Iterator[str]:
    """Yield the projects named anywhere: Neutron wraps what has changed, once or in a list."""
    if isinstance(told, dict):
        yield from (told[name] for name in PROJECT if told.get(name))
        for part in told.values():
            yield from _projects(part)
    elif isinstance(told, list):
        for part in told:
            yield from _projects(part)
