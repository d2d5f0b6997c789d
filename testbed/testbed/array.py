# SPDX-License-Identifier: Apache-2.0
"""The simulated arrays of both sites, in one process that belongs to neither."""

import os
import pathlib
import shutil

from flasharray_simulator.control import Control
from testbed.layout import PLACES, PORTS, SIMULATOR_CONTROL, Folders, Place, peer_of
from testbed.processes import Processes, expect_free

NAME = "flasharray-simulator"
# Seconds.
START = 60.0
GRACE = 5.0
# The arrays as the sites were made with.
FURNISHED = "furnished"


class Arrays:
    def __init__(self, folders: Folders) -> None:
        self._folder = folders.simulator
        self._command = folders.commands / NAME
        self.processes = Processes(self._folder)
        self.control = Control(*SIMULATOR_CONTROL)

    @property
    def _state(self) -> pathlib.Path:
        return self._folder / "state"

    def _kept(self, name: str) -> pathlib.Path:
        return self._folder / name

    def running(self) -> bool:
        return self.processes.alive(NAME)

    def start(self) -> None:
        self.processes.end(grace=0)
        ports = [(place.address, PORTS["array"]) for place in PLACES.values()]
        expect_free([SIMULATOR_CONTROL, *ports])
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "simulator.toml"
        config.touch(mode=0o600)
        config.write_text(_config())
        self.processes.start(
            NAME,
            [self._command, "serve", "--config", config],
            env=dict(os.environ),
            cwd=self._folder,
        )
        self.processes.wait_for_port(NAME, *SIMULATOR_CONTROL, seconds=START)

    def stop(self) -> None:
        self.processes.end(grace=GRACE)

    def keep(self, name: str = FURNISHED) -> None:
        """Remember the arrays as they are, for ``restore``."""
        self._exchange(self._state, self._kept(name))

    def restore(self, name: str = FURNISHED) -> None:
        """Put the arrays back to what they were: volumes, replication, links, faults, clock."""
        self._exchange(self._kept(name), self._state)

    def _exchange(self, source: pathlib.Path, target: pathlib.Path) -> None:
        # Stopped, its files are complete.
        self.stop()
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        self.start()


def _config() -> str:
    address, port = SIMULATOR_CONTROL
    control = f'state_dir = "state"\n\n[control]\naddress = "{address}"\nport = {port}\n'
    return control + "".join(_array(place) for place in PLACES.values())


def _array(place: Place) -> str:
    return f"""
[[arrays]]
name = "{place.array}"
address = "{place.address}"
port = {PORTS["array"]}
api_token = "{place.api_token}"
sync_peers = ["{peer_of(place).array}"]
"""
