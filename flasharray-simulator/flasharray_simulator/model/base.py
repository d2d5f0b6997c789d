# SPDX-License-Identifier: Apache-2.0
"""What tables have in common."""

import uuid
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

# Purity takes Name and name for the same.
Name = String(collation="NOCASE")


class Base(DeclarativeBase):
    """A value of a JSON column is replaced, never changed in place: only that is noticed."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}


class Thing:
    """Something that has a name and an id, in a place: an array, by name, or a pod, by id."""

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid.uuid4()))
    place: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(Name)
    created: Mapped[int]

    @declared_attr.directive
    def __table_args__(cls) -> tuple[UniqueConstraint]:
        return (UniqueConstraint("place", "name"),)

    @property
    def reference(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name}


class Destroyable(Thing):
    """It can be recovered until it is eradicated, and keeps its name for as long."""

    destroyed_at: Mapped[int | None]

    @property
    def destroyed(self) -> bool:
        return self.destroyed_at is not None
