# SPDX-License-Identifier: Apache-2.0
"""What an operation can be, what it was asked with, and the states it goes through."""

import datetime
import enum
from collections.abc import Mapping
from typing import Any, Literal

import pydantic


class Kind(enum.StrEnum):
    FAILOVER = "failover"
    REPROTECT = "reprotect"
    FAILBACK = "failback"
    HAND_OVER = "hand_over"
    HAND_BACK = "hand_back"
    TEST_FAILOVER = "test_failover"
    TEST_CLEANUP = "test_cleanup"


class Arguments(pydantic.BaseModel):
    """``Operation.arguments``: what was asked, and all that its flow is built from.

    ``document`` is the checksum of the document it works by: the engine that claims the operation
    first writes it down, and with it ``Operation.plan``, empty until then.
    """

    document: str | None = None


class RecoveryArguments(Arguments):
    """Of whatever brings VMs up on this site.

    ``networks`` and ``flavors`` are laid over the stored mappings, for this execution only.
    ``skip``: ids of the source's servers that are left out. ``snapshot``, or the newest complete
    one of those taken until ``before``: what is recovered, if not the newest complete one of all;
    the members are then those of the version whose checksum is ``as_of``. The engine writes down
    which these are once it has looked, so that whatever goes on with the operation keeps to them.
    """

    networks: dict[str, str] = {}
    flavors: dict[str, str] = {}
    accept_stale_metadata: bool = False
    skip: list[str] = []
    snapshot: str | None = None
    before: datetime.datetime | None = None
    as_of: str | None = None

    @property
    def is_of_an_older_point(self) -> bool:
        return self.snapshot is not None or self.before is not None


class FailoverArguments(RecoveryArguments):
    """``unplanned``: the other site is lost; ``planned``: it hands the group over."""

    type: Literal["unplanned", "planned"] = "unplanned"


class HandOverArguments(Arguments):
    """Of this site's part when the other one takes a group over.

    ``operation_id``: the other site's operation. Written down as they become known: ``running``,
    ids of the servers that ran and are stopped, and ``point``, the name of the last snapshot.
    """

    operation_id: str
    running: list[str] | None = None
    point: str | None = None


class HandBackArguments(Arguments):
    """Of what takes a hand-over back. ``operation_id``: as there. ``servers``: to be started."""

    operation_id: str
    servers: list[str]


class ReprotectArguments(Arguments):
    """Of the replication of a group, which was failed over, to the site that it came from."""


class FailbackArguments(RecoveryArguments):
    """Of a group's way back to its original primary site."""


class RehearsalArguments(RecoveryArguments):
    """Of a test failover.

    ``networks`` alone are used: every other network is an isolated one, made for the test.
    ``prefix``: of what the test makes. ``hours``: until it is cleaned up by itself; None: as is
    configured. ``probes``:
    id of a server of the source -> what is to answer, as :class:`protector.domain.probe.Probe` is
    written.
    """

    accept_stale_metadata: bool = True
    prefix: str = "test-"
    hours: float | None = None
    probes: dict[str, str] = {}


class CleanupArguments(Arguments):
    """Of the removal of what a test has made. ``rehearsal``: the id of the test's operation."""

    rehearsal: str


ARGUMENTS: dict[Kind, type[Arguments]] = {
    Kind.FAILOVER: FailoverArguments,
    Kind.REPROTECT: ReprotectArguments,
    Kind.FAILBACK: FailbackArguments,
    Kind.HAND_OVER: HandOverArguments,
    Kind.HAND_BACK: HandBackArguments,
    Kind.TEST_FAILOVER: RehearsalArguments,
    Kind.TEST_CLEANUP: CleanupArguments,
}


def presumes_loss(kind: Kind, arguments: Mapping[str, Any]) -> bool:
    """Tell whether the other site may be gone, so that nothing is sent there meanwhile."""
    return kind is Kind.FAILOVER and arguments.get("type", "unplanned") == "unplanned"


class Status(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Cancel(enum.StrEnum):
    """What becomes of what a cancelled operation has made."""

    UNDO = "undo"
    KEEP = "keep"


class StepStatus(enum.StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNDONE = "undone"


ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
