# SPDX-License-Identifier: Apache-2.0
"""Handing a group over to the other site, and taking it back, seen from outside their steps."""

from collections.abc import Sequence

from sqlalchemy.orm import Session
from taskflow.flow import Flow

from protector.db import operations
from protector.db.models import ProtectionGroup
from protector.engine.flows.source import hand_back, hand_over
from protector.engine.handover import HandingBack, HandingOver
from protector.engine.procedures.base import Procedure
from protector.sync import handover


class HandOver(Procedure[HandingOver]):
    work = HandingOver

    def flow(self, work: HandingOver) -> Flow:
        return hand_over(work)

    def give_back(
        self,
        session: Session,
        work: HandingOver,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        """What was stopped is started again first."""
        handed = operations.get(session, work.claim.operation_id)
        handover.take_back(session, work.site, row, handed)

    def way_on(self, work: HandingOver) -> str:
        return "Its VMs are started again, and the failover on the other site ends with this."


class HandBack(Procedure[HandingBack]):
    work = HandingBack

    def flow(self, work: HandingBack) -> Flow:
        return hand_back(work)

    def give_back(
        self,
        session: Session,
        work: HandingBack,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        handover.return_(session, row)

    def way_on(self, work: HandingBack) -> str:
        return "The protection group is this site's again all the same."
