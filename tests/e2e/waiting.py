# SPDX-License-Identifier: Apache-2.0
"""Waiting for what the services do in their own time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(condition: Callable[[], Found | None], *, seconds: float, what: str) -> Found:
    """Return the first true answer of the condition."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return found
