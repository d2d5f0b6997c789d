# SPDX-License-Identifier: Apache-2.0
"""Which schemas of the recovery document this release understands.

A release understands the documents of its own schema and of those before, and writes its own.
So the site that receives is upgraded first: its newer Protector understands what the older one
sends, and the older one refuses what it does not know.
"""

from collections.abc import Callable
from typing import Any

from protector.domain.document import Document

OLDEST, NEWEST = 1, 4

Body = dict[str, Any]


class UnknownSchema(ValueError):
    """A document of a schema that this release does not understand."""

    def __init__(self, schema: object) -> None:
        self.schema = schema
        super().__init__(f"schema {schema}")


def _to_2(body: Body) -> Body:
    """Schema 2 brought fencing and drift."""
    return {**body, "schema_version": 2, "fencing": "stop", "drift": []}


def _to_3(body: Body) -> Body:
    """Schema 3 brought how a member is to be recovered; it says nothing other than the defaults."""
    return {**body, "schema_version": 3}


def _to_4(body: Body) -> Body:
    """Schema 4 brought groups of type sync, and what stands by; before, there was neither."""
    return {**body, "schema_version": 4, "standby": [], "standby_group": None}


# Schema -> how to make one of the next of it.
UPGRADES: dict[int, Callable[[Body], Body]] = {1: _to_2, 2: _to_3, 3: _to_4}


def understood(body: Body) -> Document:
    """Return the document that plain JSON of any known schema tells.

    :raises UnknownSchema: it is older or newer than what this release understands.
    :raises pydantic.ValidationError: it is not of the schema that it says.
    """
    schema = body.get("schema_version")
    if not isinstance(schema, int) or not OLDEST <= schema <= NEWEST:
        raise UnknownSchema(schema)
    for step in range(schema, NEWEST):
        body = UPGRADES[step](body)
    return Document.model_validate(body)
