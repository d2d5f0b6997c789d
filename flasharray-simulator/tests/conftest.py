# SPDX-License-Identifier: Apache-2.0
"""Two arrays in a process of their own, and the vendor's SDK to ask them with."""

import pathlib
from collections.abc import Iterator

import pytest
from pair import Asking, Running

from flasharray_simulator.control import Control


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("simulator"))
    running.start()
    yield running
    running.end()
    assert "Traceback" not in running.log, running.log
    assert "Warning" not in running.log, running.log


@pytest.fixture
def own_simulator(tmp_path: pathlib.Path) -> Iterator[Running]:
    """One that the test may end and start."""
    running = Running(tmp_path)
    running.start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def clients(simulator: Running) -> dict[str, Asking]:
    # Whatever ran before may have left an array down.
    simulator.control.reset()
    return {array: Asking(simulator.client(array)) for array in ("fa-a", "fa-b")}


@pytest.fixture
def control(simulator: Running) -> Control:
    """The control port; both arrays are new."""
    simulator.control.reset()
    return simulator.control


@pytest.fixture
def a(control: Control, clients: dict[str, Asking]) -> Asking:
    return clients["fa-a"]


@pytest.fixture
def b(control: Control, clients: dict[str, Asking]) -> Asking:
    return clients["fa-b"]
