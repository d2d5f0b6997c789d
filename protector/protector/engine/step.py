# SPDX-License-Identifier: Apache-2.0
"""The base of every step an operation takes."""

import re
from typing import Any

from taskflow import task

from protector import errors
from protector.domain.operation import Cancel
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
        """A safe point: nothing of this step is made yet.

        :raises OperationCancelled: the operation is to end here.
        """
        self.work.must_be_ours()
        if self.stops_for(self.work.cancelled()):
            raise errors.OperationCancelled(operation=self.work.claim.operation_id)

    def stops_for(self, cancel: Cancel | None) -> bool:
        """Tell whether the step is not to begin, when the operation is cancelled like that."""
        return cancel is not None

    def pre_revert(self) -> None:
        self.work.must_be_ours()

    def revert(self, *args: Any, **kwargs: Any) -> bool:
        """Undo, unless VMs run on what was made: they stay, with all that they need.

        Somebody who cancels can ask that nothing is undone, or everything.

        :returns: whether it is undone.
        """
        cancel = self.work.cancelled()
        if cancel is Cancel.KEEP or (self.work.servers() and cancel is None):
            return False
        self.undo()
        return True

    def undo(self) -> None:
        """Take back what ``execute`` made, also when it ended half-way or never returned."""
