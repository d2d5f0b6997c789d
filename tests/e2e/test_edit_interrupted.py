# SPDX-License-Identifier: Apache-2.0
"""Somebody dies at each message of an edit: it is made on both sites, or on neither."""

import concurrent.futures
import dataclasses
import itertools
from collections.abc import Iterator

import line
import pytest
from line import Line, Message, When
from tenant import NOTHING, Tenant, in_force
from waiting import until

from testbed import shortcut
from testbed.operator import Operator
from testbed.testbed import Testbed

# Seconds.
STRIKE_TIMEOUT = 30
CONVERGENCE = 60
LET_GO = 15
# As long as protector-api waits for an edit: on a busy machine Cinder and the array take theirs.
CREATION = 120
CREATED = 201
IN_GROUP = ("protector", "protection-group")


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


def moments() -> Iterator[object]:
    """Yield all of message, when and victim; two victims of each moment stand for the others."""
    told = itertools.product(line.EDIT, ("before", "after"))
    for number, (message, when) in enumerate(told):
        chosen = {number % len(VICTIMS), (number + 2) % len(VICTIMS)}
        for index, victim in enumerate(VICTIMS):
            marks = [] if index in chosen else [pytest.mark.at_length]
            name = f"{message.name}-{when}-{victim}"
            yield pytest.param(message, when, victim, marks=marks, id=name)


@pytest.fixture(scope="module")
def to_site_b(testbed: Testbed, operator: Operator) -> Iterator[Line]:
    """The line on which site-a's edits of the group reach site-b."""
    testbed.reset()
    with line.line_to(testbed, "site-b") as found:
        shortcut.introduce_sites(testbed)
        shortcut.protect(testbed, [])
        yield found


@pytest.mark.parametrize(("message", "when", "victim"), list(moments()))
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
    until(lambda: in_force(here, there), seconds=LET_GO, what="both sites to have that, too")


def all_there_is(testbed: Testbed) -> tuple[object, ...]:
    """Return the groups of both sites, and those of site-a's Cinder behind them."""
    cinder_groups = {group.id for group in testbed.cloud("site-a").block_storage.groups()}
    return *(Tenant(testbed, site).names() for site in testbed.sites), cinder_groups


@pytest.mark.at_length
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_creation_that_the_peer_did_not_live_to_answer_leaves_nothing(
    testbed: Testbed, operator: Operator, to_site_b: Line, when: When
) -> None:
    before = all_there_is(testbed)
    here = Tenant(testbed, "site-a")
    strike = to_site_b.strike_at(
        line.ALLOW,
        when,
        lambda: testbed.kill_service("site-b", "protector-api"),
        answer_is_lost=True,
    )

    told = here.create("new-group", patience=CREATION)

    assert strike.over.is_set()
    testbed.start_service("site-b", "protector-api")
    assert "nothing was changed" in told.message
    assert all_there_is(testbed) == before
    assert here.create("new-group", patience=CREATION).status == CREATED
    operator.openstack("site-a", *IN_GROUP, "delete", "new-group")
    assert all_there_is(testbed) == before


@pytest.mark.at_length
def test_a_creation_whose_engine_died_can_be_cleared_away(
    testbed: Testbed, operator: Operator, to_site_b: Line
) -> None:
    before = all_there_is(testbed)
    here = Tenant(testbed, "site-a")
    to_site_b.strike_at(
        line.ALLOW,
        "before",
        lambda: testbed.kill_service("site-a", "protector-engine"),
        answer_is_lost=False,
    )

    assert here.create("half-made") == NOTHING
    testbed.start_service("site-a", "protector-engine")

    operator.openstack("site-a", *IN_GROUP, "reset-state", "half-made", "--state", "error")
    operator.openstack("site-a", *IN_GROUP, "delete", "half-made")
    assert all_there_is(testbed) == before
