# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried at which calls, and what is asked of a message."""

import pytest

from testbed.faults.calls import ARRAY, Call
from testbed.faults.cases import MIDDLES, RESTART, cases
from testbed.faults.trial import lacking

LIST = Call("nova", "GET", "/v2.1/servers/detail")
MANAGE, BOOT = MIDDLES
MAKE = Call(ARRAY, "POST", "/api/2.36/volumes")


def test_a_call_is_tried_once_however_often_it_is_made() -> None:
    faults = [case.fault for case in cases([BOOT, LIST, BOOT]) if case.call == BOOT]
    assert faults[:5] == ["503-before", "503-after", "503-lasting", "hang-after", "429"]
    assert faults[5:] == [RESTART, RESTART]


def test_what_changes_nothing_has_no_error_after_it() -> None:
    assert "503-after" not in [case.fault for case in cases([LIST])]


def test_an_array_has_faults_of_its_own() -> None:
    assert "busy" in [case.fault for case in cases([MAKE])]


def test_unusual_faults_are_tried_when_asked_for() -> None:
    assert [case.fault for case in cases([BOOT], words=["hang"])] == [
        "hang-before",
        "hang-after",
        "hang-lasting",
    ]


def test_some_services_can_be_chosen() -> None:
    chosen = cases([BOOT, LIST, MANAGE, MAKE], services=["cinder", "rabbitmq"])
    assert {case.service for case in chosen} == {"cinder", "rabbitmq"}


@pytest.mark.parametrize(
    ("message", "faults"),
    [
        ("Nova of site-b: it did not list servers. Try again: openstack …", []),
        ("It failed. Check it", ["does not name Nova"]),
        ("Nova of site-b: 503 Service Unavailable", ["has no remedy"]),
        ("Check Nova: <html><body>", ["is not for people"]),
    ],
)
def test_a_message_names_the_cause_and_the_remedy(message: str, faults: list[str]) -> None:
    assert lacking(message, cause="Nova") == faults
