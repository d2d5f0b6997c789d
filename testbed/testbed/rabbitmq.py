# SPDX-License-Identifier: Apache-2.0
"""A site's RabbitMQ, with an Erlang port mapper of its own."""

import os
import pathlib
import shutil

import amqp  # type: ignore[import-untyped]

from testbed.errors import BrokenTestbed
from testbed.layout import PASSWORD, PORTS, Place
from testbed.processes import Processes

NAMES = ("epmd", "rabbitmq")
# The command itself, not Debian's wrapper, which changes the user.
SERVER = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START = 90.0


class RabbitMQ:
    def __init__(self, place: Place, folder: pathlib.Path, processes: Processes) -> None:
        self._place = place
        self._config = folder / "etc" / "rabbitmq.conf"
        self._folder = folder / "rabbitmq"
        self._processes = processes

    def start(self) -> None:
        epmd = shutil.which("epmd")
        if not SERVER.exists() or not epmd:
            raise BrokenTestbed(
                f"{SERVER} is not installed; install Debian's package rabbitmq-server"
            )
        self._folder.mkdir(exist_ok=True)
        (self._folder / "plugins").write_text("[].\n")
        address, port = self._place.address, self._place.erlang_port
        env = self._environment()
        self._processes.start(
            "epmd", [epmd, "-address", address, "-port", port], env=env, cwd=self._folder
        )
        self._processes.wait_for_port("epmd", address, port, seconds=START)
        self._processes.start("rabbitmq", [SERVER], env=env, cwd=self._folder)

    def _environment(self) -> dict[str, str]:
        interface = self._place.address.replace(".", ",")
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            # Erlang keeps the cookie there.
            "HOME": str(self._folder),
            "ERL_EPMD_ADDRESS": self._place.address,
            "ERL_EPMD_PORT": str(self._place.erlang_port),
            "RABBITMQ_NODENAME": f"{self._place.name}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self._config),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_DIST_PORT": str(self._place.erlang_port + 1),
            # The idle schedulers of Erlang must not spin.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-kernel inet_dist_use_interface {{{interface}}} "
                "+sbwt none +sbwtdcpu none +sbwtdio none"
            ),
        }

    def consumers(self, queue: str) -> int:
        """Return how many processes take messages from the queue."""
        with amqp.Connection(
            f"{self._place.address}:{PORTS['rabbitmq']}", userid="openstack", password=PASSWORD
        ) as connection:
            try:
                return int(connection.channel().queue_declare(queue, passive=True).consumer_count)
            except amqp.NotFound:
                return 0

    def wait(self) -> None:
        self._processes.wait_for_port(
            "rabbitmq", self._place.address, PORTS["rabbitmq"], seconds=START
        )
