# SPDX-License-Identifier: Apache-2.0
"""What all bodies, queries and views have in common."""

import datetime
import re
from typing import Annotated, Literal

import pydantic

LIMIT = 1000

Name = Annotated[
    str, pydantic.StringConstraints(strip_whitespace=True, min_length=1, max_length=255)
]


def _site_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
        raise ValueError("letters, digits, '.', '_' and '-' are allowed, 64 at most")
    return value


SiteName = Annotated[str, pydantic.AfterValidator(_site_name)]
Text = Annotated[str, pydantic.StringConstraints(max_length=255)]
Id = Annotated[str, pydantic.StringConstraints(min_length=1, max_length=64)]


class Body(pydantic.BaseModel):
    """A request's body: what we do not know, we refuse."""

    model_config = pydantic.ConfigDict(extra="forbid")


class ListQuery(pydantic.BaseModel):
    """The query of a list: parameters that we do not know are left to who does."""

    limit: int = pydantic.Field(default=LIMIT, ge=1, le=LIMIT)
    marker: str | None = None
    sort_key: Literal["created_at"] = "created_at"
    sort_dir: Literal["asc", "desc"] = "asc"


def stamp(moment: datetime.datetime | None) -> str | None:
    """Return a time as the API tells it: UTC, whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def exact_stamp(moment: datetime.datetime | None) -> str | None:
    """Return a time to the millisecond, for what is measured by it."""
    return f"{moment.isoformat(timespec='milliseconds')}Z" if moment else None
