# SPDX-License-Identifier: Apache-2.0
import pathlib

import pytest
from functional.engine.world import World


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)
