# SPDX-License-Identifier: Apache-2.0
"""Notifications of what an operation is doing, for whoever listens to the broker.

They are handed to a thread: a broker that does not answer holds no operation up.
"""

import contextlib
import logging
import queue
import threading
from typing import Any, Literal, NamedTuple

import oslo_messaging
from oslo_config import cfg
from sqlalchemy.orm import Session, sessionmaker
from taskflow import states
from taskflow.engines.base import Engine
from taskflow.listeners import base

from protector.context import Context
from protector.db import operations
from protector.domain.operation import Status
from protector.schemas import operation as schema

LOG = logging.getLogger(__name__)

# What waits while the broker is away; beyond it, news are lost.
WAITING = 1000
# Seconds that an engine which ends waits for its last news to be sent.
FAREWELL = 2.0
STEP_ENDED = (states.SUCCESS, states.FAILURE, states.REVERTED, states.REVERT_FAILURE)

Event = Literal["operation.start", "operation.step", "operation.end", "operation.error"]


class News(NamedTuple):
    context: Context
    event: Event
    payload: dict[str, Any]


class Announcer:
    """Sends in the order in which it is told, as [oslo_messaging_notifications] says."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        transport = oslo_messaging.get_notification_transport(conf)
        publisher = f"protector-engine.{conf.engine.host}"
        self._notifier = oslo_messaging.Notifier(transport, publisher)
        self._waiting: queue.Queue[News | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._send, name="announcer", daemon=True)
        self.wanted = bool(conf.oslo_messaging_notifications.driver)
        if self.wanted:
            self._thread.start()

    def tell(self, news: News) -> None:
        """Return at once."""
        try:
            self._waiting.put_nowait(news)
        except queue.Full:
            LOG.warning("The broker takes no notifications: %s is not told", news.event)

    def stop(self) -> None:
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            self._thread.join(FAREWELL)

    # -- inside -------------------------------------------------------------------------------

    def _send(self) -> None:
        while news := self._waiting.get():
            send = self._notifier.error if news.event == "operation.error" else self._notifier.info
            send(news.context, news.event, news.payload)


class Announcements:
    """Of one operation; its payloads are what the API shows of it."""

    def __init__(
        self, announcer: Announcer, sessions: sessionmaker[Session], context: Context
    ) -> None:
        self._announcer = announcer
        self._sessions = sessions
        self._context = context

    def begun(self) -> None:
        self._tell("operation.start")

    def step(self, name: str) -> None:
        self._tell("operation.step", step=name)

    def ended(self) -> None:
        self._tell(None)

    # -- inside -------------------------------------------------------------------------------

    def _tell(self, event: Event | None, *, step: str | None = None) -> None:
        if not self._announcer.wanted:
            return
        operation_id = str(self._context.operation_id)
        with self._sessions.begin() as session:
            row = operations.get(session, operation_id)
            steps = operations.steps_of(session, [operation_id])[operation_id]
        payload = schema.announced(row, steps, step=step)
        end: Event = "operation.error" if row.status is Status.FAILED else "operation.end"
        self._announcer.tell(News(self._context, event or end, payload))


class StepAnnouncer(base.Listener):
    """Tells of each step that ended, once it is on record."""

    def __init__(self, engine: Engine, announcements: Announcements) -> None:
        super().__init__(engine)
        self._announcements = announcements

    def _task_receiver(self, state: str, details: dict[str, Any]) -> None:
        if state in STEP_ENDED:
            self._announcements.step(details["task_name"])
