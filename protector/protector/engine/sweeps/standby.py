# SPDX-License-Identifier: Apache-2.0
"""What a group that runs on the other site has left here is locked and marked, and nothing else.

The VMs stay off until the group comes back to them, or is told that it never will (``release``):
until then nobody is to start or delete them by mistake. Marks follow the document.
"""

import logging
import time
from collections.abc import Iterable, Sequence

from protector import errors
from protector.cloud.base import StandingBy
from protector.db import documents, groups
from protector.db.models import ProtectionGroup
from protector.domain.document import Document, Member
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# Nova keeps 255 characters of why a server is locked; a group's name may have as many.
NAME_LIMIT = 120


class Standby:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._site = equipment.site
        # Project -> the versions by which all is marked, and until when it need not be looked at.
        self._quiet: dict[str, tuple[object, float]] = {}

    def look(self) -> None:
        """Mark what stands by and is not marked, and unmark what does not any more."""
        for project_id, rows in self._by_project().items():
            versions = sorted((row.id, row.epoch, row.version, row.status) for row in rows)
            known, until = self._quiet.get(project_id, (None, 0.0))
            if versions == known and time.monotonic() < until:
                continue
            try:
                self._project(project_id, rows)
            except errors.CloudError as error:
                LOG.warning("What stands by in project %s is marked later: %s", project_id, error)
                continue
            rest: float = self._equipment.conf.engine.capture_interval
            self._quiet[project_id] = versions, time.monotonic() + rest

    # -- inside -------------------------------------------------------------------------------

    def _by_project(self) -> dict[str, list[ProtectionGroup]]:
        with self._sessions.begin() as session:
            found: dict[str, list[ProtectionGroup]] = {}
            for row in groups.failed_over_once(session):
                found.setdefault(row.project_id, []).append(row)
            return found

    def _project(self, project_id: str, rows: Sequence[ProtectionGroup]) -> None:
        seen = self._equipment.cloud.as_service().standing_by(project_id)
        for row in rows:
            with self._sessions.begin() as session:
                document = documents.in_force(session, row.id).document
            self._group(row, document, seen)

    def _group(self, row: ProtectionGroup, document: Document, seen: StandingBy) -> None:
        cloud = self._equipment.cloud.as_service()
        here = list(self._standing_by(row, document))
        servers = {member.server_id for member in here}
        volumes = {volume.id for member in here for volume in member.volumes}
        ours = f"({row.id})"
        locked = {id for id, reason in seen.servers.items() if ours in reason}
        marked = {id for id, group_id in seen.volumes.items() if group_id == row.id}
        unlocked = servers - seen.servers.keys()
        if unlocked or volumes - marked:
            cloud.stand_by(
                sorted(unlocked),
                sorted(volumes - marked),
                group_id=row.id,
                reason=f"standby of protection group {row.name[:NAME_LIMIT]} {ours}, which runs on"
                f" {row.current_primary_site}",
            )
        if locked - servers or marked - volumes:
            cloud.stand_down(sorted(locked - servers), sorted(marked - volumes))

    def _standing_by(self, row: ProtectionGroup, document: Document) -> Iterable[Member]:
        """Return this site's VMs of a group that runs on the other one, and is fenced."""
        if row.current_primary_site == self._site or document.fencing != "stop":
            return []
        chain = document.consistency_group
        if chain is not None and chain.array == self._equipment.array.array:
            return document.members  # not protected on the other site yet
        return [one.member for one in document.standby]
