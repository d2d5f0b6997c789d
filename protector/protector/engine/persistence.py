# SPDX-License-Identifier: Apache-2.0
"""Where TaskFlow writes down how far a flow has come: tables of its own beside ours."""

import contextlib
import copy
import threading
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from taskflow.exceptions import NotFound
from taskflow.persistence import models
from taskflow.persistence.backends import impl_sqlalchemy


def _nobody_minds() -> None:
    pass


class _KeptConnection(impl_sqlalchemy.Connection):
    def __init__(
        self,
        backend: "Persistence",
        lock: threading.Lock,
        may_write: Callable[[], None],
        written: dict[str, Any],
    ):
        super().__init__(backend, lock)
        self._may_write = may_write
        self._written = written

    def close(self) -> None:
        pass

    def update_atom_details(self, detail: models.AtomDetail) -> models.AtomDetail:
        """Write, unless nothing is new but the step's progress, which is in our own record."""
        news = {name: value for name, value in detail.to_dict().items() if name != "meta"}
        if self._written.get(detail.uuid) == news:
            return detail
        self._may_write()
        written = super().update_atom_details(detail)
        self._written[detail.uuid] = news
        return written

    def update_flow_details(self, detail: models.FlowDetail) -> models.FlowDetail:
        self._may_write()
        return super().update_flow_details(detail)


class Persistence(impl_sqlalchemy.SQLAlchemyBackend):
    """TaskFlow's own backend, with one connection kept for each thread.

    A new connection brings new table objects, so that SQLAlchemy compiles every statement anew;
    and TaskFlow opens one for each thing it saves. Kept, they take a sixth of the time.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__({"connection": str(engine.url)}, engine=engine)
        self._kept = threading.local()
        self._may_write = _nobody_minds
        self._written: dict[str, Any] = {}
        with contextlib.closing(self.get_connection()) as connection:
            connection.upgrade()

    def get_connection(self) -> impl_sqlalchemy.Connection:
        if not hasattr(self._kept, "connection"):
            self._kept.connection = _KeptConnection(
                self, self._upgrade_lock, self._may_write, self._written
            )
        return self._kept.connection

    def guarded(self, may_write: Callable[[], None]) -> "Persistence":
        """Return what writes only after asking; an engine that was taken over must not any more.

        :param may_write: raises what is to come out instead.
        """
        mine = copy.copy(self)
        mine._kept, mine._written = threading.local(), {}
        mine._may_write = may_write
        return mine

    def diary(self, operation_id: str) -> tuple[models.LogBook, models.FlowDetail]:
        """Return what is written of an operation's flow; begins it when nothing is."""
        book_id = operation_id.removeprefix("op-")
        connection = self.get_connection()
        try:
            book = connection.get_logbook(book_id)
        except NotFound:
            book = models.LogBook(operation_id, uuid=book_id)
            book.add(models.FlowDetail(operation_id, uuid=str(uuid.uuid4())))
            book = connection.save_logbook(book)
        (detail,) = book
        return book, detail

    def forget(self, operation_id: str) -> None:
        """Remove what is written of an operation that has ended."""
        with contextlib.suppress(NotFound):
            self.get_connection().destroy_logbook(operation_id.removeprefix("op-"))
