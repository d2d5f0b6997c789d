# SPDX-License-Identifier: Apache-2.0
"""Values that are read by people in one shape, and by programs in another."""

import json
from typing import Any

from cliff import columns


class JsonList(columns.FormattableColumn[list[Any]]):
    """A list as JSON text, one item a line."""

    def human_readable(self) -> str:
        items = (json.dumps(item, ensure_ascii=False) for item in self._value or [])
        return "[" + ",\n ".join(items) + "]"


class Mapping(columns.FormattableColumn[dict[str, str]]):
    """A mapping as it is given on the command line, one pair a line."""

    def human_readable(self) -> str:
        return "\n".join(f"{source}={target}" for source, target in (self._value or {}).items())


class Names(columns.FormattableColumn[list[Any]]):
    """Things that have names, or are names, one a line."""

    def human_readable(self) -> str:
        return "\n".join(_name(item) for item in self._value or [])


class Steps(columns.FormattableColumn[list[dict[str, Any]]]):
    """The steps of an operation, one a line, and below each what it found or could not do."""

    def human_readable(self) -> str:
        return "\n".join(_step(step) for step in self._value or [])


class Snapshots(columns.FormattableColumn[list[dict[str, Any]]]):
    """Replicated snapshots, newest first, one a line."""

    def human_readable(self) -> str:
        return "\n".join(_snapshot(snapshot) for snapshot in self._value or [])


class Percent(columns.FormattableColumn[int]):
    def human_readable(self) -> str:
        return f"{self._value}%"


class Size(columns.FormattableColumn[int | None]):
    """Bytes, in the unit in which they are few."""

    def human_readable(self) -> str:
        if self._value is None:
            return ""
        size, unit = float(self._value), "B"
        for larger in ("KiB", "MiB", "GiB", "TiB"):
            if size < 1024:
                break
            size, unit = size / 1024, larger
        return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"


class Age(columns.FormattableColumn[int]):
    """Seconds, in hours and minutes."""

    def human_readable(self) -> str:
        minutes, seconds = divmod(self._value, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"


class Fenced(columns.FormattableColumn[list[dict[str, str]]]):
    """What was done or found of the VMs that a returning site still had, one a line."""

    def human_readable(self) -> str:
        return "\n".join(f"{entry['what']} ({entry['at']})" for entry in self._value or [])


class Drift(columns.FormattableColumn[list[dict[str, str]]]):
    """What the recovery document cannot hold of the VMs, one a line."""

    def human_readable(self) -> str:
        return "\n".join(drift_told(entry) for entry in self._value or [])


class Mappings(columns.FormattableColumn[dict[str, dict[str, str]]]):
    """Both mappings of a recovery document, one pair a line."""

    def human_readable(self) -> str:
        return "\n".join(
            f"{kind}: {source}={target}"
            for kind, pairs in (self._value or {}).items()
            for source, target in pairs.items()
        )


class Checksum(columns.FormattableColumn[str]):
    """A checksum, as much of it as is needed to tell it from the others."""

    def human_readable(self) -> str:
        return abbreviated(self._value)


class Checks(columns.FormattableColumn[list[dict[str, str]]]):
    """What was looked at and what was found, one a line."""

    def human_readable(self) -> str:
        return "\n".join(f"{check['name']}: {check['result']}" for check in self._value or [])


def drift_told(entry: dict[str, str]) -> str:
    """Return what is amiss with a VM, and what helps."""
    return f"{entry['what'].rstrip('.')}. {entry['remedy']}"


def abbreviated(checksum: str) -> str:
    """Return the beginning of a checksum, by which it can be asked for."""
    return checksum[:12]


def _name(item: Any) -> str:
    return str(item.get("name") or item.get("id")) if isinstance(item, dict) else str(item)


def _snapshot(snapshot: dict[str, Any]) -> str:
    how_far = "complete" if snapshot["complete"] else f"incomplete, {snapshot['progress']:.0%}"
    return f"{snapshot['name']}: {snapshot['created']}, {how_far}, {snapshot['volumes']} volumes"


def _step(step: dict[str, Any]) -> str:
    line = f"{step['name']}: {step['status']}"
    detail = step.get("detail")
    return "\n  ".join([line, *detail.splitlines()]) if detail else line
