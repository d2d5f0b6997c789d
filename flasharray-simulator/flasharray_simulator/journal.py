# SPDX-License-Identifier: Apache-2.0
"""Every request to every array, as lines of JSON."""

import json
import pathlib
import threading
from typing import Any

FILE = "journal.jsonl"
SECRET_FIELDS = ("password", "token")
HIDDEN = "***"


class Journal:
    def __init__(self, state: pathlib.Path) -> None:
        self._path = state / FILE
        self._path.touch()
        self._lock = threading.Lock()

    def add(self, **entry: Any) -> None:
        line = json.dumps(_without_secrets(entry)) + "\n"
        with self._lock, self._path.open("a") as file:
            file.write(line)

    def read(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the entries from the given number on; each has its ``number``."""
        with self._lock:
            lines = self._path.read_text().splitlines()
        return [
            {"number": number, **json.loads(line)}
            for number, line in enumerate(lines)
            if number >= since
        ]

    def clear(self) -> None:
        with self._lock:
            self._path.write_text("")


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: HIDDEN if _is_secret(key) else _without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value


def _is_secret(field: str) -> bool:
    return field != "continuation_token" and any(word in field for word in SECRET_FIELDS)
