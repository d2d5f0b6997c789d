# SPDX-License-Identifier: Apache-2.0
"""Tells the person who waits what is being done, and waits for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from testbed.errors import BrokenTestbed

Value = TypeVar("Value")
# Seconds between two looks.
PAUSE = 0.1


class Progress:
    """Lines of what is done, with the seconds since the command began."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._began = time.monotonic()
        self._quiet = quiet

    def say(self, what: str) -> None:
        if not self._quiet:
            print(f"[{self.seconds:5.1f}s] {what}", flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


def wait_for(
    condition: Callable[[], Value], *, seconds: float, otherwise: str, pause: float = PAUSE
) -> Value:
    """Return the condition's first true value.

    :raises BrokenTestbed: it had none in time; ``otherwise`` says what that means.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise BrokenTestbed(f"{otherwise} (waited {seconds:.0f} s)")
        time.sleep(pause)
    return value
