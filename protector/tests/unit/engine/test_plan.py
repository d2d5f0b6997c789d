# SPDX-License-Identifier: Apache-2.0
"""The words in which flows are written."""

import pytest
from taskflow import task

from protector.engine.flows.plan import outline, phase, plan, together


class Named(task.Task):
    def execute(self) -> None:
        pass


def test_the_outline_is_the_plan_as_it_was_written() -> None:
    flow = plan(
        "p",
        phase("preparation", Named("look"), Named("note")),
        phase("instance_recreation", together("vms", [Named("vm1"), Named("vm2")])),
    )
    assert outline(flow) == {
        "preparation": ["look", "note"],
        "instance_recreation": ["vm1", "vm2"],
    }


def test_a_phase_that_progress_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="rehearsal"):
        phase("rehearsal", Named("look"))
