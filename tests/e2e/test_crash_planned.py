# SPDX-License-Identifier: Apache-2.0
"""An engine of either site dies in the middle of a planned failover; `scripts/crash` tries more."""

import pytest

from testbed.crash import Case, Crash
from testbed.drills import HAND_BACK, HAND_OVER, PLANNED, Drill
from testbed.fate import Fate
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length


@pytest.mark.parametrize(
    ("drill", "step", "moment"),
    [
        (HAND_OVER, "stop_vms_of_tier_3", "after"),
        (PLANNED, "finalization", "after"),
        (HAND_BACK, "start_vms_of_tier_3", "before"),
    ],
    ids=["the source stops", "the roles have changed", "the source starts again"],
)
def test_whoever_dies_the_group_runs_on_one_site(
    testbed: Testbed, drill: Drill, step: str, moment: str
) -> None:
    (outcome,) = Crash(testbed, drill).run(Case(1, (Fate(step, moment),)))  # type: ignore[arg-type]
    assert outcome.outcome == drill.good_outcome
    assert list(outcome.count) == []
