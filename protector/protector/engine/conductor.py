# SPDX-License-Identifier: Apache-2.0
"""Claims operations and runs them, several side by side; takes over those of dead engines."""

import logging
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from protector import errors
from protector.db import claims
from protector.db.claims import Claim
from protector.engine.execution import Execution
from protector.engine.persistence import Persistence
from protector.engine.sweeps.trusts import Trusts
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# What is asked beyond this waits in the queue, where another engine may find it.
AT_ONCE = 8


class Conductor:
    def __init__(self, equipment: Equipment, persistence: Persistence) -> None:
        self._equipment = equipment
        self._persistence = persistence
        self._trusts = Trusts(equipment)
        self._owner: str = equipment.conf.engine.host
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="operation")
        self._lock = threading.Condition()
        self._running: dict[Claim, Execution] = {}
        self._stopping = False

    def start(self, operation_id: str) -> None:
        """Claim the operation and run it; nothing happens when it is not there to be claimed."""
        with self._lock:
            if self._room():
                with self._equipment.sessions.begin() as session:
                    claim = claims.take(session, operation_id, self._owner)
                if claim:
                    self._submit(claim)

    def sweep(self, alive: Collection[str] | None) -> None:
        """Go on with what was begun, start what waits, show that what runs is alive.

        :param alive: the site's engines that are; None: nobody knows, so nothing of others is
            taken over.
        """
        self._take_over(alive)
        with self._equipment.sessions.begin() as session:
            waiting = claims.queued(session)
        for operation_id in waiting:
            self.start(operation_id)
        for claim, execution in self._snapshot().items():
            self._renew(claim, execution)
        self._trusts.give_back()
        self._trusts.drop_unknown()

    def stop(self, patience: float) -> bool:
        """Let the steps that run end, and the operations go to other engines.

        :param patience: seconds; then a step is left as if its engine had been killed.
        :returns: whether all have ended.
        """
        with self._lock:
            self._stopping = True
        for execution in self._snapshot().values():
            execution.suspend()
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._lock.wait_for(lambda: not self._running, patience)
        left = self._snapshot()
        for claim in left:
            LOG.warning("Operation %s goes to another engine in mid-step", claim.operation_id)
            self._release(claim)
        return not left

    # -- inside -------------------------------------------------------------------------------

    def _take_over(self, alive: Collection[str] | None) -> None:
        """Go on with what no engine runs: this one's old self, one that is dead, one that left."""
        with self._lock:
            running = [claim.operation_id for claim in self._running]
            with self._equipment.sessions.begin() as session:
                orphaned = claims.orphaned(session, self._owner, alive=alive, besides=running)
            for claim in orphaned:
                if self._room():
                    with self._equipment.sessions.begin() as session:
                        taken = claims.take_over(session, claim, self._owner)
                    if taken:
                        before = claim.owner or "an engine that stopped"
                        LOG.info("Resuming operation %s of %s", claim.operation_id, before)
                        self._submit(taken)

    def _room(self) -> bool:
        return len(self._running) < AT_ONCE and not self._stopping

    def _snapshot(self) -> dict[Claim, Execution]:
        with self._lock:
            return dict(self._running)

    def _submit(self, claim: Claim) -> None:
        execution = Execution(self._equipment, self._persistence, claim)
        self._running[claim] = execution
        self._threads.submit(self._run, claim, execution)

    def _run(self, claim: Claim, execution: Execution) -> None:
        try:
            execution.run()
            self._release(claim)
            self._trusts.give_back()
        except errors.ClaimLost as lost:
            LOG.warning("%s", lost)
        except Exception:
            LOG.exception("Operation %s is left as it is", claim.operation_id)
        finally:
            with self._lock:
                del self._running[claim]
                self._lock.notify_all()

    def _release(self, claim: Claim) -> None:
        with self._equipment.sessions.begin() as session:
            claims.release(session, claim)

    def _renew(self, claim: Claim, execution: Execution) -> None:
        try:
            with self._equipment.sessions.begin() as session:
                claims.hold(session, claim)
        except errors.ClaimLost as lost:
            LOG.warning("%s", lost)
            execution.suspend()
