# SPDX-License-Identifier: Apache-2.0
"""The base of every step an operation takes."""

import re
from typing import Any

from taskflow import task

from protector.engine.work import Work

# What a step gives back: plain JSON, since it comes back as such after a restart. ``detail`` is
# for the operation's record, ``fault`` says that the step failed and the others go on.
Result = dict[str, Any]


class Step(task.Task):
    """One named unit of work that may run twice and can be undone.

    Its class gives it its public name: ``PromoteVolumesFromSnapshot`` is reported as
    ``promote_volumes_from_snapshot``. Names are how a flow is found again after a restart.
    """

    def __init__(self, work: Work, name: str | None = None) -> None:
        super().__init__(name or re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower())
        self.work = work

    def pre_execute(self) -> None:
        self.work.must_be_ours()

    def pre_revert(self) -> None:
        self.work.must_be_ours()

    def revert(self, *args: Any, **kwargs: Any) -> bool:
        """Undo, unless VMs run on what was made: they stay, with all that they need.

        :returns: whether it is undone.
        """
        if self.work.servers():
            return False
        self.undo()
        return True

    def undo(self) -> None:
        """Take back what ``execute`` made, also when it ended half-way or never returned."""
