# SPDX-License-Identifier: Apache-2.0
"""Gives back the trusts by which tenants let Protector act for them."""

import logging
import time

from protector import errors
from protector.db import operations
from protector.engine.work import Equipment

LOG = logging.getLogger(__name__)

# Seconds. protector-api takes a trust just before it writes down the operation that has it; one
# that is on no record for longer belongs to an API that did not live to do so.
PATIENCE = 300.0
# Seconds between two looks for such.
INTERVAL = 60.0


class Trusts:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._unknown_since: dict[str, float] = {}
        self._next_look = 0.0

    def give_back(self) -> None:
        """Drop the trusts of operations that have ended, however they did."""
        with self._equipment.sessions.begin() as session:
            ended = operations.trusts_to_drop(session)
        for operation_id, trust_id in ended.items():
            if self._drop(trust_id, f"of operation {operation_id}"):
                with self._equipment.sessions.begin() as session:
                    operations.trust_dropped(session, operation_id)

    def drop_unknown(self) -> None:
        """Drop the trusts that have been on no record for long; looks now and then only."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + INTERVAL
        try:
            there = self._equipment.cloud.as_service().trusts()
        except errors.CloudError as error:
            LOG.warning("Trusts that nobody needs may stay: %s", error)
            return
        with self._equipment.sessions.begin() as session:
            known = operations.trusts(session)
        now = time.monotonic()
        unknown = [trust_id for trust_id in there if trust_id not in known]
        self._unknown_since = {id: self._unknown_since.get(id, now) for id in unknown}
        for trust_id, since in self._unknown_since.items():
            if now - since >= PATIENCE:
                self._drop(trust_id, "of no operation")

    # -- inside -------------------------------------------------------------------------------

    def _drop(self, trust_id: str, whose: str) -> bool:
        try:
            self._equipment.cloud.as_service().drop_trust(trust_id)
        except errors.CloudError as error:
            LOG.warning("The trust %s stays: %s", whose, error)
            return False
        return True
