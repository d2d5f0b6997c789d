# SPDX-License-Identifier: Apache-2.0
import pathlib
from collections.abc import Iterator

import pytest
from functional.api.world import World


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    world = World(tmp_path)
    world.introduce()
    yield world
    world.close()
