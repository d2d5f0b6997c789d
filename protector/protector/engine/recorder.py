# SPDX-License-Identifier: Apache-2.0
"""Tell the operation's record what its flow is doing."""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, sessionmaker
from taskflow import states
from taskflow.engines.base import Engine
from taskflow.listeners import base
from taskflow.types.failure import Failure

from protector import errors
from protector.db import claims, steps
from protector.db.claims import Claim
from protector.domain import progress
from protector.domain.operation import StepStatus

LOG = logging.getLogger(__name__)

ENDS = (states.SUCCESS, states.FAILURE, states.REVERT_FAILURE)


class Recorder(base.Listener):
    """Writes each step into the row as it begins and ends, as long as the claim holds."""

    def __init__(
        self,
        engine: Engine,
        sessions: sessionmaker[Session],
        claim: Claim,
        plan: Mapping[str, list[str]],
    ) -> None:
        super().__init__(engine)
        self._sessions = sessions
        self._claim = claim
        self._plan = plan
        self._phase = {step: phase for phase, names in plan.items() for step in names}
        # The steps that have ended: read once, as there may be hundreds.
        self._done: set[str] = set()

    def catch_up(self) -> None:
        """Write what TaskFlow knows and the record does not.

        An engine may have died between the two, or the database may have been away for a moment.
        """
        storage = self._engine.storage
        with self._sessions.begin() as session:
            begun = steps.get_all(session, self._claim.operation_id)
        self._done = {name for name, step in begun.items() if step.status is not StepStatus.RUNNING}
        for name in self._phase:
            state = storage.get_atom_state(name)
            told = begun[name].status if name in begun else None
            if state in (states.SUCCESS, states.FAILURE) and told in (None, StepStatus.RUNNING):
                self._write(name, state, storage.get(name))
            elif state == states.REVERTED and told is StepStatus.COMPLETED:
                self._write(name, state, storage.get_revert_result(name))

    def _task_receiver(self, state: str, details: dict[str, Any]) -> None:
        self._write(details["task_name"], state, details.get("result"))

    def _write(self, name: str, state: str, result: Any) -> None:
        try:
            with self._sessions.begin() as session:
                # The operation's row comes first, everywhere: else two wait for each other.
                claims.hold(session, self._claim, **self._progress(name, state, result))
                self._step(session, name, state, result)
        except errors.ClaimLost as lost:
            LOG.warning("%s", lost)

    def _step(self, session: Session, name: str, state: str, result: Any) -> None:
        operation_id = self._claim.operation_id
        unheard = state in ENDS and steps.find(session, operation_id, name) is None
        if state == states.RUNNING or unheard:
            steps.begun(session, operation_id, name, self._phase[name])
        if state in (states.SUCCESS, states.FAILURE):
            steps.ended(session, operation_id, name, *outcome(result))
        elif state == states.REVERTED and result:
            steps.undone(session, operation_id, name)
        elif state == states.REVERT_FAILURE:
            steps.ended(session, operation_id, name, StepStatus.FAILED, sentence(result))

    def _progress(self, name: str, state: str, result: Any) -> dict[str, int]:
        """What is undone was done before: progress does not go back."""
        if state == states.RUNNING:
            self._done.discard(name)
        elif state in ENDS or (state == states.REVERTED and result):
            self._done.add(name)
        return {"progress": progress.percent(self._plan, self._done)}


def outcome(result: Any) -> tuple[StepStatus, str | None]:
    """Return how a step ended, and the sentence about it."""
    if isinstance(result, Failure):
        cancelled = result.check(errors.OperationCancelled)
        return StepStatus.UNDONE if cancelled else StepStatus.FAILED, sentence(result)
    if result.get("fault"):
        return StepStatus.FAILED, result["fault"]
    return StepStatus.COMPLETED, result.get("detail")


def sentence(failure: Failure) -> str:
    """Return what to tell a person of a failure; the log gets the rest."""
    if failure.check(errors.ProtectorError):
        return str(failure.exception_str)
    LOG.error("A step failed unexpectedly: %s", failure.pformat(traceback=True))
    return errors.ProtectorError().text
