# SPDX-License-Identifier: Apache-2.0
"""How a group's document stands against the peer's copy."""

import enum


class Status(enum.StrEnum):
    SYNCED = "SYNCED"
    PENDING = "PENDING"  # committed here, the peer has not acknowledged yet
    OUT_OF_SYNC = "OUT_OF_SYNC"
    UNREACHABLE = "UNREACHABLE"
    BLOCKED = "BLOCKED"  # the peer's base is another one, or an edit was prepared and never ended
    FAILED = "FAILED"
