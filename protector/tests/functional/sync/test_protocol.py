# SPDX-License-Identifier: Apache-2.0
"""What the protocol has to bear, told as stories: those in which it was found wanting."""

import contextlib
from collections.abc import Iterator

import pytest
from functional.sync.network import ANSWER_LOST, DELAYED, DELIVERED, DOUBLED, LOST, Site
from functional.sync.test_machine import TwoSites

from protector import errors
from protector.db import documents


class Story(TwoSites):
    """The machine's two sites, driven by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = self.sites.values()

    def fates(self, *listed: str) -> None:
        """Say what becomes of the next messages; those after them arrive."""
        coming = iter(listed)
        self.network.fate = lambda: next(coming, DELIVERED)

    def begun(self, site: Site) -> list[str]:
        """Return the tokens of what is prepared on the site."""
        with site.plain.begin() as session:
            row = documents.prepared(session, self.group_id)
        return sorted(row.document.mappings.networks) if row else []


@pytest.fixture
def nothing_yet() -> Iterator[Story]:
    found = Story()
    yield found
    for site in found.sites.values():
        site.close()


@pytest.fixture
def story(nothing_yet: Story) -> Story:
    """``a`` has told ``b`` of a group."""
    nothing_yet.create()
    return nothing_yet


def delay_an_edit_and_lose_the_commit_of_the_next(story: Story) -> None:
    story.fates(DELIVERED, DELAYED)  # introduced, prepared
    with pytest.raises(errors.PeerUnreachable):
        story.edit(story.a)
    story.fates(DELIVERED, DELIVERED, DELIVERED, LOST)  # heard, introduced, prepared, committed
    story.edit(story.a)
    assert story.begun(story.b) == ["token-2"]


def test_a_late_prepare_does_not_take_the_place_of_what_is_in_force_at_its_sender(
    story: Story,
) -> None:
    delay_an_edit_and_lose_the_commit_of_the_next(story)
    story.arrive(0)
    assert story.begun(story.b) == ["token-2"]

    story.fates(DELIVERED, LOST)  # site-a asks how the group stands, and is gone before it tells
    story.upkeep(story.a)
    story.network.parted = True
    with contextlib.suppress(errors.PeerUnreachable):
        story.fail_over(story.b, accept=False)
    assert story.row(story.b).status == "active"
    assert story.row(story.b).remote_sync_status == "BLOCKED"


def test_a_doubled_prepare_does_not_take_back_the_next_one(story: Story) -> None:
    story.fates(DELIVERED, DOUBLED)  # introduced, prepared
    story.edit(story.a)
    story.fates(DELIVERED, DELIVERED, LOST)  # introduced, prepared, committed
    story.edit(story.a)
    story.arrive(0)
    assert story.begun(story.b) == ["token-1", "token-2"]


def test_an_edit_that_arrives_again_after_the_next_one_changes_nothing(story: Story) -> None:
    story.fates(DELIVERED, DOUBLED, DOUBLED)  # introduced, prepared, committed
    story.edit(story.a)
    story.edit(story.a)
    story.arrive(0)
    story.arrive(0)
    assert story.agree(), story.picture()
    assert story.begun(story.b) == []


def test_what_was_begun_and_given_up_makes_room_for_the_next(story: Story) -> None:
    story.fates(DELIVERED, ANSWER_LOST)  # introduced, prepared
    with pytest.raises(errors.PeerUnreachable):
        story.edit(story.a)
    assert story.begun(story.b) == ["token-1"]

    story.fates(DELIVERED, LOST)  # heard, taken back
    story.edit(story.a)
    assert story.begun(story.b) == []
    assert sorted(story.document(story.b).mappings.networks) == ["token-2"]


def test_the_lost_commit_of_a_first_version_is_repeated(nothing_yet: Story) -> None:
    story = nothing_yet
    story.fates(DELIVERED, LOST)  # prepared, committed
    story.create()
    assert story.row(story.a).remote_sync_status == "PENDING"

    story.upkeep(story.a)
    assert story.agree(), story.picture()


def test_a_change_that_a_failover_left_behind_is_told_on_both_sites(story: Story) -> None:
    story.fates(DELIVERED, DELIVERED, LOST)  # introduced, prepared; the commit is lost
    story.edit(story.a)
    story.network.parted = True
    with contextlib.suppress(errors.PeerUnreachable):
        story.fail_over(story.b, accept=True)
    story.heal()
    for site in (story.a, story.b):
        row = story.row(site)
        assert row.remote_sync_status == "BLOCKED"
        assert "network mapping of token-1: none -> token-1 on site-a at" in str(row.sync_error)
    story.all_agree_or_say_that_they_do_not()
    assert story.kept(*(story.checksum(site) for site in (story.a, story.b)))
