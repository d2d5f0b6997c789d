# SPDX-License-Identifier: Apache-2.0
"""Two arrays in a process of their own, and the vendor's SDK to ask them with."""

import dataclasses
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
from typing import Any

from pypureclient import flasharray
from pypureclient.configuration import Configuration

from flasharray_simulator.control import Control

COMMAND = pathlib.Path(sys.executable).with_name("flasharray-simulator")
MIB = 1024**2


class Running:
    """A simulator of arrays ``fa-a`` and ``fa-b``, for as long as the test needs it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.control_port, *self.ports = free_ports(3)
        self.control = Control(port=self.control_port)
        self.config = folder / "simulator.toml"
        self.config.write_text(self._config())

    def _config(self) -> str:
        a, b = self.ports
        return textwrap.dedent(f"""
            [control]
            port = {self.control_port}
            [[arrays]]
            name = "fa-a"
            address = "127.0.0.1"
            port = {a}
            api_token = "token-a"
            peers = ["fa-b"]
            [[arrays]]
            name = "fa-b"
            address = "127.0.0.1"
            port = {b}
            api_token = "token-b"
        """)

    @property
    def ca(self) -> pathlib.Path:
        return self.folder / "state" / "ca.pem"

    def start(self) -> None:
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [COMMAND, "serve", "--config", self.config],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said == "ready\n", (self.folder / "log").read_text()

    def end(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)
        self._process.communicate(timeout=30)

    def client(self, array: str, **options: Any) -> flasharray.Client:
        given = {"api_token": f"token-{array[-1]}", "timeout": (2, 5), "verify_ssl": True}
        port = dict(zip(("fa-a", "fa-b"), self.ports, strict=True))[array]
        configuration = Configuration(ssl_ca_cert=str(self.ca))
        return flasharray.Client(
            f"127.0.0.1:{port}", **(given | {"configuration": configuration} | options)
        )


@dataclasses.dataclass(frozen=True)
class Asking:
    """The SDK's client of one array, with the two things a test expects: items, or a refusal."""

    client: flasharray.Client

    def ask(self, method: str, **arguments: Any) -> list[Any]:
        response = getattr(self.client, method)(**arguments)
        assert response.status_code == 200, response.errors[0].message
        return list(getattr(response, "items", None) or [])

    def refused(self, method: str, **arguments: Any) -> str:
        response = getattr(self.client, method)(**arguments)
        assert response.status_code == 400, response
        return response.errors[0].message

    def volume(self, name: str, **fields: Any) -> Any:
        new = flasharray.VolumePost(**(fields or {"provisioned": 1024 * MIB}))
        return self.ask("post_volumes", names=[name], volume=new)[0]

    def names(self, method: str, **arguments: Any) -> list[str]:
        return [item.name for item in self.ask(method, **arguments)]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
