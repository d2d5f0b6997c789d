# SPDX-License-Identifier: Apache-2.0
"""Everything there is, at one moment: what a request, or the control port, works on."""

import functools
import re
import uuid
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, literal, select, union_all
from sqlalchemy.orm import Session

from flasharray_simulator.errors import Refusal
from flasharray_simulator.model.base import Destroyable, Thing
from flasharray_simulator.model.pods import MARK, Gone, Pod, PodSide
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
    Pod: "Pod",
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

    @functools.cached_property
    def arrays(self) -> dict[str, Array]:
        return {array.name: array for array in self.session.scalars(select(Array))}

    @functools.cached_property
    def every_link(self) -> list[Link]:
        return list(self.session.scalars(select(Link)))

    def array(self, name: str) -> Array:
        if name not in self.arrays:
            raise Refusal(f"There is no array {name} here.", name)
        return self.arrays[name]

    def links(self, array: str) -> list[Link]:
        return [link for link in self.every_link if array in (link.first, link.second)]

    def sync_links(self, array: str) -> list[Link]:
        return [link for link in self.links(array) if link.synchronous]

    def link(self, one: str, other: str) -> Link:
        for link in self.links(one):
            if link.joins(other):
                return link
        raise Refusal(f"Array {one} is not connected to {other}.", other)

    def carries(self, link: Link) -> bool:
        """Whether anything can go over the link now."""
        return link.up and self.array(link.first).up and self.array(link.second).up

    # -- pods ---------------------------------------------------------------------------------

    def pod(self, thing: Thing) -> Pod | None:
        """Return the pod it is in."""
        return self.session.get(Pod, thing.place) if in_a_pod(thing.name) else None

    def pod_reference(self, thing: Thing) -> dict[str, Any]:
        pod = self.pod(thing)
        return pod.reference if pod else {"id": None, "name": None}

    def place(self, array: str, name: str) -> tuple[str, str]:
        """Return where what has this name is or will be, and its name there.

        :raises Refusal: there is no such pod, or nothing can be changed in it from this array.
        """
        pod, _, base = name.rpartition(MARK)
        return (self.live(Pod, array, pod).id if pod else array), base

    def inside(self, kind: type[T], pod: Pod) -> list[T]:
        """Return what is in the pod by name, destroyed things included."""
        wanted = select(kind).where(kind.place == pod.id).order_by(kind.name)
        return list(self.session.scalars(wanted))

    def runs(self, place: str) -> bool:
        """Whether what is there can do anything now."""
        pod = None if place in self.arrays else self.session.get(Pod, place)
        if not pod:
            return self.array(place).up
        return any(side.status == "online" and self.array(side.array).up for side in pod.sides)

    def next_serial(self, place: str) -> str:
        pod = None if place in self.arrays else self.session.get(Pod, place)
        return self.array(pod.sides[0].array if pod else place).next_serial()

    # -- things of an array -------------------------------------------------------------------

    def all(self, kind: type[T], array: str) -> list[T]:
        """Return them by name, destroyed ones included."""
        wanted = select(kind).where(_on(array, kind)).order_by(kind.name)
        return list(self.session.scalars(wanted))

    def get(self, kind: type[T], array: str, name: str) -> T | None:
        """Return it even if it is destroyed."""
        return self.session.scalar(select(kind).where(_on(array, kind), kind.name == name))

    def by_id(self, kind: type[T], array: str, wanted: str) -> T | None:
        """Return it even if it is destroyed."""
        return self.session.scalar(select(kind).where(_on(array, kind), kind.id == wanted))

    def find(self, kind: type[T], array: str, name: str) -> T:
        """Return it even if it is destroyed.

        :raises Refusal: there is none.
        """
        found = self.get(kind, array, name)
        if found is None:
            raise Refusal(MISSING.get(kind, f"{KINDS[kind]} does not exist."), name)
        return found

    def live(self, kind: type[D], array: str, name: str) -> D:
        """Return it, to be worked on.

        :raises Refusal: there is none, it is destroyed, or its pod is not online on this array.
        """
        found = self.find(kind, array, name)
        if found.destroyed:
            raise Refusal(f"{KINDS[kind]} has been destroyed.", name)
        self.must_be_online(found, array)
        return found

    def must_be_online(self, thing: Thing, array: str) -> None:
        """:raises Refusal: it is in a pod (or is one) that is not online on this array."""
        pod = thing if isinstance(thing, Pod) else self.pod(thing)
        if pod and pod.side(array).status != "online":
            raise Refusal(f"Pod {pod.name} is {pod.side(array).status} on {array}.", thing.name)

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


def _on(array: str, kind: type[Thing]) -> ColumnElement[bool]:
    """Whether something is on the array: by itself, or in a pod that is."""
    staying = (PodSide.array == array) & PodSide.gone.is_distinct_from(Gone.LEFT)
    return kind.place.in_(union_all(select(literal(array)), select(PodSide.pod_id).where(staying)))


def in_a_pod(name: str) -> bool:
    return MARK in name


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
