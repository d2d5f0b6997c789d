# SPDX-License-Identifier: Apache-2.0
"""The kinds of operation: what each is built from, and what becomes of the group if it fails.

``PROCEDURES`` is where an engine looks up what to do with an operation.
"""

from typing import Any

from protector.domain.operation import Kind
from protector.engine.procedures.base import Procedure
from protector.engine.procedures.failback import FailingBack
from protector.engine.procedures.failover import Failover
from protector.engine.procedures.rehearsal import CleanUp, Rehearse
from protector.engine.procedures.reprotection import Reprotecting
from protector.engine.procedures.source import HandBack, HandOver

PROCEDURES: dict[Kind, Procedure[Any]] = {
    Kind.FAILOVER: Failover(),
    Kind.TEST_FAILOVER: Rehearse(),
    Kind.TEST_CLEANUP: CleanUp(),
    Kind.REPROTECT: Reprotecting(),
    Kind.FAILBACK: FailingBack(),
    Kind.HAND_OVER: HandOver(),
    Kind.HAND_BACK: HandBack(),
}
