# SPDX-License-Identifier: Apache-2.0
"""What is on an array that is counted while an operation goes on there."""

from typing import Any

import pytest

from flasharray_simulator.control import ControlError
from testbed import census


class Array:
    """Volumes that are listed and then not found; ``gone``: since they have gone."""

    def __init__(self, *, gone: bool) -> None:
        self._gone = gone
        self._lists = 0

    def live_volumes(self, array: str) -> list[str]:
        self._lists += 1
        return ["stays"] if self._gone and self._lists > 1 else ["stays", "goes"]

    def markers(self, array: str, name: str) -> list[str]:
        if name == "goes":
            raise ControlError("No such volume or snapshot; it does not exist.")
        return ["root"]


def test_a_volume_that_goes_while_it_is_counted_is_none() -> None:
    control: Any = Array(gone=True)
    assert census.on_array(control, "flasharray-b") == {"stays": ["root"]}


def test_an_array_that_does_not_answer_is_not_counted_as_empty() -> None:
    control: Any = Array(gone=False)
    with pytest.raises(ControlError):
        census.on_array(control, "flasharray-b")
