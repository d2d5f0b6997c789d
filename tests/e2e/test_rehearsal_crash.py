# SPDX-License-Identifier: Apache-2.0
"""An engine dies in the middle of a test failover or its cleanup; `scripts/crash` tries it all."""

import pytest

from testbed.crash import Case, Crash
from testbed.drills import TEST_CLEANUP, TEST_FAILOVER
from testbed.fate import Fate
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length


@pytest.mark.parametrize(
    "case",
    [
        Case(1, (Fate("make_test_networks", "after"),)),
        Case(2, (Fate("recreate_vm_web-server-1", "after"),)),
    ],
    ids=str,
)
def test_the_test_completes_though_an_engine_dies(testbed: Testbed, case: Case) -> None:
    assert_ends_well(Crash(testbed, TEST_FAILOVER), case)


@pytest.mark.parametrize(
    "case",
    [
        Case(1, (Fate("remove_test_servers", "after"),)),
        Case(2, (Fate("remove_test_volumes", "before"),)),
    ],
    ids=str,
)
def test_the_cleanup_completes_though_an_engine_dies(testbed: Testbed, case: Case) -> None:
    assert_ends_well(Crash(testbed, TEST_CLEANUP), case)


def assert_ends_well(crash: Crash, case: Case) -> None:
    (outcome,) = crash.run(case)
    assert outcome.outcome == "completed"
    assert list(outcome.count) == []
    assert outcome.seconds_to_resume is not None
