# SPDX-License-Identifier: Apache-2.0
"""What an operation can be, what it was asked with, and the states it goes through."""

import enum

import pydantic


class Kind(enum.StrEnum):
    FAILOVER = "failover"


class FailoverArguments(pydantic.BaseModel):
    """``Operation.arguments`` of a failover: what was asked, and what its flow is built from.

    ``networks`` and ``flavors`` are laid over the stored mappings, for this execution only.
    ``skip``: ids of the source's servers that are left out.
    ``document`` is the checksum of the document it recovers from: the engine that claims the
    operation first writes it down, and with it ``Operation.plan``, empty until then.
    """

    networks: dict[str, str] = {}
    flavors: dict[str, str] = {}
    accept_stale_metadata: bool = False
    skip: list[str] = []
    document: str | None = None


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
