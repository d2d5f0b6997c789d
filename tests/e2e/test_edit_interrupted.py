# SPDX-License-Identifier: Apache-2.0
"""Somebody dies at each message of an edit: it is made on both sites, or on neither."""

import concurrent.futures
import dataclasses
from collections.abc import Iterator

import line
import pytest
from line import Line, Message, When
from tenant import Tenant, in_force
from waiting import until

from testbed import scenario
from testbed.operator import Operator
from testbed.testbed import Testbed

# Seconds.
STRIKE_TIMEOUT = 30
CONVERGENCE = 60
LET_GO = 15


@dataclasses.dataclass(frozen=True)
class Victim:
    site: str
    service: str

    def __str__(self) -> str:
        return f"{self.service} of {self.site}"


VICTIMS = (
    Victim("site-b", "protector-api"),
    Victim("site-b", "mariadb"),
    Victim("site-a", "protector-engine"),
    Victim("site-a", "protector-api"),
    Victim("site-a", "mariadb"),
)


@pytest.fixture(scope="module")
def to_site_b(testbed: Testbed, operator: Operator) -> Iterator[Line]:
    """The line on which site-a's edits of the group reach site-b."""
    testbed.reset()
    with line.line_to(testbed, "site-b") as found:
        scenario.introduce_sites(operator, testbed)
        scenario.protect(operator, [])
        yield found


@pytest.mark.parametrize("victim", VICTIMS, ids=str)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("message", line.EDIT, ids=lambda message: message.name)
def test_the_edit_is_made_on_both_sites_or_on_neither(
    testbed: Testbed, to_site_b: Line, message: Message, when: When, victim: Victim
) -> None:
    here, there = Tenant(testbed, "site-a"), Tenant(testbed, "site-b")
    group = here.group()
    wanted = f"{victim} died {when} {message.name}"
    strike = to_site_b.strike_at(
        message,
        when,
        lambda: testbed.kill_service(victim.site, victim.service),
        # Who dies when it has done what it was asked does not tell.
        answer_is_lost=when == "after" and victim.site == "site-b",
    )

    with concurrent.futures.ThreadPoolExecutor(1) as alice:
        edit = alice.submit(here.describe, group["id"], wanted)
        assert strike.over.wait(STRIKE_TIMEOUT), f"{message.name} was not sent"
        told = edit.result()
    testbed.start_service(victim.site, victim.service)

    document = until(
        lambda: in_force(here, there), seconds=CONVERGENCE, what="both sites to have the same"
    )
    assert document["description"] in (group["description"], wanted)
    if told.status == 200:
        assert document["description"] == wanted
    if "nothing was changed" in told.message.lower():
        assert document["description"] == group["description"]
    # An engine that lost its database in the middle lets go of the group at its next sweep.
    until(
        lambda: here.describe(group["id"], f"after all: {wanted}").status == 200,
        seconds=LET_GO,
        what="the next edit to be taken",
    )
    assert {here.standing(), there.standing()} == {("SYNCED", here.document()["checksum"])}
