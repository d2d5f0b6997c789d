# SPDX-License-Identifier: Apache-2.0
"""What the two sites' Protectors say to each other."""

from typing import Annotated, Any

import pydantic

from protector.schemas.common import Body

Checksum = Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BaseVersion(Body):
    epoch: int
    version: int


class Prepare(Body):
    document: dict[str, Any]
    checksum: Checksum
    base: BaseVersion | None


class Commit(Body):
    checksum: Checksum


class ReplicatedGroup(Body):
    source_array: str
    array_group: str
