# SPDX-License-Identifier: Apache-2.0
"""What the two sites' Protectors say to each other."""

from typing import Annotated, Any

import pydantic

from protector.schemas.common import Body, Id, SiteName

Checksum = Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Prepare(Body):
    """``base``: checksum of what is in force here. A first release sent something else."""

    document: dict[str, Any]
    checksum: Checksum
    base: Checksum | None
    overwrites: bool = False


class Standings(Body):
    """``versions``: group id -> checksum of what is in force at ``site``, the sender."""

    site: SiteName
    versions: dict[Id, Checksum]


class Commit(Body):
    checksum: Checksum


class HandOver(Body):
    """``checksum``: of the version by which the peer takes the group over."""

    checksum: Checksum


class ReplicatedGroup(Body):
    source_array: str
    array_group: str
