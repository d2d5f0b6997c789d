# SPDX-License-Identifier: Apache-2.0
"""An array outlives its process, however that ends."""

import signal

import pytest
from pair import MIB, Asking, Running, protect

from flasharray_simulator.control import ControlError


def test_what_was_answered_is_there_after_a_kill(own_simulator: Running) -> None:
    control = own_simulator.control
    a, b = (Asking(own_simulator.client(array)) for array in ("fa-a", "fa-b"))
    control.freeze()
    control.set_link(bandwidth=MIB)
    there = protect(a, b, "v")
    control.write("fa-a", "v", "first", bytes=9 * MIB)
    suffix = control.replicate("fa-a", "pg")
    control.advance(5)
    volume = a.ask("get_volumes", names=["v"])[0]
    control.link_down("fa-a", "fa-b")
    at = control.time()

    own_simulator.end(signal.SIGKILL)
    own_simulator.start()

    assert control.time() == at
    again = a.ask("get_volumes", names=["v"])[0]
    assert (again.id, again.serial) == (volume.id, volume.serial)
    assert control.markers("fa-a", "v") == ["first"]
    (moving,) = control.transfers("fa-b")
    assert 0 < moving["progress"] < 1
    assert a.ask("get_array_connections")[0].status == "connecting"

    control.link_up("fa-a", "fa-b")
    control.advance(10)
    assert control.markers("fa-b", f"{there}.{suffix}.v") == ["first"]
    assert control.transfers("fa-b")[0]["progress"] == 1.0


def test_an_array_that_was_down_is_still_down(own_simulator: Running) -> None:
    own_simulator.control.array_down("fa-b")
    own_simulator.end()
    own_simulator.start()
    own_simulator.client("fa-a")
    assert "fa-b is down" in own_simulator.log
    own_simulator.control.array_up("fa-b")
    own_simulator.client("fa-b")


def test_clients_still_trust_it(own_simulator: Running) -> None:
    before = own_simulator.ca.read_bytes()
    own_simulator.end()
    own_simulator.start()
    assert own_simulator.ca.read_bytes() == before


def test_a_simulator_that_is_not_there_is_named(own_simulator: Running) -> None:
    own_simulator.end()
    with pytest.raises(ControlError, match="flasharray-simulator serve"):
        own_simulator.control.time()
    own_simulator.start()
