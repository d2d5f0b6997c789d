# SPDX-License-Identifier: Apache-2.0
"""What a failover made on this site is removed once the group has failed back from it.

That it has is told by its document, so nobody has to ask for this: it is done, and done again,
until nothing is left. Only what Protector made, and wrote down, is touched.
"""

import logging
import time

from protector import errors
from protector.db import copies, pairs
from protector.domain import recovery
from protector.engine.chain import array_group, cinder_name
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# Seconds after which is tried again what could not be removed.
PAUSE = 60.0


class Copies:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._cloud = equipment.cloud.as_service()
        # Group and recovery -> when it is tried again.
        self._again: dict[tuple[str, str], float] = {}

    def look(self) -> None:
        """Remove what is left, of all groups."""
        with self._sessions.begin() as session:
            found = copies.of_all(session, self._equipment.site)
        for one in found:
            which = (one.document.group_id, one.label)
            if time.monotonic() < self._again.get(which, 0.0):
                continue
            try:
                self._remove(one)
            except errors.ProtectorError as error:
                self._again[which] = time.monotonic() + PAUSE
                LOG.warning(
                    "What was made of protection group %s here is removed later: %s",
                    one.document.name,
                    error,
                )

    # -- inside -------------------------------------------------------------------------------

    def _remove(self, them: copies.Copies) -> None:
        """Servers first, as they hold the volumes; these leave their group before they go."""
        site = self._equipment.site
        tenant = self._equipment.cloud.of_project(them.document.projects[site])
        for source_id in them.servers:
            tenant.remove_server(recovery.key(source_id, them.label))
        self._remove_group(them.document.group_id)
        managed = {
            recovery.key(source_id, them.label): source_id
            for source_id, pair in them.volumes.items()
            if pair.volume_id
        }
        outcomes = tenant.remove_volumes(
            {key: them.volumes[source_id].volume_id for key, source_id in managed.items()}
        )
        gone = [managed[one.key] for one in outcomes if not one.fault]
        for source_id, pair in them.volumes.items():
            if not pair.volume_id:
                self._equipment.array.discard(pair.array_volume_id)
                gone.append(source_id)
        self._forget(them, gone)
        faults = [one.fault for one in outcomes if one.fault]
        if faults:
            reason = "; ".join(faults)
            raise errors.CloudError(service="Cinder", site=site, reason=reason)

    def _remove_group(self, group_id: str) -> None:
        key = cinder_name(group_id)
        id = self._cloud.volume_group(key)
        if id:
            self._equipment.array.stop_replicating(array_group(id))
            self._cloud.delete_volume_group(key=key)

    def _forget(self, them: copies.Copies, volumes: list[str]) -> None:
        group_id, label = them.document.group_id, them.label
        with self._sessions.begin() as session:
            for source_id in volumes:
                pairs.discarded(session, group_id, label, source_id)
            for source_id in them.servers:
                pairs.removed(session, group_id, label, source_id)
