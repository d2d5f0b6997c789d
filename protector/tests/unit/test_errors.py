# SPDX-License-Identifier: Apache-2.0
import re
import string
from collections.abc import Iterator

import pytest

from protector import errors


def below(error: type[errors.ProtectorError]) -> Iterator[type[errors.ProtectorError]]:
    for child in error.__subclasses__():
        yield child
        yield from below(child)


ALL = list(below(errors.ProtectorError))


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in (errors.ProtectorError, *ALL)]
    assert len(set(codes)) == len(codes)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert errors.__doc__ is not None
    named = re.findall(r"\b[A-Z][a-z]+[A-Za-z]*\b", errors.__doc__.split("* ProtectorError")[1])
    assert sorted(named) == sorted(error.__name__ for error in ALL)


@pytest.mark.parametrize("error", ALL)
def test_a_message_is_made_of_the_details(error: type[errors.ProtectorError]) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(error.message) if name]
    text = error(**{name: f"<{name}>" for name in names}).text
    assert all(f"<{name}>" in text for name in names)


@pytest.mark.parametrize("error", ALL)
def test_a_status_is_of_the_family(error: type[errors.ProtectorError]) -> None:
    assert 400 <= error.status < 600
