# SPDX-License-Identifier: Apache-2.0
"""The base of every step an operation takes."""

import contextlib
import functools
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar

import tenacity
from sqlalchemy.exc import DBAPIError
from taskflow import task

from protector import errors
from protector.cloud.base import Outcome
from protector.db import claims, steps
from protector.domain.operation import Cancel
from protector.engine.work import Work

# What a step gives back: plain JSON, since it comes back as such after a restart. ``detail`` is
# for the operation's record, ``fault`` says that the step failed and the others go on.
Result = dict[str, Any]

# What is in a step's way and may pass: a service, the array, the peer, or our own database.
SILENCE = (*errors.PASSING, errors.PeerUnreachable)
PASSING = (*SILENCE, DBAPIError)
# Seconds between two attempts, at first and at most.
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0

TRIED = " (after "

P = ParamSpec("P")
R = TypeVar("R")


class Step(task.Task):
    """One named unit of work that may run twice and can be undone.

    Its class gives it its public name: ``PromoteVolumesFromSnapshot`` is reported as
    ``promote_volumes_from_snapshot``. Names are how a flow is found again after a restart.
    """

    def __init__(self, work: Work, name: str | None = None) -> None:
        super().__init__(name or re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower())
        self.work = work
        self._began, self._undoes = time.monotonic(), False
        self._attempts = 0

    def pre_execute(self) -> None:
        """A safe point: nothing of this step is made yet.

        :raises OperationCancelled: the operation is to end here.
        """
        self._began, self._undoes = time.monotonic(), False
        self.patiently(self.work.must_be_ours)
        if self.stops_for(self.patiently(self.work.cancelled)):
            raise errors.OperationCancelled(operation=self.work.claim.operation_id)

    def stops_for(self, cancel: Cancel | None) -> bool:
        """Tell whether the step is not to begin, when the operation is cancelled like that."""
        return cancel is not None

    def pre_revert(self) -> None:
        self._began, self._undoes = time.monotonic(), True
        self.patiently(self.work.must_be_ours)

    def revert(self, *args: Any, **kwargs: Any) -> bool:
        """Undo, unless what was made has to stay, as what VMs run on.

        Somebody who cancels can ask that nothing is undone, or everything.

        :returns: whether it is undone.
        """
        return self.patiently(self._undone)

    def undo(self) -> None:
        """Take back what ``execute`` made, also when it ended half-way or never returned."""

    def patiently(
        self, action: Callable[[], R], unless: Callable[[R], bool] = lambda result: True
    ) -> R:
        """Do what may be done twice, again and again as long as what is in its way may pass.

        The step's budget is one for all that it does so. When it is spent, or the operation is
        cancelled, the last result is returned, or the last fault raised, which then says how often
        it was tried.

        :param unless: whether a result is final.
        """
        repeating = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PASSING) | tenacity.retry_if_not_result(unless),
            stop=self._must_stop,
            wait=tenacity.wait_random_exponential(FIRST_WAIT, LONGEST_WAIT),
            before=self._before,
            retry_error_callback=self._end,
        )
        return repeating(self._attempt, action)

    def came_on(self) -> None:
        """Begin the budget anew: what is waited for has come on, however long it takes."""
        self._began = time.monotonic()

    def tell(self, detail: str) -> None:
        """Put on record how far the step has come, while it runs."""
        operation_id = self.work.claim.operation_id
        with self.work.sessions.begin() as session:
            claims.hold(session, self.work.claim)
            steps.told(session, operation_id, self.name, detail)

    def tried(self) -> str:
        """Say what was done about a fault that did not pass."""
        if self._attempts < 2:
            return ""
        return f"{TRIED}{self._attempts} attempts in {time.monotonic() - self._began:.0f} seconds)"

    # -- inside -------------------------------------------------------------------------------

    def _undone(self) -> bool:
        cancel = self.work.cancelled()
        if cancel is Cancel.KEEP or (self.work.must_stay() and cancel is None):
            return False
        self.undo()
        return True

    def _before(self, state: tenacity.RetryCallState) -> None:
        self._attempts = state.attempt_number

    def _attempt(self, action: Callable[[], R]) -> R:
        if self._attempts > 1:
            self.work.must_be_ours()
        return action()

    def _must_stop(self, state: tenacity.RetryCallState) -> bool:
        fault = state.outcome.exception() if state.outcome else None
        most = getattr(fault, "most_attempts", state.attempt_number + 1)
        spent = time.monotonic() - self._began + state.upcoming_sleep
        return (
            state.attempt_number >= most or spent >= self.work.step_budget or self._is_cancelled()
        )

    def _is_cancelled(self) -> bool:
        with contextlib.suppress(DBAPIError):
            return not self._undoes and self.work.cancelled() is not None
        return False

    def _end(self, state: tenacity.RetryCallState) -> Any:
        outcome = state.outcome
        fault = outcome.exception() if outcome else None
        if isinstance(fault, SILENCE):
            reason = str(fault.kwargs["reason"])
            if TRIED not in reason:  # by what waited for it within this
                reason += self.tried()
            raise type(fault)(**{**fault.kwargs, "reason": reason}) from None
        return outcome and outcome.result()


def settled(outcomes: Iterable[Outcome]) -> bool:
    """Whether each would come out the same if it were asked for again."""
    return not any(outcome.passing for outcome in outcomes)


def repeated(execute: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Let all of a step be done again when it meets a fault that may pass."""

    @functools.wraps(execute)
    def call(self: Step, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.patiently(lambda: execute(self, *args, **kwargs))

    return call
