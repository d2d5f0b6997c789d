# SPDX-License-Identifier: Apache-2.0
"""When an engine is to die: written to a file, which whoever dies by it takes away."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import signal
from collections.abc import Callable
from typing import Any, Literal

Act = Literal["execute", "revert"]
Moment = Literal["before", "after"]
# What TaskFlow calls on a step's way -> what that moment is.
HOOKS: dict[str, tuple[Moment, Act]] = {
    "pre_execute": ("before", "execute"),
    "post_execute": ("after", "execute"),
    "pre_revert": ("before", "revert"),
    "post_revert": ("after", "revert"),
}


@dataclasses.dataclass(frozen=True)
class Fate:
    """Death right before or right after a step's effect, or its undoing."""

    step: str
    moment: Moment
    act: Act = "execute"

    def __str__(self) -> str:
        undoing = "undoing " if self.act == "revert" else ""
        return f"{self.moment} {undoing}{self.step}"

    def write(self, path: pathlib.Path) -> None:
        _taken(path).unlink(missing_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(dataclasses.asdict(self)))
        new.replace(path)


def take(path: pathlib.Path, reached: Fate) -> bool:
    """Tell whether this is when to die; true once, for one engine, however many read the file."""
    with contextlib.suppress(FileNotFoundError):
        if Fate(**json.loads(path.read_text())) == reached:
            path.rename(_taken(path))
            return True
    return False


def taken_at(path: pathlib.Path) -> float | None:
    """Return when somebody died by it (seconds since the epoch); None when nobody has yet."""
    with contextlib.suppress(FileNotFoundError):
        return _taken(path).stat().st_ctime
    return None


def doom(step: type[Any], path: pathlib.Path) -> None:
    """Let each of TaskFlow's tasks of a class look at the file right before and after its effect.

    It dies with its whole process, at once.
    """
    for name, (moment, act) in HOOKS.items():
        setattr(step, name, _looking(getattr(step, name), path, moment, act))


def _looking(
    hook: Callable[[Any], None], path: pathlib.Path, moment: Moment, act: Act
) -> Callable[[Any], None]:
    @functools.wraps(hook)
    def called(step: Any) -> None:
        hook(step)
        if take(path, Fate(step.name, moment, act)):
            os.kill(os.getpid(), signal.SIGKILL)

    return called


def _taken(path: pathlib.Path) -> pathlib.Path:
    return path.with_suffix(".taken")
