# SPDX-License-Identifier: Apache-2.0
"""``POST …/action``: exactly one of these is asked of a group."""

from typing import Literal, Self

import pydantic

from protector.domain import group
from protector.domain.sync import Direction
from protector.schemas.common import Body
from protector.schemas.group import Mapping

UNPLANNED_ONLY = (
    'only an unplanned failover is offered: {"type": "unplanned", "force": true}'
    " (openstack protector protection-group failover --type unplanned)"
)


class Failover(Body):
    type: str = "unplanned"
    force: bool = False
    network_mapping: Mapping = {}
    flavor_mapping: Mapping = {}
    accept_stale_metadata: bool = False
    dry_run: bool = False

    @pydantic.model_validator(mode="after")
    def _unplanned(self) -> Self:
        if self.type != "unplanned" or not self.force:
            raise ValueError(UNPLANNED_ONLY)
        return self


class SyncForce(Body):
    force_direction: Direction | None = None


class ResetState(Body):
    status: Literal[group.Status.ACTIVE, group.Status.ERROR, group.Status.FAILED_OVER]
    force: bool = False


class ActionBody(Body):
    failover: Failover | None = None
    sync_force: SyncForce | None = None
    reset_state: ResetState | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.asked is None:
            raise ValueError("ask for exactly one of failover, sync_force, reset_state")
        return self

    @property
    def asked(self) -> Failover | SyncForce | ResetState | None:
        return self.failover or self.sync_force or self.reset_state
