# SPDX-License-Identifier: Apache-2.0
"""The simulated arrays of both sites, in one process that belongs to neither."""

import json
import os
import pathlib
import shutil

from flasharray_simulator.control import Control

from testbed.layout import PLACES, SIMULATOR_CONTROL, Folders, Place
from testbed.processes import Processes, listening

NAME = "flasharray-simulator"
# Seconds.
START = 60.0
GRACE = 5.0


class Arrays:
    def __init__(self, folders: Folders) -> None:
        self._folder = folders.simulator
        self._command = folders.commands / NAME
        self.processes = Processes(self._folder)
        self.control = Control(*SIMULATOR_CONTROL)

    @property
    def _state(self) -> pathlib.Path:
        return self._folder / "state"

    @property
    def _kept(self) -> pathlib.Path:
        return self._folder / "furnished"

    def running(self) -> bool:
        return self.processes.alive(NAME)

    def start(self) -> None:
        self.processes.end(grace=0)
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "simulator.toml"
        config.write_text(_config(self._folder))
        self.processes.start(
            NAME,
            [self._command, "serve", "--config", config],
            env=dict(os.environ),
            cwd=self._folder,
        )
        self.processes.wait_for_port(NAME, *SIMULATOR_CONTROL, seconds=START)

    def stop(self) -> None:
        self.processes.end(grace=GRACE)
