# SPDX-License-Identifier: Apache-2.0
"""A request as its handler sees it: what is asked for, of which array, in which world."""

import dataclasses
import json
import urllib.parse
from typing import Any

from flasharray_simulator.errors import Refusal
from flasharray_simulator.world import World

# A body's shape: field -> its type, its inner shape, or [type] for a list.
Shape = dict[str, Any]

NAMES_OF_TYPES = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}


@dataclasses.dataclass(frozen=True)
class Ask:
    array: str
    world: World
    query: dict[str, list[str]]
    body: Any = dataclasses.field(default_factory=dict)

    def values(self, parameter: str) -> list[str]:
        return [value for value in self.query.get(parameter, []) if value]

    def required(self, parameter: str) -> list[str]:
        found = self.values(parameter)
        if not found:
            raise Refusal(f"Missing required parameter: {parameter}.")
        return found

    def one(self, parameter: str) -> str:
        found = self.required(parameter)
        if len(found) > 1:
            raise Refusal(f"Parameter {parameter} takes one value here.", ", ".join(found))
        return found[0]

    def flag(self, parameter: str) -> bool | None:
        if parameter not in self.query:
            return None
        value = self.query[parameter][0]
        if value not in ("true", "false"):
            raise Refusal(f"Parameter {parameter} must be true or false.", value)
        return value == "true"

    def number(self, parameter: str) -> int | None:
        if parameter not in self.query:
            return None
        value = self.query[parameter][0]
        if not value.isdecimal():
            raise Refusal(f"Parameter {parameter} must be a whole number.", value)
        return int(value)


def parse_query(text: str) -> dict[str, list[str]]:
    """Return parameter -> values; a comma that is part of a value came percent-encoded."""
    query: dict[str, list[str]] = {}
    for pair in filter(None, text.split("&")):
        key, _, value = pair.partition("=")
        key = urllib.parse.unquote_plus(key)
        if key in query:
            raise Refusal(f"Parameter {key} is given twice.")
        query[key] = [urllib.parse.unquote_plus(part) for part in value.split(",")]
    if "filter" in query:
        query["filter"] = [",".join(query["filter"])]
    return query


def parse_body(data: bytes) -> Any:
    """Return the body; a field that is null is as good as absent."""
    if not data.strip():
        return {}
    try:
        return _without_nulls(json.loads(data))
    except ValueError:
        raise Refusal("The request's body is not JSON.") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {field: _without_nulls(inner) for field, inner in value.items() if inner is not None}
    return value


def check_query(query: dict[str, list[str]], allowed: frozenset[str]) -> None:
    for parameter in query:
        if parameter not in allowed:
            raise Refusal(f"Unknown parameter: {parameter}.")


def check_body(body: Any, shape: Shape | list[Any] | None) -> None:
    """:raises Refusal: it has a field it should not have, or a value of another type."""
    if shape is None:
        if body:
            raise Refusal("This request takes no body.")
    else:
        _check(body, shape, "")


def _check(value: Any, shape: Any, path: str) -> None:
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise Refusal(f"{path or 'The body'} must be a list.")
        for each in value:
            _check(each, shape[0], path)
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            raise Refusal(f"{path or 'The body'} must be an object.")
        for field, inner in value.items():
            full = f"{path}.{field}" if path else field
            if field not in shape:
                raise Refusal(f"Unknown field: {full}.")
            _check(inner, shape[field], full)
    elif not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        raise Refusal(f"{path} must be {NAMES_OF_TYPES[shape]}.", str(value))
