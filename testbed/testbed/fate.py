# SPDX-License-Identifier: Apache-2.0
"""When an engine is to die: written to a file, which whoever dies by it takes away."""

import contextlib
import dataclasses
import json
import pathlib
from typing import Literal

Act = Literal["execute", "revert"]
Moment = Literal["before", "after"]


@dataclasses.dataclass(frozen=True)
class Fate:
    """Death right before or right after a step's effect, or its undoing."""

    step: str
    moment: Moment
    act: Act = "execute"

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


def _taken(path: pathlib.Path) -> pathlib.Path:
    return path.with_suffix(".taken")
