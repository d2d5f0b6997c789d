# SPDX-License-Identifier: Apache-2.0
"""Finding a tenant's server by what the tenant calls it."""

import json
import types
import uuid
from typing import Any

import pytest
import requests

from protector import errors
from protector.cloud import capture


class Nova:
    """Servers by id, of one project; it finds names as its database does, whatever their case."""

    def __init__(self, **servers: str) -> None:
        self._names = {str(uuid.uuid5(uuid.NAMESPACE_DNS, id)): n for id, n in servers.items()}
        self.asked: list[str] = []

    def servers(self, *, name: str, **_: Any) -> list[Any]:
        wanted = name.strip("^$").replace("\\", "").lower()
        return [
            types.SimpleNamespace(id=id, name=called)
            for id, called in self._names.items()
            if called.lower() == wanted
        ]

    def get(self, path: str, *, microversion: str) -> requests.Response:
        self.asked.append(path)
        id = path.removeprefix("/servers/")
        answer = requests.Response()
        answer.status_code = 200
        shown: dict[str, Any] = {"servers": []}
        if id in self._names:
            shown = {"server": {"id": id, "name": self._names[id], "tenant_id": "acme"}}
        answer._content = json.dumps(shown).encode()
        return answer


def find(nova: Nova, server: str) -> str:
    connection: Any = types.SimpleNamespace(compute=nova)
    name: str = capture._find(connection, "site-a", "acme", server)["name"]
    return name


@pytest.mark.parametrize("name", ["detail", "detail?all_tenants=1", "../flavors", "web 1"])
def test_a_name_is_no_part_of_a_url(name: str) -> None:
    nova = Nova(one=name)
    assert find(nova, name) == name
    assert all(path.count("/") == 2 and "?" not in path for path in nova.asked)
    assert "/servers/detail" not in nova.asked


def test_names_that_differ_in_case_are_two_names() -> None:
    nova = Nova(one="web", other="Web")
    assert find(nova, "Web") == "Web"
    with pytest.raises(errors.ServerNotFound):
        find(nova, "WEB")


def test_an_id_is_found_as_such() -> None:
    nova = Nova(one="web")
    (server,) = nova.servers(name="^web$")
    assert find(nova, server.id) == "web"
