# SPDX-License-Identifier: Apache-2.0
"""What is kept on the array for a while is then removed.

That is what original volumes held before they were overwritten, and the points that were taken of
mirrored groups: these are kept as long as an array keeps those of the others by itself.
"""

import datetime
import logging
import time

from protector import errors
from protector.db import groups
from protector.domain.group import Status
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# Seconds, at most, between two looks.
INTERVAL = 3600.0


class Safety:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._retention: float = equipment.conf.flasharray.safety_retention
        self._points_retention: float = equipment.conf.flasharray.retention_seconds
        self._next_look = 0.0

    def look(self) -> None:
        """Remove what is old; nothing while a group fails back here, or could not: it needs it."""
        if time.monotonic() < self._next_look:
            return
        with self._equipment.sessions.begin() as session:
            if groups.in_status(session, Status.FAILING_BACK, Status.ERROR):
                return
        shortest = min(self._retention, self._points_retention)
        self._next_look = time.monotonic() + min(INTERVAL, shortest)
        array = self._equipment.array
        try:
            saved = array.forget_saved(_ago(self._retention))
            points = array.forget_points(_ago(self._points_retention))
        except errors.StorageError as error:
            LOG.warning("Old snapshots are removed later: %s", error)
            return
        if saved:
            LOG.info("%s safety snapshots of original volumes were old, and are removed", saved)
        if points:
            LOG.info("%s snapshots of mirrored groups were old, and are removed", points)


def _ago(seconds: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
