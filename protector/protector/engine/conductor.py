# SPDX-License-Identifier: Apache-2.0
"""Claims operations and runs them, several side by side."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from protector import errors
from protector.db import claims, operations
from protector.db.claims import Claim
from protector.engine.execution import Execution
from protector.engine.persistence import Persistence
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# What is asked beyond this waits in the queue, where another engine may find it.
AT_ONCE = 8


class Conductor:
    def __init__(self, equipment: Equipment, persistence: Persistence) -> None:
        self._equipment = equipment
        self._persistence = persistence
        self._owner: str = equipment.conf.engine.host
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="operation")
        self._lock = threading.Lock()
        self._running: dict[Claim, Execution] = {}

    def start(self, operation_id: str) -> None:
        """Claim the operation and run it; nothing happens when it is not there to be claimed."""
        with self._lock:
            if len(self._running) < AT_ONCE:
                with self._equipment.sessions.begin() as session:
                    claim = claims.take(session, operation_id, self._owner)
                if claim:
                    self._submit(claim)

    def sweep(self) -> None:
        """Resume and start what waits, show that what runs is alive, drop trusts of what ended."""
        self._resume()
        with self._equipment.sessions.begin() as session:
            waiting = claims.queued(session)
        for operation_id in waiting:
            self.start(operation_id)
        for claim, execution in self._snapshot().items():
            self._renew(claim, execution)
        self._return_trusts()

    def stop(self) -> None:
        """Let the steps that run end; the flows go on when an engine starts again."""
        for execution in self._snapshot().values():
            execution.suspend()
        self._threads.shutdown()

    # -- inside -------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Go on with what was running when this engine ended, or could not be written down."""
        with self._lock:
            running = [claim.operation_id for claim in self._running]
            with self._equipment.sessions.begin() as session:
                again = claims.take_again(session, self._owner, besides=running)
            for claim in again:
                LOG.info("Resuming operation %s", claim.operation_id)
                self._submit(claim)

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
            self._return_trusts()
        except errors.ClaimLost as lost:
            LOG.warning("%s", lost)
        except Exception:
            LOG.exception("Operation %s is left as it is", claim.operation_id)
        finally:
            with self._lock:
                del self._running[claim]

    def _renew(self, claim: Claim, execution: Execution) -> None:
        try:
            with self._equipment.sessions.begin() as session:
                claims.hold(session, claim)
        except errors.ClaimLost as lost:
            LOG.warning("%s", lost)
            execution.suspend()

    def _return_trusts(self) -> None:
        """Drop the trusts of operations that have ended, however they did."""
        with self._equipment.sessions.begin() as session:
            trusts = operations.trusts_to_drop(session)
        for operation_id, trust_id in trusts.items():
            try:
                self._equipment.cloud.as_service().drop_trust(trust_id)
            except errors.CloudError as error:
                LOG.warning("The trust of operation %s stays: %s", operation_id, error)
                continue
            with self._equipment.sessions.begin() as session:
                operations.trust_dropped(session, operation_id)
