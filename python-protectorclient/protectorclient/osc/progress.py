# SPDX-License-Identifier: Apache-2.0
"""The progress of an operation, for people who wait for it."""

import textwrap
import time
from collections.abc import Callable
from typing import TextIO

from protectorclient.v1.operation import Operation

WIDTH = 30
POLL_SECONDS = 1.0
# How much is shown of how far a step is.
LONGEST = 60


def follow(
    operation: Operation,
    again: Callable[[Operation], Operation],
    stream: TextIO,
    pause: Callable[[float], None] = time.sleep,
) -> Operation:
    """Show the operation's progress until it has ended.

    On a terminal the bar is drawn in place; elsewhere each change is a line of its own.

    :param again: reads the operation anew.
    """
    drawn = _draw(stream, "", operation)
    try:
        while not operation.has_ended:
            pause(POLL_SECONDS)
            operation = again(operation)
            drawn = _draw(stream, drawn, operation)
    finally:
        if stream.isatty():
            stream.write("\n")
    return operation


def _draw(stream: TextIO, drawn: str, operation: Operation) -> str:
    line = bar(operation)
    if line != drawn:
        stream.write(f"\r\x1b[K{line}" if stream.isatty() else f"{line}\n")
        stream.flush()
    return line


def bar(operation: Operation) -> str:
    """Return the percentage as a bar, and what is being done."""
    percent = operation.progress or 0
    full = WIDTH * percent // 100
    return f"[{'#' * full}{'-' * (WIDTH - full)}] {percent:3}% {_current(operation)}"


def _current(operation: Operation) -> str:
    running = [step for step in operation.steps or [] if step["status"] == "running"]
    if operation.has_ended or not running:
        return str(operation.status)
    steps = ", ".join(step["name"] for step in running)
    how_far = next((step["detail"] for step in running if step.get("detail")), None)
    told = f" ({textwrap.shorten(how_far, LONGEST, placeholder='...')})" if how_far else ""
    return f"{running[0]['phase']}: {steps}{told}"
