# SPDX-License-Identifier: Apache-2.0
from protector.domain import mapping


def test_an_id_is_stronger_than_a_name() -> None:
    given = {"web": "by-name", "net-1": "by-id"}
    assert mapping.target_for(given, id="net-1", name="web") == "by-id"
    assert mapping.target_for(given, id="net-2", name="web") == "by-name"
    assert mapping.target_for(given, id="net-2", name="db") is None


def test_what_is_given_for_one_execution_is_laid_over_what_is_stored() -> None:
    stored = {"web": "dr-web", "db": "dr-db"}
    assert mapping.override(stored, {"web": "other"}) == {"web": "other", "db": "dr-db"}
    assert stored["web"] == "dr-web"
