# SPDX-License-Identifier: Apache-2.0
from protector.domain import mapping


def test_an_id_is_stronger_than_a_name() -> None:
    given = {"web": "by-name", "net-1": "by-id"}
    assert mapping.target_for(given, id="net-1", name="web") == "by-id"
    assert mapping.target_for(given, id="net-2", name="web") == "by-name"
    assert mapping.target_for(given, id="net-2", name="db") is None


def test_what_is_given_for_one_execution_is_laid_over_what_is_stored() -> None:
    stored = {"web": "dr-web", "db": "dr-db"}
    laid_over = mapping.override(stored, {"web": "other"}, [("net-1", "web")])
    assert laid_over == {"web": "other", "db": "dr-db"}
    assert stored["web"] == "dr-web"


def test_what_is_given_by_name_replaces_what_is_stored_by_id_and_the_other_way_round() -> None:
    known = [("net-1", "web"), ("net-2", "db")]
    assert mapping.override({"net-1": "wrong"}, {"web": "dr-web"}, known) == {"web": "dr-web"}
    assert mapping.override({"web": "wrong"}, {"net-1": "dr-web"}, known) == {"net-1": "dr-web"}
