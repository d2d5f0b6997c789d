# SPDX-License-Identifier: Apache-2.0
"""What a user of site-b does with tests of the group."""

from typing import Any

from functional.engine.world import World

from protector.db import groups, operations, rehearsals
from protector.db.models import Operation, Rehearsal
from protector.domain.group import COURSES
from protector.domain.operation import CleanupArguments, Kind, RehearsalArguments


class Rehearsals:
    def __init__(self, world: World) -> None:
        self.world = world

    def begin(self, **arguments: Any) -> str:
        return self.create(Kind.TEST_FAILOVER, RehearsalArguments(**arguments), trusted=True)

    def run(self, **arguments: Any) -> Operation:
        return self.world.run(self.begin(**arguments))

    def clean_up(self) -> Operation:
        left = self.left()
        assert left is not None
        return self.world.run(
            self.create(
                Kind.TEST_CLEANUP, CleanupArguments(rehearsal=left.operation_id), trusted=False
            )
        )

    def left(self) -> Rehearsal | None:
        with self.world.b.sessions.begin() as session:
            return rehearsals.uncleaned(session, self.world.group_id)

    def last(self) -> Rehearsal:
        with self.world.b.sessions.begin() as session:
            return rehearsals.last(session, [self.world.group_id])[self.world.group_id]

    def create(self, kind: Kind, arguments: Any, *, trusted: bool) -> str:
        cloud = self.world.b.cloud
        trust = (
            cloud.take_trust("token", user_id="alice", project_id="project-b", roles=["member"])
            if trusted
            else None
        )
        with self.world.b.sessions.begin() as session:
            row = groups.get(session, self.world.group_id)
            groups.advance(session, row, COURSES[kind].begin)
            return operations.create(
                session,
                group_id=row.id,
                project_id=row.project_id,
                user_id="alice",
                request_id="req-1",
                kind=kind,
                source_site="site-a",
                target_site="site-b",
                arguments=arguments.model_dump(mode="json"),
                trust_id=trust,
            ).id
