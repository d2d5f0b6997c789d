# SPDX-License-Identifier: Apache-2.0
"""The outputs an operator was promised, and how to compare with them.

Ids, times, durations, the width of tables, indentation and blank lines are not part of a promise.
The tables are excerpts: their rows stand in the output in their order, perhaps with others between.
"""

import pathlib
import re
from collections.abc import Sequence

EXAMPLES = pathlib.Path(__file__).parent / "examples"
VARYING = (
    (r"\b(op|pg)-[0-9a-f]{8}(-[0-9a-f]+)+", r"\1-ID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b\d+ ?ms\b", "DURATION"),
)

Row = tuple[str, str]


def settled(text: str) -> str:
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def lines(text: str) -> list[str]:
    """Return a text's lines as they are to be compared."""
    return [settled(" ".join(line.split())) for line in text.splitlines() if line.strip()]


def rows(table: str) -> list[Row]:
    """Return a table's (field, value) pairs; a value over several lines becomes one."""
    found: list[Row] = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.lstrip().startswith("+") or len(cells) != 2:
            continue
        if cells[0]:
            found.append((cells[0], settled(cells[1])))
        elif found:
            field, value = found[-1]
            found[-1] = (field, settled(f"{value} {cells[1]}".strip()))
    return found[1:]


def agrees(expected: str, actual: str) -> bool:
    """Whether a value is as promised; a promised "[..., " stands for any beginning of a list."""
    if expected.startswith("[..., "):
        return actual.endswith(expected.removeprefix("[..., "))
    return expected == actual


def missing(expected: Sequence[Row], actual: Sequence[Row]) -> list[Row]:
    """Return the promised rows that are not in the output, or not in their order."""
    rest = list(actual)
    lacking = []
    for field, value in expected:
        place = next(
            (n for n, row in enumerate(rest) if row[0] == field and agrees(value, row[1])), None
        )
        if place is None:
            lacking.append((field, value))
        else:
            rest = rest[place + 1 :]
    return lacking


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.txt").read_text()
