# SPDX-License-Identifier: Apache-2.0
"""Two arrays in a process of their own, and the vendor's SDK to ask them with."""

import dataclasses
import json
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
from typing import Any

import urllib3
from pypureclient import flasharray
from pypureclient.configuration import Configuration

from flasharray_simulator.control import Control

COMMAND = pathlib.Path(sys.executable).with_name("flasharray-simulator")
MIB = 1024**2


class Running:
    """A simulator of arrays ``fa-a`` and ``fa-b``, for as long as the test needs it.

    ``link`` is ``sync_peers``, or ``peers`` for one over which no pod can be stretched.
    """

    def __init__(
        self, folder: pathlib.Path, more_settings: str = "", link: str = "sync_peers"
    ) -> None:
        self.folder = folder
        self.control_port, *self.ports = free_ports(3)
        self.control = Control(port=self.control_port)
        self.config = folder / "simulator.toml"
        self.config.write_text(self._config(link) + more_settings)

    def _config(self, link: str) -> str:
        a, b = self.ports
        return textwrap.dedent(f"""
            [control]
            port = {self.control_port}
            [[arrays]]
            name = "fa-a"
            address = "127.0.0.1"
            port = {a}
            api_token = "token-a"
            {link} = ["fa-b"]
            [[arrays]]
            name = "fa-b"
            address = "127.0.0.1"
            port = {b}
            api_token = "token-b"
        """)

    @property
    def ca(self) -> pathlib.Path:
        return self.folder / "state" / "ca.pem"

    def port(self, array: str) -> int:
        return dict(zip(("fa-a", "fa-b"), self.ports, strict=True))[array]

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
        assert said == "ready\n", self.log

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def end(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)
        self._process.communicate(timeout=30)

    def client(self, array: str, **options: Any) -> flasharray.Client:
        given = {"api_token": f"token-{array[-1]}", "timeout": (2, 5), "verify_ssl": True}
        configuration = Configuration(ssl_ca_cert=str(self.ca))
        return flasharray.Client(
            f"127.0.0.1:{self.port(array)}", **(given | {"configuration": configuration} | options)
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

    def snapshot(self, volume: str, **fields: Any) -> Any:
        new = flasharray.VolumeSnapshotPost(**fields)
        return self.ask("post_volume_snapshots", source_names=[volume], volume_snapshot=new)[0]

    def pod(self, name: str, *volumes: str, **fields: Any) -> Any:
        """Make a pod with new volumes in it."""
        (pod,) = self.ask("post_pods", names=[name], pod=flasharray.PodPost(**fields))
        for volume in volumes:
            self.volume(f"{name}::{volume}")
        return pod

    def stretch(self, pod: str, array: str = "fa-b") -> None:
        self.ask("post_pods_arrays", group_names=[pod], member_names=[array])

    def unstretch(self, pod: str, array: str, **options: Any) -> None:
        self.ask("delete_pods_arrays", group_names=[pod], member_names=[array], **options)

    def names(self, method: str, **arguments: Any) -> list[str]:
        return [item.name for item in self.ask(method, **arguments)]


class Raw:
    """Requests as the SDK would never send them."""

    def __init__(self, running: Running, array: str) -> None:
        self._url = f"https://127.0.0.1:{running.port(array)}/api"
        self._pool = urllib3.PoolManager(ca_certs=str(running.ca), retries=False, timeout=5)
        token = {"api-token": f"token-{array[-1]}"}
        answer = self._pool.request("POST", f"{self._url}/2.36/login", headers=token)
        self._headers = {"x-auth-token": answer.headers["x-auth-token"]}

    def send(
        self, method: str, path: str, body: Any = None, version: str = "2.36"
    ) -> tuple[int, Any]:
        url = f"{self._url}/{version}/{path}"
        answer = self._pool.request(method, url, headers=self._headers, json=body)
        return answer.status, json.loads(answer.data or b"null")


def protect(a: Asking, b: Asking, *volumes: str, group: str = "pg") -> str:
    """Replicate new volumes from ``fa-a`` to ``fa-b``; return the group's name there."""
    for volume in volumes:
        a.volume(volume)
    a.ask("post_protection_groups", names=[group])
    a.ask("post_protection_groups_volumes", group_names=[group], member_names=list(volumes))
    a.ask("post_protection_groups_targets", group_names=[group], member_names=["fa-b"])
    there = f"fa-a:{group}"
    allow(b, there)
    return there


def allow(b: Asking, group: str, allowed: bool = True) -> None:
    target = flasharray.TargetProtectionGroupPostPatch(allowed=allowed)
    b.ask("patch_protection_groups_targets", group_names=[group], target=target)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
