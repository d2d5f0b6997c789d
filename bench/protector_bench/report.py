# SPDX-License-Identifier: Apache-2.0
"""The figures, in a file that outlives a run that is cut short, and in a table."""

import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any


class Report:
    """What is not measured this time stays as an earlier run has left it."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, part: str, figures: dict[str, Any]) -> None:
        """Lay the figures over those of the part, and write all at once."""
        self.figures[part] = {**self.figures.get(part, {}), **_rounded(figures)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.figures, indent=1))
        new.replace(self.path)


def _rounded(value: Any) -> Any:
    """Return it without digits that nobody has measured."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {str(name): _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return lines with the first column to the left and the others to the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
