# SPDX-License-Identifier: Apache-2.0
"""What the gabbits run against: site-a of two sites, anew for each file of them."""

import pathlib
import tempfile
from typing import Any

from functional.api.world import World
from gabbi import fixture

from protector.api.wsgi import Wsgi

running: list[World] = []


class Strangers(fixture.GabbiFixture):
    """Two sites that do not know of each other yet."""

    def start_fixture(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        running.append(World(pathlib.Path(self._directory.name)))

    def stop_fixture(self) -> None:
        running.pop().close()
        self._directory.cleanup()


class Partners(Strangers):
    """Two sites that an administrator has introduced, and a server of alice."""

    def start_fixture(self) -> None:
        super().start_fixture()
        world = running[-1]
        world.introduce()
        world.a.cloud.add_server("project-a", "web-server-1", networks=["web"], volumes=2)


def app() -> Wsgi:
    def current(environ: dict[str, Any], start_response: Any) -> Any:
        return running[-1].a.app(environ, start_response)

    return current
