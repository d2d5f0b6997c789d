# SPDX-License-Identifier: Apache-2.0
"""Everything there is, at one moment: what a request, or the control port, works on."""

import re
import uuid
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.base import Destroyable, Thing
from flasharray_simulator.model.tables import (
    Array,
    Group,
    GroupSnapshot,
    Host,
    Link,
    Volume,
    VolumeGroup,
    VolumeSnapshot,
)
from flasharray_simulator.settings import Settings

T = TypeVar("T", bound=Thing)
D = TypeVar("D", bound=Destroyable)

KINDS: dict[type, str] = {
    Volume: "Volume",
    VolumeSnapshot: "Volume snapshot",
    VolumeGroup: "Volume group",
    Host: "Host",
    Group: "Protection group",
    GroupSnapshot: "Protection group snapshot",
}
# What an array says of a snapshot that is not there differs from all the rest.
MISSING: dict[type, str] = {VolumeSnapshot: "No such volume or snapshot; it does not exist."}

SYNTAX = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")


class World:
    def __init__(self, session: Session, now: int, settings: Settings) -> None:
        self.session = session
        self.now = now
        self.settings = settings

    # -- arrays -------------------------------------------------------------------------------

    def array(self, name: str) -> Array:
        found = self.session.get(Array, name)
        if not found:
            raise Refusal(f"There is no array {name} here.", name)
        return found

    def links(self, array: str) -> list[Link]:
        ends = (Link.first == array) | (Link.second == array)
        return list(self.session.scalars(select(Link).where(ends)))

    def every_link(self) -> list[Link]:
        return list(self.session.scalars(select(Link)))

    def link(self, one: str, other: str) -> Link:
        for link in self.links(one):
            if other in (link.first, link.second):
                return link
        raise Refusal(f"Array {one} is not connected to {other}.", other)

    def carries(self, link: Link) -> bool:
        """Whether anything can go over the link now."""
        return link.up and self.array(link.first).up and self.array(link.second).up

    # -- things of an array -------------------------------------------------------------------

    def all(self, kind: type[T], array: str) -> list[T]:
        """Return them by name, destroyed ones included."""
        wanted = select(kind).where(kind.array == array).order_by(kind.name)
        return list(self.session.scalars(wanted))

    def get(self, kind: type[T], array: str, name: str) -> T | None:
        """Return it even if it is destroyed."""
        return self.session.scalar(select(kind).where(kind.array == array, kind.name == name))

    def find(self, kind: type[T], array: str, name: str) -> T:
        """Return it even if it is destroyed.

        :raises Refusal: there is none.
        """
        found = self.get(kind, array, name)
        if found is None:
            raise Refusal(MISSING.get(kind, f"{KINDS[kind]} does not exist."), name)
        return found

    def live(self, kind: type[D], array: str, name: str) -> D:
        """Return it.

        :raises Refusal: there is none, or it is destroyed.
        """
        found = self.find(kind, array, name)
        if found.destroyed:
            raise Refusal(f"{KINDS[kind]} has been destroyed.", name)
        return found

    def must_be_free(self, kind: type[Thing], array: str, name: str) -> None:
        """:raises Refusal: something has this name, or is destroyed and had it."""
        found = self.get(kind, array, name)
        if found is None:
            return
        if isinstance(found, Destroyable) and found.destroyed:
            raise Refusal(
                f"The name belongs to a {KINDS[kind].lower()} that has been destroyed. "
                "Recover or eradicate it first.",
                name,
            )
        raise Refusal(f"{KINDS[kind]} already exists.", name)


def new_id() -> str:
    return str(uuid.uuid4())


def check_name(name: str, kind: type) -> None:
    """:raises Refusal: an array would not take this name."""
    if not SYNTAX.fullmatch(name):
        raise Refusal(
            f"{KINDS[kind]} name is invalid: 1 to 63 letters, digits, '-' and '_', "
            "beginning and ending with a letter or digit.",
            name,
        )
