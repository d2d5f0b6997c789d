# SPDX-License-Identifier: Apache-2.0
"""Tests whose time is over are cleaned up by themselves."""

import datetime
import logging

from oslo_context.context import generate_request_id
from sqlalchemy.orm import Session

from protector import errors
from protector.db import groups, operations, rehearsals
from protector.db.models import ProtectionGroup, Rehearsal, now
from protector.domain import progress
from protector.domain.group import COURSES
from protector.domain.operation import CleanupArguments, Kind
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# Who is shown to have asked for it.
NOBODY = "protector"
# How long after one that left something the next attempt is made.
AGAIN = datetime.timedelta(hours=1)


class Expired:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def clean_up(self) -> None:
        """Queue the cleanup of each test that is over, unless its group is at something else."""
        with self._equipment.sessions.begin() as session:
            expired = rehearsals.expired(session)
        for one in expired:
            try:
                with self._equipment.sessions.begin() as session:
                    self._queue(session, one)
            except (errors.WrongStatus, errors.GroupNotFound) as refusal:
                LOG.info("The test of operation %s is still there: %s", one.operation_id, refusal)

    def _queue(self, session: Session, test: Rehearsal) -> None:
        row = groups.lock(session, test.group_id)
        if operations.unended(session, row.id) or _tried_of_late(session, row):
            return
        LOG.info("The test of protection group %s is over and is removed", row.name)
        groups.advance(session, row, COURSES[Kind.TEST_CLEANUP].begin)
        operations.create(
            session,
            group_id=row.id,
            project_id=row.project_id,
            user_id=NOBODY,
            request_id=generate_request_id(),
            kind=Kind.TEST_CLEANUP,
            progress=progress.percent({}, ()),
            source_site=row.peer_of(self._equipment.site),
            target_site=self._equipment.site,
            arguments=CleanupArguments(rehearsal=test.operation_id).model_dump(mode="json"),
        )


def _tried_of_late(session: Session, row: ProtectionGroup) -> bool:
    latest = operations.latest(session, row.id)
    if latest.kind is not Kind.TEST_CLEANUP or latest.completed_at is None:
        return False
    return latest.completed_at > now() - AGAIN
