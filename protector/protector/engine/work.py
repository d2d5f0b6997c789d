# SPDX-License-Identifier: Apache-2.0
"""What an engine works with, and the one operation a flow's steps work on."""

import dataclasses
import functools
import time
from collections.abc import Callable

from oslo_config import cfg
from sqlalchemy.orm import Session, sessionmaker

from protector import errors
from protector.cloud.base import Cloud, TenantCloud
from protector.db import claims, operations
from protector.db.claims import Claim
from protector.domain.document import Document, Member
from protector.domain.operation import ENDED, Arguments, Cancel
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


@dataclasses.dataclass
class Work:
    """An operation under way: all that its steps are built from, the same after a restart.

    ``document`` is the one it works by; ``user_id`` asked for it. ``begun``: when this engine did
    (:func:`time.monotonic`).
    """

    equipment: Equipment
    claim: Claim
    user_id: str
    trust_id: str | None
    document: Document
    arguments: Arguments
    begun: float = dataclasses.field(default_factory=time.monotonic, init=False)

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

    def must_stay(self) -> bool:
        """Tell whether what is made is not to be undone when a step fails."""
        return False
