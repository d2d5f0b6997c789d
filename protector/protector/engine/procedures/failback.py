# SPDX-License-Identifier: Apache-2.0
"""Failback, as an engine sees it from outside its steps."""

from collections.abc import Sequence

from sqlalchemy.orm import Session
from taskflow.flow import Flow

from protector.db import groups, pairs
from protector.db.models import ProtectionGroup
from protector.domain.group import RETURN, Event
from protector.engine.failback import Failback
from protector.engine.flows.failback import failback
from protector.engine.procedures import leftovers
from protector.engine.procedures.base import Procedure


class FailingBack(Procedure[Failback]):
    work = Failback

    def flow(self, work: Failback) -> Flow:
        return failback(work)

    def left(self, session: Session, work: Failback) -> list[str]:
        """Return a sentence on each VM and volume; the originals are no part of them."""
        own = {one.member.server_id for one in work.document.standby}
        runs = pairs.servers(session, work.group_id, work.label).values()
        return [
            *(
                f"VM {id} of {work.site} may run. Stop it: openstack server stop {id}"
                for id in runs
                if id in own
            ),
            *leftovers.servers(work, (id for id in runs if id not in own)),
            *leftovers.volumes(session, work),
        ]

    def give_back(
        self,
        session: Session,
        work: Failback,
        row: ProtectionGroup,
        said: Sequence[str],
        *,
        undone: bool,
    ) -> None:
        """What is not undone leaves the group in error, from which it can be gone on with."""
        if undone:
            groups.advance(session, row, RETURN[work.document.status])
        else:
            groups.advance(session, row, Event.BREAK)
            row.status_reason = "\n".join(said)
