# SPDX-License-Identifier: Apache-2.0
"""The machine finds faults: each of these, planted into the protocol, makes it fail."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from functional.sync.network import Wire
from functional.sync.test_machine import TwoSites
from hypothesis.stateful import run_state_machine_as_test

from protector import errors
from protector.sync import edit, editing, exchange

Plant = Callable[[pytest.MonkeyPatch], None]


def an_edit_goes_on_though_the_peer_did_not_answer(patch: pytest.MonkeyPatch) -> None:
    prepare = Wire.prepare

    def careless(*arguments: Any) -> None:
        with contextlib.suppress(errors.ProtectorError):
            prepare(*arguments)

    patch.setattr(Wire, "prepare", careless)


def an_answer_is_taken_for_granted(patch: pytest.MonkeyPatch) -> None:
    def hasty(sessions: Any, peer: Any, version: Any) -> None:
        edit.acknowledged(sessions, version.group_id, version.checksum)
        with contextlib.suppress(errors.ProtectorError):
            peer.commit(version.group_id, version.checksum)

    patch.setattr(edit, "finish", hasty)


def a_lost_commit_is_not_repeated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(edit, "repeat_commits", lambda *arguments: None)


def a_lost_first_commit_is_not_repeated(patch: pytest.MonkeyPatch) -> None:
    compare = exchange._compare

    def strict(session: Any, row: Any, ours: Any, there: Any, site: str) -> bool:
        there = dataclasses.replace(there, yours=there.head and there.yours)
        return compare(session, row, ours, there, site)

    patch.setattr(exchange, "_compare", strict)


PLANTS = [
    an_edit_goes_on_though_the_peer_did_not_answer,
    an_answer_is_taken_for_granted,
    a_lost_commit_is_not_repeated,
    a_lost_first_commit_is_not_repeated,
]
SETTINGS = hypothesis.settings(
    max_examples=400,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[hypothesis.Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "PATIENCE", 0)
    plant(monkeypatch)
    with pytest.raises((AssertionError, errors.ProtectorError)):
        run_state_machine_as_test(TwoSites, settings=SETTINGS)
