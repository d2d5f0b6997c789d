# SPDX-License-Identifier: Apache-2.0
"""Threads that ask an array at once: each by a client of its own, as many as there is room for."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from pypureclient import flasharray

from protector.storage.purity import Purity

SECONDS = 30


class Clients:
    """Stands in for the SDK's; ``answer`` is what any client does when it is asked."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self.made = 0
        self._answer = answer

    def __call__(self, target: str, **options: object) -> SimpleNamespace:
        self.made += 1
        return SimpleNamespace(get_arrays=self._get_arrays)

    def _get_arrays(self) -> SimpleNamespace:
        self._answer()
        return SimpleNamespace(status_code=200, items=["array"])


@pytest.fixture
def purity() -> Purity:
    return Purity(
        "array",
        target="192.0.2.1",
        api_token="token",
        ca_file=None,
        connect_timeout=1,
        timeout=1,
        parallel_requests=2,
    )


def test_as_many_are_asked_side_by_side_as_there_is_room_for(
    purity: Purity, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    clients = Clients(lambda: both.wait(SECONDS))
    monkeypatch.setattr(flasharray, "Client", clients)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(purity.ask, "get_arrays") for _ in range(8)]
        assert [one.result() for one in asked] == [["array"]] * 8
    assert clients.made == 2


def test_one_thread_needs_one_client(purity: Purity, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients(lambda: None)
    monkeypatch.setattr(flasharray, "Client", clients)
    for _ in range(3):
        purity.ask("get_arrays")
    assert clients.made == 1
