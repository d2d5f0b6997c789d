# SPDX-License-Identifier: Apache-2.0
"""One direction is cut, open connections too; the other direction, and everybody else, is not."""

import dataclasses
import os
import pathlib
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from testbed import firewall
from testbed.layout import PORTS, SITE_A, SITE_B, Place
from testbed.processes import Processes
from testbed.progress import wait_for

pytestmark = pytest.mark.skipif(firewall.lacking() is not None, reason=str(firewall.lacking()))

# Sites beside those of a testbed that may be running.
HERE = dataclasses.replace(SITE_A, name="here", address="127.0.91.1", protector_group=88291)
THERE = dataclasses.replace(SITE_B, name="there", address="127.0.92.1", protector_group=88292)

# Connects; when it is told to go on, uses that connection, then makes a new one.
CLIENT = """
import pathlib, socket, sys, time
there, folder = (sys.argv[1], int(sys.argv[2])), pathlib.Path(sys.argv[3])

def use_it():
    connection.settimeout(1)
    connection.sendall(b"x")
    connection.recv(1)

def told(attempt):
    try:
        attempt()
        return "answered"
    except TimeoutError:
        return "silence"

connection = socket.create_connection(there, 1)
(folder / "connected").touch()
while not (folder / "go").exists():
    time.sleep(0.02)
answers = [told(use_it), told(lambda: socket.create_connection(there, 1))]
(folder / "new").write_text(" ".join(answers))
(folder / "new").replace(folder / "answers")
"""


@pytest.fixture(autouse=True)
def protectors() -> Iterator[None]:
    """Both sites' Protectors, which answer whatever they are sent."""
    listeners = [
        socket.create_server((place.address, PORTS["protector"])) for place in (HERE, THERE)
    ]
    for listener in listeners:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    yield
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)


@dataclasses.dataclass(frozen=True)
class Client:
    """Somebody of a group of users, connected to a site."""

    folder: pathlib.Path

    def go_on(self) -> str:
        (self.folder / "go").touch()
        answers = self.folder / "answers"
        wait_for(answers.exists, seconds=10, otherwise="the client tells nothing")
        return answers.read_text()


class Clients:
    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self.processes = Processes(folder)

    def connect(self, name: str, group: int, place: Place) -> Client:
        folder = self._folder / name
        folder.mkdir()
        command = [sys.executable, "-c", CLIENT, place.address, PORTS["protector"], folder]
        self.processes.start(name, command, env=dict(os.environ), cwd=folder, group=group)
        wait_for((folder / "connected").exists, seconds=10, otherwise=f"{name} does not connect")
        return Client(folder)


@pytest.fixture
def clients(tmp_path: pathlib.Path) -> Iterator[Clients]:
    found = Clients(tmp_path)
    yield found
    found.processes.end(grace=0)


def test_one_site_is_cut_off_from_the_other_and_nobody_else_is(clients: Clients) -> None:
    from_here = clients.connect("from-here", HERE.protector_group, THERE)
    from_there = clients.connect("from-there", THERE.protector_group, HERE)
    tenant = clients.connect("tenant", os.getgid(), THERE)

    with firewall.partition(HERE, THERE):
        assert from_here.go_on() == "silence silence"
        assert from_there.go_on() == "answered answered"
        assert tenant.go_on() == "answered answered"


def test_what_was_cut_heals(clients: Clients) -> None:
    client = clients.connect("from-here", HERE.protector_group, THERE)
    with firewall.partition(HERE, THERE):
        pass
    assert client.go_on() == "answered answered"


def test_a_partition_that_was_never_ended_is_taken_over(clients: Clients) -> None:
    client = clients.connect("from-here", HERE.protector_group, THERE)
    abandoned = firewall.partition(HERE, THERE)
    abandoned.__enter__()
    with firewall.partition(HERE, THERE):
        pass
    assert client.go_on() == "answered answered"
