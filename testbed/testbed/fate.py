# SPDX-License-Identifier: Apache-2.0
"""When engines are to die: a folder with a file for each moment, which whoever dies by it marks."""

import contextlib
import dataclasses
import functools
import os
import pathlib
import shutil
import signal
from collections.abc import Callable, Iterable
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


def write(folder: pathlib.Path, fates: Iterable[Fate]) -> None:
    """Let engines die by these from now on, once each, and by no others."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for fate in fates:
        (folder / str(fate)).touch()


def take(folder: pathlib.Path, reached: Fate) -> bool:
    """Tell whether this is when to die; true once, for one engine, however many look."""
    with contextlib.suppress(FileNotFoundError):
        (folder / str(reached)).rename(_taken(folder, reached))
        return True
    return False


def taken_at(folder: pathlib.Path, fate: Fate) -> float | None:
    """Return when somebody died by it (seconds since the epoch); None when nobody has yet."""
    with contextlib.suppress(FileNotFoundError):
        return _taken(folder, fate).stat().st_ctime
    return None


def doom(step: type[Any], folder: pathlib.Path) -> None:
    """Let each of TaskFlow's tasks of a class look there right before and after its effect.

    It dies with its whole process, at once.
    """
    for name, (moment, act) in HOOKS.items():
        setattr(step, name, _looking(getattr(step, name), folder, moment, act))


def _looking(
    hook: Callable[[Any], None], folder: pathlib.Path, moment: Moment, act: Act
) -> Callable[[Any], None]:
    @functools.wraps(hook)
    def called(step: Any) -> None:
        hook(step)
        if take(folder, Fate(step.name, moment, act)):
            os.kill(os.getpid(), signal.SIGKILL)

    return called


def _taken(folder: pathlib.Path, fate: Fate) -> pathlib.Path:
    return folder / f"{fate}.taken"
