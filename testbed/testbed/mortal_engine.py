# SPDX-License-Identifier: Apache-2.0
"""protector-engine, except that it dies when the file of its fate says so.

    python -m testbed.mortal_engine FATE [options of protector-engine]

It dies as by a power cut, in the middle of whatever its other threads do: with the claim renewed
and the step not begun, or with the step's effect made and TaskFlow not told of it.
"""

import functools
import os
import pathlib
import signal
import sys
from collections.abc import Callable

from protector.cmd import engine
from protector.engine.step import Step
from testbed.fate import Act, Fate, Moment, take

# What TaskFlow calls on a step's way -> what that moment is.
MOMENTS: dict[str, tuple[Moment, Act]] = {
    "pre_execute": ("before", "execute"),
    "post_execute": ("after", "execute"),
    "pre_revert": ("before", "revert"),
    "post_revert": ("after", "revert"),
}


def doom(step: type[Step], fate: pathlib.Path) -> None:
    """Let each step look at the file right before and right after its effect."""
    for name, (moment, act) in MOMENTS.items():
        setattr(step, name, _looking(getattr(step, name), fate, moment, act))


def _looking(
    hook: Callable[[Step], None], fate: pathlib.Path, moment: Moment, act: Act
) -> Callable[[Step], None]:
    @functools.wraps(hook)
    def called(step: Step) -> None:
        hook(step)
        if take(fate, Fate(step.name, moment, act)):
            os.kill(os.getpid(), signal.SIGKILL)

    return called


def main() -> None:
    fate, *arguments = sys.argv[1:]
    # The log is named after the program.
    sys.argv[0] = "protector-engine"
    doom(Step, pathlib.Path(fate))
    engine.main(arguments)


if __name__ == "__main__":
    main()
