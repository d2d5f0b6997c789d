# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import pytest
from contract.simulated import SOURCE, TARGET, SimulatedArrays


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedArrays]:
    arrays = SimulatedArrays(tmp_path_factory.mktemp("arrays"))
    arrays.simulator.start()
    yield arrays
    arrays.simulator.stop()


@pytest.fixture
def new_arrays(arrays: SimulatedArrays) -> SimulatedArrays:
    """The same ones as if nothing had been done to them."""
    for array in (SOURCE, TARGET):
        arrays.control.array_up(array)
    arrays.control.clear_faults()
    arrays.control.reset()
    return arrays
