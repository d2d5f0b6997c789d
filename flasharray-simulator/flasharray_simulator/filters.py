# SPDX-License-Identifier: Apache-2.0
"""Purity's filter language: ``name='web*' and not (provisioned>1024 or destroyed)``."""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from flasharray_simulator.errors import Refusal

Item = dict[str, Any]
Predicate = Callable[[Item], bool]

TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<compare><=|>=|!=|=|<|>)
      | (?P<mark>[(),])
      | (?P<word>[A-Za-z_][\w.]*)
    )""",
    re.VERBOSE,
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
# Of these, colons and case do not matter.
WWNS = {"wwns", "wwn"}


def compile_filter(text: str) -> tuple[Predicate, set[str]]:
    """Return what tells whether an item matches, and the fields it looks at.

    :raises Refusal: the filter cannot be understood.
    """
    parser = _Parser(text)
    return parser.parse(), parser.fields


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenize(text))
        self._at = 0
        self.fields: set[str] = set()

    def parse(self) -> Predicate:
        found = self._any()
        if self._peek()[1]:
            raise self._refusal()
        return found

    # -- grammar, loosest first -----------------------------------------------------------------

    def _any(self) -> Predicate:
        parts = [self._every()]
        while self._take("or"):
            parts.append(self._every())
        return lambda item: any(part(item) for part in parts)

    def _every(self) -> Predicate:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return lambda item: all(part(item) for part in parts)

    def _one(self) -> Predicate:
        if self._take("not"):
            negated = self._one()
            return lambda item: not negated(item)
        if self._take("("):
            inner = self._any()
            self._expect(")")
            return inner
        kind, field = self._next()
        if kind != "word":
            raise self._refusal()
        if self._take("("):
            return self._function(field)
        return self._comparison(self._field(field))

    def _field(self, path: str) -> str:
        self.fields.add(path.partition(".")[0])
        return path

    def _function(self, name: str) -> Predicate:
        if name == "contains":
            field = self._field(self._next()[1])
            (text,) = self._values_after_comma()
            return lambda item: any(text.lower() in str(v).lower() for v in values(item, field))
        if name == "tags":
            key = self._literal()
            (value,) = self._values_after_comma()
            return lambda item: (
                {"key": key, "value": value}
                in [{"key": tag["key"], "value": tag["value"]} for tag in item.get("tags", [])]
            )
        raise self._refusal()

    def _comparison(self, field: str) -> Predicate:
        kind, sign = self._peek()
        if kind != "compare":
            return lambda item: any(values(item, field))
        self._next()
        wanted = self._list() if self._take("(") else [self._literal()]
        if sign in ("=", "!="):
            equal = _equality(field, wanted)
            return equal if sign == "=" else lambda item: not equal(item)
        compare = COMPARISONS[sign]
        (literal,) = wanted
        return lambda item: any(_ordered(compare, value, literal) for value in values(item, field))

    def _values_after_comma(self) -> list[str]:
        self._expect(",")
        return self._list()

    def _list(self) -> list[str]:
        found = [self._literal()]
        while self._take(","):
            found.append(self._literal())
        self._expect(")")
        return found

    def _literal(self) -> str:
        kind, text = self._next()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind in ("number", "word"):
            return text
        raise self._refusal()

    # -- tokens -------------------------------------------------------------------------------

    def _tokenize(self, text: str) -> Iterable[tuple[str, str]]:
        at, end = 0, len(text.rstrip())
        while at < end:
            match = TOKEN.match(text, at)
            if not match:
                raise self._refusal()
            assert match.lastgroup
            yield match.lastgroup, match[match.lastgroup]
            at = match.end()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, text: str) -> bool:
        kind, found = self._peek()
        if kind in ("word", "mark") and found == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._refusal()

    def _refusal(self) -> Refusal:
        return Refusal("Filter cannot be understood.", self._text)


def values(item: Any, path: str) -> list[Any]:
    """Return what is at a dotted path; of a list, everything in it."""
    found = [item]
    for step in path.split("."):
        found = [part for whole in found for part in _step(whole, step)]
    return found


def _step(whole: Any, step: str) -> list[Any]:
    if not isinstance(whole, dict) or whole.get(step) is None:
        return []
    value = whole[step]
    return value if isinstance(value, list) else [value]


def _equality(field: str, wanted: list[str]) -> Predicate:
    plain = field.rpartition(".")[2] in WWNS

    def normal(value: Any) -> str:
        text = str(value).lower()
        return text.replace(":", "") if plain else text

    def equal(value: Any, literal: str) -> bool:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _ordered(operator.eq, value, literal)
        return matches(normal(value), normal(literal))

    return lambda item: any(
        equal(value, literal) for value in values(item, field) for literal in wanted
    )


def matches(name: str, pattern: str) -> bool:
    """Whether the name is the pattern's, in which ``*`` stands for anything."""
    if "*" not in pattern:
        return name.lower() == pattern.lower()
    plain = pattern.lower().replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(name.lower(), plain)


def _ordered(compare: Callable[[Any, Any], bool], value: Any, literal: str) -> bool:
    if not isinstance(value, int | float):
        return compare(str(value), literal)
    try:
        return compare(float(value), float(literal))
    except ValueError:
        return False
