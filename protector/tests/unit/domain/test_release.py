# SPDX-License-Identifier: Apache-2.0
"""Releases of different age understand each other by rule, or say that they do not."""

import pydantic
import pytest
from unit.domain.test_document import document

from protector.domain import release
from protector.domain.document import WISHES


def test_what_the_release_before_wrote_is_understood() -> None:
    body = document().model_dump(mode="json")
    later = ("fencing", "drift", "standby", "standby_group")
    old = {name: value for name, value in body.items() if name not in later}
    assert release.understood({**old, "schema_version": 1}) == document()


def test_what_a_release_wrote_that_knew_no_boot_tiers_is_understood() -> None:
    body = document().model_dump(mode="json")
    for member in body["members"]:
        for wish in WISHES:
            del member[wish]
    assert release.understood({**body, "schema_version": 2}) == document()


def test_what_a_release_wrote_that_knew_no_way_back_is_understood() -> None:
    body = document().model_dump(mode="json")
    del body["standby"], body["standby_group"]
    assert release.understood({**body, "schema_version": 3}) == document()


def test_what_is_of_the_release_before_has_nothing_of_this_one() -> None:
    body = {**document().model_dump(mode="json"), "schema_version": 1, "colour": "red"}
    with pytest.raises(pydantic.ValidationError, match="colour"):
        release.understood(body)


@pytest.mark.parametrize("schema", [0, release.NEWEST + 1, "2", None])
def test_what_is_older_or_newer_than_that_is_not_guessed_at(schema: object) -> None:
    with pytest.raises(release.UnknownSchema):
        release.understood({**document().model_dump(mode="json"), "schema_version": schema})


def test_each_schema_but_the_newest_has_a_way_to_the_next() -> None:
    assert sorted(release.UPGRADES) == list(range(release.OLDEST, release.NEWEST))
