# SPDX-License-Identifier: Apache-2.0
"""Volumes given another type, by real HTTP."""

from collections.abc import Iterator

import pytest
from unit.cloud.little_cloud import Fault, LittleCloud

from protector.cloud.base import Outcome

TIMEOUT = 2  # as the little cloud's Protector has it


@pytest.fixture
def little() -> Iterator[LittleCloud]:
    with LittleCloud() as little:
        yield little


def retype(little: LittleCloud, *volumes: str) -> list[Outcome]:
    return little.protector().by_trust("trust").retype_volumes(volumes, volume_type_id="sync")


def asked(little: LittleCloud) -> list[str]:
    return [one for one in little.asked if one.startswith("POST /cinder")]


def test_volumes_are_waited_for_and_never_migrated(little: LittleCloud) -> None:
    little.looks = 3
    little.add_volume("disk1")
    little.add_volume("disk2", status="in-use")
    assert retype(little, "disk2", "disk1") == [
        Outcome("disk2", "disk2"),
        Outcome("disk1", "disk1"),
    ]
    shown = little.volumes
    assert [shown[id]["status"] for id in ("disk1", "disk2")] == ["available", "in-use"]
    assert {one["volume_type_id"] for one in shown.values()} == {"sync"}
    assert {one["policy"] for one in shown.values()} == {"never"}


def test_what_has_the_type_or_is_being_retyped_is_not_asked_for(little: LittleCloud) -> None:
    little.add_volume("has", volume_type_id="sync")
    begun = {"status": "retyping", "before": "in-use", "wanted": "sync", "looks": 3}
    little.add_volume("begun", **begun)
    assert retype(little, "has", "begun") == [Outcome("has", "has"), Outcome("begun", "begun")]
    assert asked(little) == []


def test_a_volume_that_has_the_type_is_waited_for_until_it_can_be_worked_with(
    little: LittleCloud,
) -> None:
    little.add_volume("disk1", volume_type_id="sync", status="backing-up")
    (outcome,) = retype(little, "disk1")
    assert outcome.id is None
    assert asked(little) == []
    assert "it is backing-up. See what holds it" in (outcome.fault or "")
    assert not outcome.passing


def test_no_more_than_two_are_under_way_at_once(little: LittleCloud) -> None:
    little.looks = 3
    volumes = [f"disk{number}" for number in range(4)]
    for volume in volumes:
        little.add_volume(volume)
    begun = {"status": "retyping", "before": "available", "wanted": "sync", "looks": 5}
    little.add_volume("under-way", **begun)
    outcomes = retype(little, *volumes, "under-way")
    assert outcomes == [Outcome(id, id) for id in (*volumes, "under-way")]
    assert little.most_retyping == 2


def test_a_volume_that_keeps_its_type_is_told_with_where_to_look(little: LittleCloud) -> None:
    little.resist.add("disk1")
    little.add_volume("disk1")
    little.add_volume("disk2")
    kept, retyped = retype(little, "disk1", "disk2")
    assert (kept.id, kept.passing) == (None, False)
    for said in (
        "Cinder of site-b kept the old type of volume disk1",
        "openstack volume message list",
        "the log of cinder-volume",
        "cinder-ghost-pod-disk1",
    ):
        assert said in (kept.fault or "")
    assert retyped == Outcome("disk2", "disk2")


def test_a_volume_that_stays_retyping_is_told_and_the_others_go_on(little: LittleCloud) -> None:
    little.hang.add("disk1")
    little.add_volume("disk1", status="in-use", attachments=[{"server_id": "web"}])
    for volume in ("disk2", "disk3", "disk4"):
        little.add_volume(volume)
    late, *others = retype(little, "disk1", "disk2", "disk3", "disk4")
    assert (late.id, late.passing) == (None, True)
    assert f"has not retyped volume disk1 in {TIMEOUT} seconds; it is retyping" in (
        late.fault or ""
    )
    assert "cinder-volume may have lost the order" in (late.fault or "")
    assert "openstack volume set --state in-use disk1" in (late.fault or "")
    assert others == [Outcome(id, id) for id in ("disk2", "disk3", "disk4")]
    assert little.most_retyping == 2


def test_when_two_stay_retyping_no_other_is_asked_for(little: LittleCloud) -> None:
    for volume in ("disk1", "disk2", "disk3"):
        little.hang.add(volume)
        little.add_volume(volume)
    *_, third = retype(little, "disk1", "disk2", "disk3")
    assert (third.id, third.passing) == (None, True)
    assert "was not asked to retype volume disk3" in (third.fault or "")
    assert len(asked(little)) == 2


def test_what_cinder_refuses_is_told_in_its_words(little: LittleCloud) -> None:
    little.add_volume("disk1", group_id="cinder-group")
    (outcome,) = retype(little, "disk1")
    assert (outcome.id, outcome.passing) == (None, False)
    assert "Cinder of site-b: it did not retype volume disk1" in (outcome.fault or "")
    assert "Retype needs volume to be in no consistency group" in (outcome.fault or "")


def test_a_volume_that_is_gone_is_told(little: LittleCloud) -> None:
    (outcome,) = retype(little, "disk1")
    assert outcome == Outcome("disk1", None, "Cinder of site-b has no volume disk1")
    assert asked(little) == []


@pytest.mark.parametrize("status", [503, None])
def test_an_answer_that_is_lost_is_not_missed(little: LittleCloud, status: int | None) -> None:
    little.add_volume("disk1")
    little.faults.append(Fault("POST", "/cinder/volumes/disk1/action", status, after=True))
    assert retype(little, "disk1") == [Outcome("disk1", "disk1")]
    assert len(asked(little)) == 1


def test_what_was_not_done_may_be_asked_for_again(little: LittleCloud) -> None:
    little.add_volume("disk1")
    little.faults.append(Fault("POST", "/cinder/volumes/disk1/action", 503))
    (outcome,) = retype(little, "disk1")
    assert (outcome.id, outcome.passing) == (None, True)
    assert retype(little, "disk1") == [Outcome("disk1", "disk1")]
