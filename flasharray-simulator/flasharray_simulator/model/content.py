# SPDX-License-Identifier: Apache-2.0
"""What is on a volume: no bytes, but who wrote what when.

A list of ``{"id", "marker", "at", "bytes"}``, oldest first. Snapshots, copies and replicas carry
the list, so that a test can tell which moment it got back.
"""

import uuid
from collections.abc import Iterable
from typing import Any

Content = list[Any]


def written(content: Content, marker: str, at: int, size: int) -> Content:
    return [*content, {"id": uuid.uuid4().hex, "marker": marker, "at": at, "bytes": size}]


def size(content: Iterable[dict[str, Any]]) -> int:
    return sum(write["bytes"] for write in content)


def size_since(content: Content, earlier: Content) -> int:
    """Return how many bytes of the content the earlier one does not have."""
    known = {write["id"] for write in earlier}
    return size(write for write in content if write["id"] not in known)
