# SPDX-License-Identifier: Apache-2.0
"""What an operation can be, and the states it goes through."""

import enum


class Kind(enum.StrEnum):
    FAILOVER = "failover"


class Status(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class StepStatus(enum.StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNDONE = "undone"


ENDED = (Status.COMPLETED, Status.FAILED)
