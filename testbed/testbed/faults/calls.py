# SPDX-License-Identifier: Apache-2.0
"""A kind of call: what is asked of which service, whatever thing it is asked about."""

import dataclasses
import json
import re

# As Keystone writes a project's, and as everybody else writes theirs.
ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")

ARRAY = "array"


@dataclasses.dataclass(frozen=True, order=True)
class Call:
    """``path``: its ids made general, and the action's name behind it where there is one."""

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def changes(self) -> bool:
        """Whether it has an effect, before or after which it can fail."""
        return self.method not in ("GET", "HEAD")


def call(service: str, method: str, path: str, body: bytes = b"") -> Call:
    """Return what kind of call a request is."""
    general = ID.sub("{id}", path.split("?")[0])
    return Call(service, method, general + _action(general, body))


def _action(path: str, body: bytes) -> str:
    """Return what is done to the thing: its URL does not say so, but the body's one key."""
    if not path.endswith("/action"):
        return ""
    (action,) = json.loads(body)
    return f" {action}"
