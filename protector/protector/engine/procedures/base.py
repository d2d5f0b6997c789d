# SPDX-License-Identifier: Apache-2.0
"""What an engine has to know of a kind of operation."""

import abc
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session
from taskflow.flow import Flow

from protector.db import groups
from protector.db.models import ProtectionGroup
from protector.domain import group
from protector.engine.work import Work

W = TypeVar("W", bound=Work)

RETRY = "Once that is mended, go on: openstack protector operation retry {operation}"


class Procedure(abc.ABC, Generic[W]):
    #: What its steps are built from.
    work: type[W]

    def open(self, **parts: Any) -> W:
        """Return what the operation's steps are built from.

        :param parts: the fields of its :attr:`work`.
        """
        return self.work(**parts)

    @abc.abstractmethod
    def flow(self, work: W) -> Flow:
        """Return the operation's steps: a function of the saved work alone.

        So an engine that starts again builds the very same flow, and goes on after the last step
        that ended.
        """

    def bearable(self, work: W) -> set[str]:
        """Return the names of the steps whose failure does not make the operation fail."""
        return set()

    def left(self, session: Session, work: W) -> list[str]:
        """Return, for each thing that was made and not undone, a sentence with its removal."""
        return []

    def give_back(
        self,
        session: Session,
        work: W,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        """Let the group leave the operation, which did not go through.

        :param row: the group, busy with this operation.
        :param said: what the operation's record says of it.
        """
        groups.advance(session, row, group.RETURN[work.document.status])

    def way_on(self, work: W) -> str:
        """Return what a person reads last of an operation that failed."""
        return RETRY.format(operation=work.claim.operation_id)
