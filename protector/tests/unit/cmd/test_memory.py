# SPDX-License-Identifier: Apache-2.0
"""What the services have loaded is no matter for the garbage collector once they serve."""

import gc
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from protector.cmd import api, engine

# The libraries' objects are more.
MANY = 50_000


@pytest.fixture
def given(tmp_path: pathlib.Path) -> Iterator[list[str]]:
    path = tmp_path / "protector.conf"
    path.write_text("[DEFAULT]\nsite_name = site-a\n")
    gc.unfreeze()
    yield ["--config-file", str(path)]
    gc.unfreeze()


class Service:
    kept = 0

    def run(self) -> None:
        self.kept = gc.get_freeze_count()

    def leave(self) -> bool:
        return True


def test_the_api_serves_with_what_it_has_loaded_set_aside(
    given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []

    def serve(app: Any, **_: Any) -> None:
        kept.append(gc.get_freeze_count())

    monkeypatch.setattr(api, "make", lambda conf: None)
    monkeypatch.setattr(api.waitress, "serve", serve)
    api.main(given)
    assert kept.pop() > MANY


def test_so_does_the_engine(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    monkeypatch.setattr(engine, "make", lambda conf: service)
    monkeypatch.setattr(engine.signal, "signal", lambda *_: None)
    engine.main(given)
    assert service.kept > MANY
