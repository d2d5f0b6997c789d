# SPDX-License-Identifier: Apache-2.0
"""What is to answer of a VM, as ``tcp:22`` or ``http:8080/health``."""

import dataclasses
import re
from typing import Self

from protector import errors

# A path goes into a request as it is, so nothing may be in it that ends one.
WRITTEN = re.compile(r"(?P<kind>tcp|http):(?P<port>[0-9]{1,5})(?P<path>/[!-~]*)?")


@dataclasses.dataclass(frozen=True)
class Probe:
    """``path``: None for TCP; else it is to be answered with a status below 400."""

    port: int
    path: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """:raises InvalidRequest: it is not written as one."""
        found = WRITTEN.fullmatch(text)
        named = found is not None and 0 < int(found["port"]) < 65536
        if not found or not named or (found["kind"] == "tcp" and found["path"]):
            raise errors.InvalidRequest(
                reason=f"{text!r} is no probe. Write tcp:<port>, or http:<port>/<path>"
            )
        return cls(int(found["port"]), (found["path"] or "/") if found["kind"] == "http" else None)

    def __str__(self) -> str:
        return f"tcp:{self.port}" if self.path is None else f"http:{self.port}{self.path}"
