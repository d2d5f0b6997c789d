# SPDX-License-Identifier: Apache-2.0
"""Some of what `scripts/faults` tries: an answer that is lost, after what it was about was done."""

from collections.abc import Iterator

import pytest

from testbed.drills import FAILOVER
from testbed.faults import trial
from testbed.faults.calls import ARRAY, Call
from testbed.faults.cases import Case
from testbed.faults.scene import Scene, scene
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

CASES = (
    Case("keystone", Call("keystone", "POST", "/v3/auth/tokens"), "429"),
    Case("cinder", Call("cinder", "POST", "/v3/manageable_volumes"), "503-after"),
    Case("nova", Call("nova", "POST", "/v2.1/servers"), "hang-after"),
    Case(ARRAY, Call(ARRAY, "POST", "/api/2.36/volumes"), "cut-after"),
)


@pytest.fixture(scope="module")
def disaster(testbed: Testbed) -> Iterator[Scene]:
    with scene(testbed, FAILOVER) as arranged:
        yield arranged


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service}-{case.fault}")
def test_it_is_made_good(disaster: Scene, case: Case) -> None:
    result = trial.run(disaster, case)

    assert result.outcome in trial.GOOD, result.message
    assert [*result.doubles, *result.orphans, *result.missing] == []
