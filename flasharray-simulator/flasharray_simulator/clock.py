# SPDX-License-Identifier: Apache-2.0
"""World time: real time, unless it was advanced, frozen, or given another speed."""

import time

from sqlalchemy.orm import Session

from flasharray_simulator.model.tables import Clock


def _real() -> int:
    return int(time.time() * 1000)


def clock(session: Session) -> Clock:
    found = session.get(Clock, 1)
    if not found:
        real = _real()
        found = Clock(id=1, world=real, real=real, speed=1.0)
        session.add(found)
    return found


def now(session: Session) -> int:
    row = clock(session)
    return row.world + int((_real() - row.real) * row.speed)


def advance(session: Session, seconds: float) -> None:
    clock(session).world += int(seconds * 1000)


def set_speed(session: Session, speed: float) -> None:
    """0 freezes the clock, 1 is real time."""
    row = clock(session)
    row.world, row.real = now(session), _real()
    row.speed = speed
