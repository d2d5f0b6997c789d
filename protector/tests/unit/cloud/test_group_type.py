# SPDX-License-Identifier: Apache-2.0
"""The group type of replicated volumes, where several ask for it at once, by real HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from unit.cloud.little_cloud import LittleCloud

from protector.cloud.service import CONSISTENT


@pytest.fixture
def little() -> Iterator[LittleCloud]:
    with LittleCloud() as little:
        yield little


def test_of_many_who_ask_at_once_one_makes_it(little: LittleCloud) -> None:
    service = little.protector().as_service()
    with ThreadPoolExecutor(8) as pool:
        given = {
            asked.result()
            for asked in [pool.submit(service.consistent_group_type) for _ in range(8)]
        }
    assert [type["id"] for type in little.group_types] == list(given)
    assert little.count("POST /cinder/group_types") == 1
    assert little.group_types[0]["group_specs"] == CONSISTENT


def test_of_two_that_engines_made_at_once_the_first_is_taken(little: LittleCloud) -> None:
    """Cinder looks for the name and then writes, so that there can be two of them."""
    for id in ("one", "two"):
        little.group_types.append({"id": id, "name": "protector-consistent", "group_specs": {}})
    service = little.protector().as_service()
    assert service.consistent_group_type() == "one"
    assert service.consistent_group_type() == "one"
