# SPDX-License-Identifier: Apache-2.0
"""What an engine works with, and the one operation a flow's steps work on."""

import dataclasses
import functools
from collections.abc import Callable

from oslo_config import cfg
from sqlalchemy.orm import Session, sessionmaker

from protector import errors
from protector.cloud.base import Cloud, TenantCloud
from protector.db import claims, operations, pairs
from protector.db.claims import Claim
from protector.db.models import VolumePair
from protector.domain import recovery
from protector.domain.document import Document, Member, Volume
from protector.domain.operation import ENDED, Cancel, FailoverArguments
from protector.engine.announcements import Announcer
from protector.storage.base import StorageDriver
from protector.sync.editing import Editors
from protector.sync.peer import Peer


@dataclasses.dataclass(frozen=True)
class Equipment:
    """This site's database, cloud and array, and the way to the peer's Protector by its name."""

    conf: cfg.ConfigOpts
    sessions: sessionmaker[Session]
    cloud: Cloud
    array: StorageDriver
    peer: Callable[[str], Peer]

    @property
    def site(self) -> str:
        name: str = self.conf.site_name
        return name

    @functools.cached_property
    def editors(self) -> Editors:
        return Editors(self.sessions, self.conf.engine.host)

    @functools.cached_property
    def announcer(self) -> Announcer:
        return Announcer(self.conf)


# Server id -> sentences on why that member cannot be recovered.
Faults = dict[str, list[str]]


@dataclasses.dataclass
class Work:
    """A failover under way: all that its steps are built from, the same after a restart.

    ``document`` is the one it recovers from; ``user_id`` asked for it.
    """

    equipment: Equipment
    claim: Claim
    user_id: str
    trust_id: str | None
    document: Document
    arguments: FailoverArguments

    @property
    def site(self) -> str:
        return self.equipment.site

    @property
    def step_budget(self) -> float:
        seconds: float = self.equipment.conf.engine.step_budget
        return seconds

    @property
    def group_id(self) -> str:
        return self.document.group_id

    @property
    def epoch(self) -> int:
        return recovery.epoch_of(self.document)

    @property
    def sessions(self) -> sessionmaker[Session]:
        return self.equipment.sessions

    @functools.cached_property
    def tenant(self) -> TenantCloud:
        """The tenant's cloud, by the trust the caller gave."""
        if self.trust_id is None:
            raise errors.CloudRefused(
                service="Keystone",
                site=self.site,
                action="let Protector act for the tenant",
                reason="the operation has no trust any more",
            )
        return self.equipment.cloud.by_trust(self.trust_id)

    def drift(self, member: Member) -> list[str]:
        """Return what the member comes up without, or is otherwise not as it was, in sentences."""
        return [one.what for one in self.document.drift if one.server_id == member.server_id]

    def must_be_ours(self) -> None:
        """:raises ClaimLost: another engine or a person took the operation over."""
        with self.sessions.begin() as session:
            claims.hold(session, self.claim)

    def has_ended(self) -> bool:
        with self.sessions.begin() as session:
            return operations.get(session, self.claim.operation_id).status in ENDED

    def cancelled(self) -> Cancel | None:
        """Return whether, and how, somebody has asked to cancel the operation."""
        with self.sessions.begin() as session:
            return operations.cancelled(session, self.claim.operation_id)

    # -- what has been made so far, by this operation or one that it resumes ------------------

    def volumes(self) -> dict[str, VolumePair]:
        with self.sessions.begin() as session:
            return pairs.volumes(session, self.group_id, self.epoch)

    def servers(self) -> dict[str, str]:
        with self.sessions.begin() as session:
            return pairs.servers(session, self.group_id, self.epoch)

    def key(self, source_id: str) -> str:
        return recovery.key(source_id, self.epoch)

    # -- what is still to be made -------------------------------------------------------------

    def missing(self) -> list[Member]:
        """Return the members that do not run here yet, and are to."""
        done = {*self.servers(), *self.arguments.skip}
        return [member for member in self.document.members if member.server_id not in done]

    def unpromoted(self, faults: Faults) -> list[tuple[Member, Volume]]:
        """Return the volumes to be made, of the members that nothing is wrong with."""
        made = self.volumes()
        return [
            (member, volume)
            for member in self.missing()
            if member.server_id not in faults
            for volume in member.volumes
            if volume.id not in made
        ]


def must_leave_some(faults: Faults, members: list[Member]) -> None:
    """:raises NothingRecoverable: every one of the members, if there are any, is at fault."""
    if members and all(member.server_id in faults for member in members):
        sentences = [s for member in members for s in faults[member.server_id]]
        raise errors.NothingRecoverable(faults="\n".join(sentences))
