# SPDX-License-Identifier: Apache-2.0
"""Arrays that fail: what the SDK makes of it, and what was done all the same."""

import concurrent.futures
import time
from typing import Any

import pytest
import urllib3
from pair import MIB, Asking, Running
from pypureclient import flasharray

from flasharray_simulator.control import Control, ControlError

NEW = flasharray.VolumePost(provisioned=MIB)


def create(a: Asking, name: str = "v") -> Any:
    return a.client.post_volumes(names=[name], volume=NEW)


def test_a_request_that_was_carried_out_may_go_unanswered(a: Asking, control: Control) -> None:
    control.fault("fa-a", "/volumes", method="POST", action="drop", after=True)
    with pytest.raises(urllib3.exceptions.HTTPError):
        create(a)
    assert a.names("get_volumes") == ["v"]
    assert "already exists" in a.refused("post_volumes", names=["v"], volume=NEW)


def test_a_request_that_was_reset_was_not_carried_out(a: Asking, control: Control) -> None:
    control.fault("fa-a", "/volumes", method="POST", action="reset")
    with pytest.raises(urllib3.exceptions.HTTPError):
        create(a)
    assert a.ask("get_volumes") == []


def test_a_repeated_request_may_have_been_carried_out_before(a: Asking, control: Control) -> None:
    """The SDK itself sends a POST again after 504; the second one finds the volume made."""
    control.fault("fa-a", "/volumes", method="POST", status=504, after=True)
    response = create(a)
    assert response.status_code == 400
    assert "already exists" in response.errors[0].message
    posts = [entry for entry in control.journal() if entry["method"] == "POST"]
    assert [entry["status"] for entry in posts if entry["path"].endswith("/volumes")] == [200, 400]


def test_a_busy_array_is_asked_again(a: Asking, control: Control) -> None:
    control.fault("fa-a", "/volumes", status=503, error="Busy", retry_after=0, count=2)
    assert a.ask("get_volumes") == []
    entries = [entry for entry in control.journal() if entry["path"].endswith("/volumes")]
    assert [entry["fault"] for entry in entries] == ["answer", "answer", None]
    assert [entry["status"] for entry in entries] == [None, None, 200]


def test_only_one_of_the_clients_fails(a: Asking, control: Control) -> None:
    control.fault("fa-a", "/volumes", agent="^nobody", status=400, count=0)
    assert create(a, "one").status_code == 200
    (own,) = {entry["agent"] for entry in control.journal() if entry["method"] == "POST"}
    control.fault("fa-a", "/volumes", agent=own.split("/")[0], status=400, count=0)
    assert create(a, "two").status_code == 400


def test_only_the_nth_request_fails(a: Asking, control: Control) -> None:
    control.fault("fa-a", "/volumes", method="POST", status=400, error="array limit reached", nth=2)
    assert create(a, "one").status_code == 200
    refused = create(a, "two")
    assert refused.status_code == 400
    assert refused.errors[0].message == "array limit reached"
    assert create(a, "three").status_code == 200


def test_a_fault_is_of_one_array(a: Asking, b: Asking, control: Control) -> None:
    control.fault("fa-b", "/volumes", status=400, error="not now", count=0)
    a.ask("get_volumes")
    assert b.refused("get_volumes") == "not now"
    assert b.refused("get_volumes") == "not now"
    control.clear_faults()
    b.ask("get_volumes")


def test_a_slow_array_takes_its_time(a: Asking, control: Control) -> None:
    control.slow("fa-a", "/volumes", seconds=0.3)
    begun = time.monotonic()
    a.ask("get_volumes")
    assert time.monotonic() - begun >= 0.3


def test_a_hanging_array_lets_go_when_faults_are_cleared(
    simulator: Running, a: Asking, control: Control
) -> None:
    control.fault("fa-a", "/volumes", method="POST", action="hang")
    patient = Asking(simulator.client("fa-a", timeout=(2, 60)))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        hanging = pool.submit(create, patient)
        with pytest.raises(concurrent.futures.TimeoutError):
            hanging.result(timeout=0.5)
        control.clear_faults()
        assert isinstance(hanging.exception(timeout=10), urllib3.exceptions.HTTPError)


def test_an_array_that_is_down_refuses_at_once_and_comes_back_as_it_was(
    simulator: Running, a: Asking, control: Control
) -> None:
    serial = a.volume("v").serial
    pool = urllib3.HTTPSConnectionPool(
        "127.0.0.1", simulator.port("fa-a"), ca_certs=str(simulator.ca), retries=False
    )
    pool.request("GET", "/api/api_version")

    control.array_down("fa-a")
    begun = time.monotonic()
    for _ in range(2):  # the open connection, and a new one
        with pytest.raises(urllib3.exceptions.HTTPError):
            pool.request("GET", "/api/api_version")
    assert time.monotonic() - begun < 1.0

    control.array_up("fa-a")
    assert a.ask("get_volumes", names=["v"])[0].serial == serial


def test_an_array_that_is_down_takes_no_writes(a: Asking, control: Control) -> None:
    a.volume("v")
    control.array_down("fa-a")
    with pytest.raises(ControlError, match="down"):
        control.write("fa-a", "v", "too late")


def test_a_reset_makes_new_arrays(a: Asking, control: Control) -> None:
    a.volume("v")
    before = a.ask("get_arrays")[0].id
    control.array_down("fa-a")
    control.fault("fa-a", "/arrays", status=400)
    control.reset()
    assert a.ask("get_volumes") == []
    assert a.ask("get_arrays")[0].id != before


def test_the_journal_tells_requests_without_secrets(a: Asking, control: Control) -> None:
    chap = flasharray.Chap(host_user="u", host_password="keep-me-to-yourself")
    a.ask("post_hosts", names=["h"], host=flasharray.HostPost(chap=chap))
    (entry,) = [e for e in control.journal() if e["path"].endswith("/hosts")]
    assert entry["array"] == "fa-a"
    assert entry["method"] == "POST"
    assert entry["query"] == {"names": ["h"]}
    assert entry["body"] == {"chap": {"host_user": "u", "host_password": "***"}}
    assert control.journal(since=entry["number"] + 1) == []


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("nonsense", {}, "there are advance,"),
        ("write", {"array": "fa-a"}, "missing a required argument: 'volume'"),
        ("write", {"array": "x", "volume": "v", "marker": "m"}, "There is no array x"),
        ("writes", {"array": "fa-a", "name": "v"}, "No such volume or snapshot"),
        ("fault", {"action": "explode"}, "action must be one of"),
        ("fault", {"path": "("}, "not a regular expression"),
        ("fault", {"colour": "red"}, "colour"),
        ("advance", {"seconds": -1}, "time does not go back"),
        ("set_link", {"arrays": ["fa-a", "fa-c"]}, "not connected to fa-c"),
    ],
)
def test_the_control_port_refuses_in_words(
    control: Control, command: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ControlError, match=said.replace("(", r"\(")):
        control.call(command, **arguments)
