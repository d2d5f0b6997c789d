# SPDX-License-Identifier: Apache-2.0
"""An engine dies, stops or stands still in the middle of a failover; `scripts/crash` tries it all.

Whoever goes on with it doubles nothing and loses nothing.
"""

import pytest
from waiting import until

from testbed import census
from testbed.crash import Case, Crash
from testbed.drills import FAILOVER
from testbed.fate import Fate
from testbed.testbed import Testbed

SITE = FAILOVER.site
# Seconds.
SOON = 60


@pytest.fixture(scope="module")
def crash(testbed: Testbed) -> Crash:
    return Crash(testbed, FAILOVER)


@pytest.mark.parametrize(
    "case",
    [
        Case(1, (Fate("manage_volumes_into_cinder", "after"),)),
        Case(2, (Fate("recreate_vm_db-server-1", "after"),)),
        *(
            pytest.param(case, marks=pytest.mark.at_length)
            for case in (
                Case(1, (Fate("recreate_vm_web-server-1", "before"),)),
                Case(2, (Fate("manage_volumes_into_cinder", "before"),)),
            )
        ),
    ],
    ids=str,
)
def test_the_failover_completes_though_an_engine_dies(crash: Crash, case: Case) -> None:
    (outcome,) = crash.run(case)
    assert outcome.outcome == "completed"
    assert list(outcome.count) == []
    assert outcome.seconds_to_resume is not None


def slow_failover_under_way(testbed: Testbed, crash: Crash) -> str:
    """Return the failover's id, while VMs are being recreated."""
    operation_id = crash.begin(Case(2))
    testbed.control.slow("flasharray-b", "/connections", seconds=2)
    until(
        lambda: (
            "manage_volumes_into_cinder" in crash.operation(operation_id).steps_completed or None
        ),
        seconds=SOON,
        what="VMs to be recreated",
    )
    return operation_id


def test_an_engine_that_wakes_up_does_no_harm(testbed: Testbed, crash: Crash) -> None:
    operation_id = slow_failover_under_way(testbed, crash)
    sleeper = crash.owner(operation_id)
    with testbed.paused(SITE, sleeper):
        testbed.control.clear_faults()
        outcome, count = crash.ending(operation_id)
        assert outcome == "completed"
        assert list(count) == []
        before = census.ids(testbed, SITE)

    log = testbed.log_folder(SITE) / f"{sleeper}.log"
    until(lambda: f"{operation_id} is not" in log.read_text(), seconds=SOON, what="it to let go")
    assert census.ids(testbed, SITE) == before
    assert list(crash.count()) == []
    assert crash.operation(operation_id).status == "completed"


def test_an_engine_that_is_stopped_hands_over(testbed: Testbed, crash: Crash) -> None:
    operation_id = slow_failover_under_way(testbed, crash)
    owner = crash.owner(operation_id)
    testbed.control.clear_faults()
    testbed.stop_service(SITE, owner)
    outcome, count = crash.ending(operation_id)
    assert outcome == "completed"
    assert list(count) == []
