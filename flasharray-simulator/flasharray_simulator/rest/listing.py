# SPDX-License-Identifier: Apache-2.0
"""From items to an answer: filter, sort, pages."""

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from flasharray_simulator.errors import Refusal
from flasharray_simulator.filters import compile_filter, matches, values
from flasharray_simulator.model.base import Destroyable, Thing
from flasharray_simulator.rest.asking import Ask
from flasharray_simulator.world import KINDS, World

Item = dict[str, Any]
T = TypeVar("T", bound=Thing)

PARAMETERS = frozenset(
    {"filter", "sort", "limit", "offset", "continuation_token", "total_item_count"}
)


def answer(ask: Ask, items: Sequence[Item]) -> dict[str, Any]:
    """Return the answer to a GET."""
    found = list(items)
    if "filter" in ask.query:
        predicate, fields = compile_filter(ask.query["filter"][0])
        _check_fields(found, fields)
        found = list(filter(predicate, found))
    for key in reversed(ask.values("sort")):
        field = key.strip("-")
        _check_fields(found, {field.partition(".")[0]})
        found.sort(key=lambda item: _rank(values(item, field)), reverse=key != field)
    begin = _begin(ask)
    limit = ask.number("limit")
    end = len(found) if limit is None else begin + limit
    more = end < len(found) and limit != 0
    return {
        "items": found[begin:end],
        "more_items_remaining": more,
        "continuation_token": _token(end) if more and "sort" not in ask.query else None,
        "total_item_count": len(found) if ask.flag("total_item_count") else None,
    }


def reply(items: Sequence[Item]) -> dict[str, Any]:
    """Return the answer to what is not a GET."""
    return {"items": list(items)}


def chosen(ask: Ask, kind: type[T], names: str = "names", ids: str = "ids") -> list[T]:
    """Return what the request names, by name, pattern or id, or else everything of the kind.

    :raises Refusal: one of them does not exist, or is not in the ``destroyed`` state asked for.
    """
    everything = ask.world.all(kind, ask.array)
    wanted_names, wanted_ids = ask.values(names), ask.values(ids)
    if wanted_names and wanted_ids:
        raise Refusal(f"Parameters {names} and {ids} exclude each other.")
    if not wanted_names and not wanted_ids:
        return [thing for thing in everything if _state_fits(ask, thing)]
    found: list[T] = []
    for name in wanted_names:
        if "*" in name:
            found += [t for t in everything if matches(t.name, name) and _state_fits(ask, t)]
        else:
            found.append(_in_state(ask, ask.world.find(kind, ask.array, name)))
    for wanted in wanted_ids:
        found.append(_in_state(ask, _by_id(ask.world, kind, ask.array, wanted)))
    return found


def named(ask: Ask, kind: type[T], names: str = "names", ids: str = "ids") -> list[T]:
    """Return what the request names, to be worked on; it must name something."""
    if not ask.values(names) and not ask.values(ids):
        raise Refusal(f"Missing required parameter: {names} or {ids}.")
    found = [ask.world.find(kind, ask.array, name) for name in ask.values(names)] + [
        _by_id(ask.world, kind, ask.array, wanted) for wanted in ask.values(ids)
    ]
    for thing in found:
        ask.world.must_be_online(thing, ask.array)
    return found


def among(ask: Ask, items: list[Item], kind: str) -> list[Item]:
    """Return those items that the request names, by name or pattern, or else all of them.

    :raises Refusal: one of them is not there.
    """
    found = []
    for name in ask.values("names"):
        matching = [item for item in items if matches(item["name"], name)]
        if not matching and "*" not in name:
            raise Refusal(f"{kind} does not exist.", name)
        found += matching
    return found if ask.values("names") else items


def _by_id(world: World, kind: type[T], array: str, wanted: str) -> T:
    found = world.by_id(kind, array, wanted)
    if found is None:
        raise Refusal(f"{KINDS[kind]} does not exist.", wanted)
    return found


def _state_fits(ask: Ask, thing: Thing) -> bool:
    wanted = ask.flag("destroyed")
    return wanted is None or not isinstance(thing, Destroyable) or thing.destroyed == wanted


def _in_state(ask: Ask, thing: T) -> T:
    if not _state_fits(ask, thing):
        state = "is not destroyed" if ask.flag("destroyed") else "has been destroyed"
        raise Refusal(f"{KINDS[type(thing)]} {state}.", thing.name)
    return thing


def _check_fields(items: list[Item], fields: set[str]) -> None:
    for field in fields:
        if items and field not in items[0]:
            raise Refusal(f"Unknown field to filter or sort by: {field}.")


def _rank(found: list[Any]) -> tuple[bool, Any]:
    return (bool(found), found[0] if found else 0)


def _token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"from {begin}".encode()).decode()


def _begin(ask: Ask) -> int:
    if "continuation_token" not in ask.query:
        return ask.number("offset") or 0
    token = ask.query["continuation_token"][0]
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError:
        raise Refusal("Continuation token is invalid.", token) from None
