# SPDX-License-Identifier: Apache-2.0
"""Phases of an operation, and its progress in percent."""

from collections.abc import Collection, Mapping, Sequence

# Phase: the percentages it reaches from and to by finishing its steps. What lies between one
# phase's last step and the next one's first belongs to the wait for what was started. The marks
# are those the operator's procedure names: 5 when accepted, 15 prepared, 45 storage failed over,
# 75 instances recreated.
# A site that hands a group over has phases of its own in the place of those in the middle.
PHASES: dict[str, tuple[int, int]] = {
    "preparation": (5, 15),
    "storage_failover": (20, 45),
    "instance_recreation": (60, 75),
    "shutdown": (20, 75),
    "startup": (20, 75),
    "cleanup": (15, 85),
    "finalization": (90, 100),
}


def percent(plan: Mapping[str, Sequence[str]], done: Collection[str]) -> int:
    """Return the progress of an operation.

    :param plan: phase -> names of its steps, in order.
    :param done: names of the steps that have ended, well or not.
    """
    reached = PHASES["preparation"][0]
    for phase, steps in plan.items():
        ended = sum(step in done for step in steps)
        if ended:
            low, high = PHASES[phase]
            reached = low + (high - low) * ended // len(steps)
        if ended < len(steps):
            break
    return reached
