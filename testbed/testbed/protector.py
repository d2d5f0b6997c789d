# SPDX-License-Identifier: Apache-2.0
"""A site's Protector, run as its operator would."""

import os
import subprocess

from testbed.errors import BrokenTestbed
from testbed.layout import PORTS, Folders, Place
from testbed.processes import Processes
from testbed.progress import wait_for
from testbed.rabbitmq import RabbitMQ

API = "protector-api"
# Also the queue by which it is asked.
ENGINE = "protector-engine"
NAMES = (API, ENGINE)
CONFIG = ("--config-file", "protector.conf")
START = 60.0


class Protector:
    def __init__(
        self, place: Place, folders: Folders, processes: Processes, rabbitmq: RabbitMQ
    ) -> None:
        self._place = place
        self._commands = folders.commands
        self._config = folders.site(place) / "etc"
        self._rabbitmq = rabbitmq
        self._processes = processes

    def prepare(self) -> None:
        """Make its key, and bring its tables up to date."""
        if not (self._config / "keys").exists():
            self._manage("create-key")
        self._manage("db", "sync")

    def start(self, *names: str) -> None:
        """Start its processes, or those that are named."""
        for name in names or NAMES:
            self._processes.start(
                name,
                [self._commands / name, *CONFIG],
                env=_environment(),
                cwd=self._config,
                group=self._place.protector_group,
            )

    def stop(self) -> None:
        """End it at once; an engine must not go on with operations that are to be forgotten."""
        self._processes.end(NAMES, grace=0)

    def wait(self) -> None:
        """Wait until its API listens, and its engine takes what the API sends."""
        self._processes.wait_for_port(API, self._place.address, PORTS["protector"], seconds=START)
        wait_for(
            lambda: self._rabbitmq.consumers(ENGINE),
            seconds=START,
            otherwise=f"{ENGINE} takes no requests; see {self._processes.output(ENGINE)}",
        )

    def _manage(self, *words: str) -> None:
        log = self._processes.output("protector-manage")
        with log.open("ab") as output:
            done = subprocess.run(
                [str(self._commands / "protector-manage"), *CONFIG, *words],
                env=_environment(),
                cwd=self._config,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if done.returncode:
            raise BrokenTestbed(
                f"protector-manage {' '.join(words)} ended with {done.returncode}; see {log}"
            )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
