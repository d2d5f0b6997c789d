# SPDX-License-Identifier: Apache-2.0
"""A site's Protector, run as its operator would."""

import os
import pathlib
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
# Not of a site that was brought up: whoever wants two starts it.
SECOND_ENGINE = "protector-engine-2"
ENGINES = (ENGINE, SECOND_ENGINE)
# What lies in the folder is laid over the file.
OVER = "../protector.d"
CONFIG = ("--config-file", "protector.conf", "--config-dir", OVER)
# Laid over the other.
CONFIG_OF_SECOND = ("--config-file", "protector-engine-2.conf")
# Seconds; on a busy machine it takes a minute to read its code alone.
START = 180.0


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

    @property
    def configured_over(self) -> pathlib.Path:
        """A file of options for as long as it is there; Protector reads it when it starts."""
        return self._config / OVER / "over.conf"

    def start(self, *names: str, fates: pathlib.Path | None = None) -> None:
        """Start its processes, or those that are named.

        :param fates: where an engine reads when it is to die (see :mod:`testbed.mortal_engine`).
        """
        for name in names or NAMES:
            self._processes.start(
                name,
                self._command(name, fates),
                env=_environment(),
                cwd=self._config,
                group=self._place.protector_group,
            )

    def stop(self) -> None:
        """End it at once; an engine must not go on with operations that are to be forgotten."""
        self._processes.end([*NAMES, SECOND_ENGINE], grace=0)

    def wait(self) -> None:
        """Wait until its API listens, and its engines take what the API sends."""
        self._processes.wait_for_port(API, self._place.address, PORTS["protector"], seconds=START)
        wait_for(
            lambda: self._rabbitmq.consumers(ENGINE) >= len(self._engines()),
            seconds=START,
            otherwise=f"{ENGINE} takes no requests; see {self._processes.output(ENGINE)}",
        )

    def fallen(self, *engines: str) -> list[str]:
        """Return those that have died, once any has."""
        return wait_for(
            lambda: [name for name in engines if not self._processes.alive(name)],
            seconds=START,
            otherwise=f"none of {', '.join(engines)} has died",
        )

    def _engines(self) -> list[str]:
        """Return the engines that were started and not ended."""
        return [name for name in self._processes.names() if name in ENGINES]

    def _command(self, name: str, fates: pathlib.Path | None) -> list[object]:
        mortal = [self._commands / "python", "-m", "testbed.mortal_engine", fates]
        program = ENGINE if name in ENGINES else name
        return [
            *(mortal if fates else [self._commands / program]),
            *CONFIG,
            *(CONFIG_OF_SECOND if name == SECOND_ENGINE else ()),
            *("--log-file", f"{name}.log"),
        ]

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
