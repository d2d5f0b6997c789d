# SPDX-License-Identifier: Apache-2.0
"""This site's part in a planned failover to the other one: what its steps are built from."""

import dataclasses

from protector.db import claims
from protector.domain.document import Member
from protector.domain.operation import HandBackArguments, HandOverArguments
from protector.engine.work import Work
from protector.sync.peer import Peer


@dataclasses.dataclass
class HandingOver(Work):
    """The group's VMs run here, and are to run on the other site. ``document``: what they are."""

    arguments: HandOverArguments

    @property
    def peer(self) -> Peer:
        return self.equipment.peer(self.document.peer_of(self.site))

    def of_those(self, members: list[Member]) -> list[Member]:
        """Return those of the members that ran when the operation began."""
        running = self.arguments.running or []
        return [member for member in members if member.server_id in running]

    def write(self, **known: object) -> None:
        """Put on record what has become known: it outlives this operation."""
        arguments = self.arguments.model_copy(update=known)
        with self.sessions.begin() as session:
            claims.hold(session, self.claim, arguments=arguments.model_dump())
        self.arguments = arguments


@dataclasses.dataclass
class HandingBack(Work):
    """The other site did not take the group over: what was stopped for it is started again."""

    arguments: HandBackArguments

    def of_those(self, members: list[Member]) -> list[Member]:
        return [member for member in members if member.server_id in self.arguments.servers]
