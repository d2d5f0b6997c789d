# SPDX-License-Identifier: Apache-2.0
"""``POST …/action``: exactly one of these is asked of a group."""

from typing import Annotated, Literal, Self

import pydantic

from protector.domain import group
from protector.domain.sync import Direction
from protector.schemas.common import Body, Name
from protector.schemas.group import Mapping

WITHOUT_ASKING = (
    "an unplanned failover does not ask the other site, and may lose what was written last: say so"
    ' with "force": true (openstack protector protection-group failover --type unplanned)'
)
NOTHING_OLD = (
    "a planned failover takes a snapshot of its own, so that nothing is lost; an older one is for"
    " an unplanned failover, or a test"
)
NOTHING_STALE = (
    "a planned failover is one of both sites, whose recovery documents are the same; there is no"
    " stale metadata to be accepted"
)


class OfAPoint(Body):
    """What is recovered: a snapshot, the newest of those taken until a time, or of all."""

    snapshot: Name | None = None
    before: pydantic.AwareDatetime | None = None

    @pydantic.model_validator(mode="after")
    def _one_point(self) -> Self:
        if self.snapshot is not None and self.before is not None:
            raise ValueError("give a snapshot, or before which time; not both")
        return self


class Failover(OfAPoint):
    type: Literal["unplanned", "planned"] = "unplanned"
    force: bool = False
    network_mapping: Mapping = {}
    flavor_mapping: Mapping = {}
    accept_stale_metadata: bool = False
    dry_run: bool = False

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "unplanned" and not self.force:
            raise ValueError(WITHOUT_ASKING)
        if self.type == "planned" and self.accept_stale_metadata:
            raise ValueError(NOTHING_STALE)
        if self.type == "planned" and (self.snapshot or self.before):
            raise ValueError(NOTHING_OLD)
        return self


Prefix = Annotated[str, pydantic.StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
# A year at most: what a test has made takes room.
Hours = Annotated[float, pydantic.Field(gt=0, le=8760)]


class TestFailover(OfAPoint):
    """``probes``: name or id of a VM -> ``tcp:<port>`` or ``http:<port>/<path>``."""

    network_mapping: Mapping = {}
    flavor_mapping: Mapping = {}
    prefix: Prefix = "test-"
    keep_hours: Hours | None = None
    probes: dict[Name, Name] = {}
    dry_run: bool = False


class TestCleanup(Body):
    pass


class Reprotect(Body):
    """Nothing has to be said of it."""


class Failback(Body):
    network_mapping: Mapping = {}
    flavor_mapping: Mapping = {}
    dry_run: bool = False


class SyncForce(Body):
    force_direction: Direction | None = None


class ResetState(Body):
    status: Literal[group.Status.ACTIVE, group.Status.ERROR, group.Status.FAILED_OVER]
    force: bool = False


class Release(Body):
    """Nothing is to be said of it."""


Asked = (
    Failover | TestFailover | TestCleanup | Reprotect | Failback | SyncForce | Release | ResetState
)


class ActionBody(Body):
    failover: Failover | None = None
    test_failover: TestFailover | None = None
    test_cleanup: TestCleanup | None = None
    reprotect: Reprotect | None = None
    failback: Failback | None = None
    sync_force: SyncForce | None = None
    release: Release | None = None
    reset_state: ResetState | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.asked is None:
            raise ValueError(f"ask for exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def asked(self) -> Asked | None:
        (asked,) = self.model_fields_set
        found: Asked | None = getattr(self, asked)
        return found
