# SPDX-License-Identifier: Apache-2.0
"""Every command that a message of the server names is one of the client's, as it is spelt there."""

import ast
import functools
import importlib.metadata
import pathlib
import re
from collections.abc import Iterator

import pytest

import protector

SOURCES = sorted(pathlib.Path(protector.__file__).parent.rglob("*.py"))
NAMED = re.compile(r"openstack protector ([^.;,:)]*)")


def texts(node: ast.AST) -> Iterator[str]:
    """Yield each string as it is said, with a brace in place of what is filled in."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


def commands_named() -> list[str]:
    found = {
        command.strip()
        for source in SOURCES
        for text in texts(ast.parse(source.read_text()))
        for command in NAMED.findall(text)
    }
    return sorted(found)


@functools.cache
def clients() -> dict[str, importlib.metadata.EntryPoint]:
    """Return the client's commands as they are typed."""
    entry_points = importlib.metadata.entry_points(group="openstack.protector.v1")
    return {
        point.name.removeprefix("protector_").replace("_", " "): point for point in entry_points
    }


def test_messages_name_commands() -> None:
    assert len(commands_named()) > 20


@pytest.mark.parametrize("named", commands_named())
def test_a_command_in_a_message_exists_with_its_options(named: str) -> None:
    words = named.split()
    known = [" ".join(words[:length]) for length in (3, 2) if " ".join(words[:length]) in clients()]
    assert known, f"the client has no command {named}"
    parser = clients()[known[0]].load()(None, None).get_parser("openstack")
    options = {option for action in parser._actions for option in action.option_strings}
    assert {word for word in words if word.startswith("--")} <= options
