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
from protector.db import documents, groups
from protector.db import editing as claims
from protector.sync import edit, editing, exchange, receive

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


def whatever_is_sent_is_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(receive, "_must_follow", lambda *arguments: None)


def whatever_was_sent_can_be_committed(patch: pytest.MonkeyPatch) -> None:
    def obedient(session: Any, site: str, group_id: str, checksum: str) -> None:
        version = documents.get(session, group_id, checksum)
        documents.commit(session, version, acknowledged=True)
        groups.synced(groups.adopt(session, version.document, site), version.epoch, version.version)

    patch.setattr(receive, "commit", obedient)


def a_failover_overlooks_what_was_begun(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(documents, "prepared", lambda session, group_id: None)


def what_was_given_up_is_left_there(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exchange, "_clean", lambda *arguments: None)


def a_conflict_is_settled_by_guess(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        documents, "precedes", lambda session, group_id, _: documents.current(session, group_id)
    )


def two_change_a_group_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(claims, "begin", lambda *arguments: True)
    patch.setattr(claims, "must_hold", lambda *arguments: None)
    patch.setattr(edit, "_must_be", lambda *arguments: None)


PLANTS = [
    an_edit_goes_on_though_the_peer_did_not_answer,
    an_answer_is_taken_for_granted,
    a_lost_commit_is_not_repeated,
    a_lost_first_commit_is_not_repeated,
    whatever_is_sent_is_taken,
    whatever_was_sent_can_be_committed,
    a_failover_overlooks_what_was_begun,
    what_was_given_up_is_left_there,
    a_conflict_is_settled_by_guess,
    two_change_a_group_at_once,
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
