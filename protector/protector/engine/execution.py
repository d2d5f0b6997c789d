# SPDX-License-Identifier: Apache-2.0
"""One operation, from an engine's claim to its end."""

import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session
from taskflow import engines, states
from taskflow.engines.base import Engine
from taskflow.persistence.models import FlowDetail

from protector import errors
from protector.context import of_operation
from protector.db import claims, documents, groups, operations, steps
from protector.db.claims import Claim
from protector.db.models import now
from protector.domain import operation
from protector.domain.group import COURSES
from protector.domain.operation import ARGUMENTS, Cancel, StepStatus
from protector.engine.announcements import Announcements, StepAnnouncer
from protector.engine.flows.plan import outline
from protector.engine.persistence import Persistence
from protector.engine.procedures import PROCEDURES
from protector.engine.recorder import Recorder
from protector.engine.work import Equipment, Work

LOG = logging.getLogger(__name__)

CANCELLED = {
    Cancel.UNDO: "The operation was cancelled, and what it had made is undone.",
    Cancel.KEEP: "The operation was cancelled; what it had made is kept for a retry.",
}


class Execution:
    def __init__(self, equipment: Equipment, persistence: Persistence, claim: Claim) -> None:
        self._equipment = equipment
        self._persistence = persistence
        self._claim = claim
        self._engine: Engine | None = None
        self._suspended = False

    def run(self) -> None:
        """Run the operation's flow from where it stands, and settle operation and group.

        It returns early when it is suspended; the operation then waits for an engine.

        :raises ClaimLost: somebody else has taken the operation over.
        """
        work = self._open()
        flow = self._procedure.flow(work)
        plan = outline(flow)
        self._hold(plan=plan)
        announcements = Announcements(
            self._equipment.announcer, self._equipment.sessions, self._context
        )
        persistence = self._persistence.guarded(work.must_be_ours)
        book, detail = persistence.diary(self._claim.operation_id)
        # TaskFlow's own threads would take a second to notice that there is no more work.
        parallel: int = self._equipment.conf.engine.parallel_vms
        with ThreadPoolExecutor(parallel, initializer=self._context.update_store) as threads:
            engine = engines.load(
                flow,
                book=book,
                flow_detail=detail,
                backend=persistence,
                engine="parallel",
                executor=threads,
            )
            engine.compile()
            self._engine = engine
            # When it has ended, an engine died before it could settle.
            if not _ended(detail) and not self._suspended:
                announcements.begun()
                self._go(engine, detail, plan, announcements)
        if _ended(detail):
            self._settle(work, detail, plan)
            persistence.forget(self._claim.operation_id)
            announcements.ended()

    def suspend(self) -> None:
        """Start no further step."""
        self._suspended = True
        if self._engine:
            # The engine writes down that it is suspended; not in what is another's by now.
            with contextlib.suppress(errors.ClaimLost):
                self._engine.suspend()

    # -- inside -------------------------------------------------------------------------------

    def _hold(self, **values: object) -> None:
        with self._equipment.sessions.begin() as session:
            claims.hold(session, self._claim, **values)

    def _open(self) -> Work:
        """Return what the flow is built from; the first time, write it down for good."""
        with self._equipment.sessions.begin() as session:
            row = operations.get(session, self._claim.operation_id)
            self._context = of_operation(row)
            self._kind, self._procedure = row.kind, PROCEDURES[row.kind]
            arguments = ARGUMENTS[row.kind].model_validate(row.arguments)
            if arguments.document is None:
                arguments.document = documents.in_force(session, row.group_id).checksum
                claims.hold(session, self._claim, arguments=arguments.model_dump(mode="json"))
            work: Work = self._procedure.open(
                equipment=self._equipment,
                claim=self._claim,
                user_id=row.user_id,
                trust_id=row.trust_id,
                document=documents.get(session, row.group_id, arguments.document).document,
                arguments=arguments,
            )
            return work

    def _go(
        self,
        engine: Engine,
        detail: FlowDetail,
        plan: dict[str, list[str]],
        announcements: Announcements,
    ) -> None:
        engine.prepare()
        with (
            Recorder(engine, self._equipment.sessions, self._claim, plan) as recorder,
            StepAnnouncer(engine, announcements),
        ):
            recorder.catch_up()
            try:
                engine.run()
            except Exception:
                self._hold()  # else that is why it ended, and whoever has it by now goes on
                # A step's failure comes out here too, after its undoing; it is on record already.
                if not _ended(detail):
                    raise
            recorder.catch_up()

    def _settle(self, work: Work, detail: FlowDetail, plan: dict[str, list[str]]) -> None:
        """End the operation, and the group's being busy with it, in one transaction."""
        with self._equipment.sessions.begin() as session:
            claims.hold(session, self._claim)  # first, as whoever cancels takes the group second
            failed = _failed(session, self._claim.operation_id, plan)
            borne = failed.keys() <= self._procedure.bearable(work)
            status = operation.Status.COMPLETED if borne else operation.Status.FAILED
            said = list(failed.values())
            if detail.state != states.SUCCESS:
                said = self._release(session, work, said, undone=detail.state != states.FAILURE)
                status = operation.Status.FAILED
            cancel = operations.cancelled(session, self._claim.operation_id)
            if cancel and said and detail.state != states.FAILURE:
                status = operation.Status.CANCELLED
            if status is operation.Status.FAILED:
                said.append(self._procedure.way_on(work))
            claims.hold(
                session,
                self._claim,
                status=status,
                error_message="\n".join(said) or None,
                completed_at=now(),
            )

    def _release(
        self, session: Session, work: Work, faults: list[str], *, undone: bool
    ) -> list[str]:
        """Let the group go back to where it came from, if nothing is in the way.

        :returns: all that is to be said: the faults, and what is left.
        """
        cancel = operations.cancelled(session, self._claim.operation_id)
        said = [*faults, *([CANCELLED[cancel]] if cancel else [])]
        if not undone or cancel is Cancel.KEEP:
            said += self._procedure.left(session, work)
        said = said or [errors.ProtectorError().text]
        row = groups.get(session, work.group_id)
        # Else it is failed over, say, and what failed came after that.
        if row.status is COURSES[self._kind].busy:
            self._procedure.give_back(session, work, row, said, undone=undone)
        return said


def _ended(detail: FlowDetail) -> bool:
    """Whether the flow is at its end: done, undone, or stuck while undoing.

    A flow is in failure also when its engine could not write down how far it had come.
    """
    if detail.state == states.FAILURE:
        return any(atom.state == states.REVERT_FAILURE for atom in detail)
    return detail.state in (states.SUCCESS, states.REVERTED)


def _failed(session: Session, operation_id: str, plan: dict[str, list[str]]) -> dict[str, str]:
    """Return the steps that failed, in the plan's order, and what is said of them."""
    begun = steps.get_all(session, operation_id)
    return {
        name: begun[name].detail or errors.ProtectorError().text
        for names in plan.values()
        for name in names
        if name in begun and begun[name].status is StepStatus.FAILED
    }
