# SPDX-License-Identifier: Apache-2.0
import datetime
import json
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protector.domain.document import Document, Mappings, Policy, canonical, checksum

MOMENT = datetime.datetime(2025, 6, 15, 3, 49, 38, tzinfo=datetime.UTC)


def document(**values: Any) -> Document:
    return Document(
        **{
            "epoch": 0,
            "version": 1,
            "site": "site-a",
            "modified_at": MOMENT,
            "group_id": "pg-1",
            "name": "web",
            "description": "",
            "replication_type": "async",
            "primary_site": "site-a",
            "secondary_site": "site-b",
            "current_primary_site": "site-a",
            "status": "active",
            "failover_count": 0,
            "last_failover_at": None,
            "projects": {"site-a": "a", "site-b": "b"},
            "policy": Policy(rpo_minutes=15, replication_interval=300),
            "mappings": Mappings(networks={}, flavors={}),
            "consistency_group": None,
            "members": [],
            **values,
        }
    )


@given(networks=st.dictionaries(st.text(), st.text()), version=st.integers(0, 2**31))
def test_a_document_that_travelled_is_the_same(networks: dict[str, str], version: int) -> None:
    sent = document(version=version, mappings=Mappings(networks=networks, flavors={}))
    arrived = Document.model_validate_json(json.dumps(sent.model_dump(mode="json")))
    assert arrived == sent
    assert checksum(arrived) == checksum(sent)
    assert Document.model_validate_json(canonical(sent)) == sent


def test_the_order_of_what_has_none_does_not_count() -> None:
    one = document(projects={"site-a": "a", "site-b": "b"})
    other = document(projects={"site-b": "b", "site-a": "a"})
    assert checksum(one) == checksum(other)


def test_every_change_is_another_checksum() -> None:
    assert checksum(document()) != checksum(document(description="x"))


def test_a_field_that_is_not_known_is_not_dropped_silently() -> None:
    with pytest.raises(pydantic.ValidationError, match="colour"):
        Document.model_validate({**document().model_dump(), "colour": "red"})


def test_each_site_has_the_other_for_its_peer() -> None:
    assert document().peer_of("site-a") == "site-b"
    assert document().peer_of("site-b") == "site-a"
