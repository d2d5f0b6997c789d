# SPDX-License-Identifier: Apache-2.0
"""Waiting for what runs in a VM to answer on its port."""

import socket
import threading
import time

import pytest

from protector.engine import listening
from protector.engine.listening import Listener


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "PAUSE", 0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_what_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        assert (
            listening.silent({"db": Listener(["127.0.0.1"], server.getsockname()[1])}, 30) == set()
        )
    assert time.monotonic() - began < 5


def test_one_of_its_addresses_is_enough() -> None:
    with socket.create_server(("127.0.0.3", 0)) as server:
        listener = Listener(["127.0.0.2", "127.0.0.3"], server.getsockname()[1])
        assert listening.silent({"db": listener}, 30) == set()


def test_what_answers_late_is_waited_for() -> None:
    port = free_port()
    opened: list[socket.socket] = []

    def open_it() -> None:
        opened.append(socket.create_server(("127.0.0.1", port)))

    late = threading.Timer(0.2, open_it)
    late.start()
    assert listening.silent({"db": Listener(["127.0.0.1"], port)}, 30) == set()
    late.join()
    opened[0].close()


def test_the_wait_ends_for_all_at_once_and_names_who_was_silent() -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        listeners = {
            "db": Listener(["127.0.0.1"], server.getsockname()[1]),
            "lost": Listener(["127.0.0.1"], free_port()),
            "unknown": Listener([], 80),
        }
        assert listening.silent(listeners, 0.3) == {"lost", "unknown"}
    assert 0.3 <= time.monotonic() - began < 3


def test_who_is_not_wanted_any_more_is_not_waited_for() -> None:
    began = time.monotonic()
    listener = Listener(["127.0.0.1"], free_port())
    given_up = iter([False, False, True])
    assert listening.silent({"db": listener}, 30, lambda: next(given_up)) == {"db"}
    assert time.monotonic() - began < 5
