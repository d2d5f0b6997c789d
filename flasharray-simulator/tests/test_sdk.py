# SPDX-License-Identifier: Apache-2.0
"""What the vendor's SDK expects of any array: sessions, pages, filters, kinds of errors."""

import http.client
import socket
import ssl

import pytest
import urllib3
from pair import MIB, Asking, Raw, Running
from pypureclient import PureError, flasharray
from pypureclient.configuration import Configuration

from flasharray_simulator.control import Control


@pytest.fixture
def five(a: Asking) -> list[str]:
    """Five volumes, of 1 to 5 GiB."""
    names = [f"vol-{number}" for number in range(1, 6)]
    for number, name in enumerate(names, 1):
        a.volume(name, provisioned=number * 1024 * MIB)
    return names


def test_the_newest_version_both_know_is_spoken(a: Asking) -> None:
    assert a.client.get_rest_version() == "2.36"
    (array,) = a.ask("get_arrays")
    assert (array.name, array.version) == ("fa-a", "6.7.2")


def test_an_older_version_may_be_pinned(simulator: Running, control: Control) -> None:
    client = Asking(simulator.client("fa-a", version="2.4"))
    client.volume("old-fashioned")
    assert client.names("get_volumes") == ["old-fashioned"]


def test_the_certificate_can_be_verified(simulator: Running, control: Control) -> None:
    context = ssl.create_default_context(cafile=str(simulator.ca))
    port = simulator.port("fa-a")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    connection.request("GET", "/api/api_version")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_client_that_does_not_trust_it_harms_nobody(
    simulator: Running, a: Asking, control: Control
) -> None:
    with pytest.raises(urllib3.exceptions.MaxRetryError, match="CERTIFICATE_VERIFY_FAILED"):
        simulator.client("fa-a", configuration=Configuration())
    assert "Exception" not in simulator.log
    assert a.ask("get_volumes") == []


def test_a_connection_that_says_nothing_holds_nobody_up(
    simulator: Running, a: Asking, control: Control
) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port("fa-a")), timeout=5) as silent:
        assert a.ask("get_volumes") == []
        control.array_down("fa-a")
        assert silent.recv(1) == b""


def test_a_wrong_token_is_told_so(simulator: Running, control: Control) -> None:
    with pytest.raises(PureError, match="401"):
        simulator.client("fa-a", api_token="token-b")


def test_an_expired_session_is_renewed_unnoticed(a: Asking, control: Control) -> None:
    a.volume("v")
    control.expire_sessions("fa-a")
    assert a.names("get_volumes") == ["v"]
    assert [entry["status"] for entry in control.journal()][-3:] == [401, 200, 200]


def test_the_answer_echoes_the_request_id(a: Asking) -> None:
    response = a.client.get_volumes(x_request_id="8a1f")
    assert response.headers.x_request_id == "8a1f"


def test_pages_follow_each_other(simulator: Running, a: Asking, five: list[str]) -> None:
    paging = Asking(simulator.client("fa-a", auto_pagination_limit=2))
    assert paging.names("get_volumes") == five
    assert paging.names("get_volumes", sort=["name-"]) == five[::-1]
    assert a.names("get_volumes", limit=2) == five[:2]
    assert a.names("get_volumes", limit=2, offset=2) == five[2:4]


def test_things_can_be_counted_without_being_listed(a: Asking, five: list[str]) -> None:
    response = a.client.get_volumes(limit=0, total_item_count=True)
    assert response.total_item_count == 5
    assert list(response.items) == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name='vol-1'", [1]),
        ("name='VOL-1'", [1]),
        ('name="vol-1"', [1]),
        ("name='vol*'", [1, 2, 3, 4, 5]),
        ("name=('vol-1','vol-3')", [1, 3]),
        ("name!='vol-1'", [2, 3, 4, 5]),
        ("provisioned>3221225472", [4, 5]),
        ("provisioned<='2147483648'", [1, 2]),
        ("not (name='vol-1' or name='vol-2')", [3, 4, 5]),
        ("name='vol*' and provisioned=1073741824", [1]),
        ("destroyed", []),
        ("not destroyed and contains(name,'4')", [4]),
        ("space.total_provisioned=1073741824", [1]),
        ("tags('team','red')", []),
    ],
)
def test_filters(a: Asking, five: list[str], condition: str, found: list[int]) -> None:
    assert a.names("get_volumes", filter=condition) == [f"vol-{number}" for number in found]


@pytest.mark.parametrize("condition", ["name=", "name='a' and", "(name='a'", "name ? 'a'", "= 'a'"])
def test_a_filter_that_makes_no_sense_is_refused(a: Asking, condition: str) -> None:
    assert "cannot be understood" in a.refused("get_volumes", filter=condition)


def test_a_filter_of_an_unknown_field_is_refused(a: Asking, five: list[str]) -> None:
    assert "Unknown field to filter or sort by: nmae" in a.refused("get_volumes", filter="nmae='v'")
    assert "nmae" in a.refused("get_volumes", sort=["nmae"])


def test_worldwide_names_match_with_and_without_colons(a: Asking) -> None:
    host = flasharray.HostPost(wwns=["10000090fa012345"])
    a.ask("post_hosts", names=["h"], host=host)
    assert a.names("get_hosts", filter="wwns='10:00:00:90:FA:01:23:45'") == ["h"]


def test_names_may_hold_patterns(a: Asking, five: list[str]) -> None:
    assert a.names("get_volumes", names=["vol-*"]) == five
    assert "does not exist" in a.refused("get_volumes", names=["vol-1", "other"])


def test_a_comma_in_a_value_does_not_divide_it(simulator: Running, a: Asking) -> None:
    status, answer = Raw(simulator, "fa-a").send("GET", "volumes?names=a%2Cb,c")
    assert status == 400
    assert answer["errors"][0]["context"] == "a,b"


def test_what_is_not_simulated_is_not_found(simulator: Running, a: Asking) -> None:
    response = a.client.get_alerts()
    assert response.status_code == 404
    assert "not simulated" in response.errors[0].message
    status, _ = Raw(simulator, "fa-a").send("DELETE", "arrays")
    assert status == 405


def test_a_resource_is_not_in_versions_older_than_it(simulator: Running, a: Asking) -> None:
    raw = Raw(simulator, "fa-a")
    assert raw.send("GET", "pods/members")[0] == 200
    status, answer = raw.send("GET", "pods/members", version="2.35")
    assert status == 404
    assert "This version does not have" in answer["message"]
