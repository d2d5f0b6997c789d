# SPDX-License-Identifier: Apache-2.0
"""What a site does when its other site takes a group over, and when nothing comes of it."""

from taskflow.flow import Flow

from protector.domain import recovery
from protector.engine.flows.plan import phase, plan
from protector.engine.handover import HandingBack, HandingOver
from protector.engine.steps.source import (
    GiveGroupBack,
    StartVms,
    StopVms,
    TakeLastSnapshot,
    ValidateSourceSite,
)


def hand_over(work: HandingOver) -> Flow:
    """Stop the VMs in the reverse of their boot order, then take the snapshot that has it all."""
    tiers = reversed(recovery.boot_tiers(work.document.members))
    return plan(
        "hand_over",
        phase("preparation", ValidateSourceSite(work)),
        phase(
            "shutdown",
            *(
                StopVms(work, members, f"{recovery.STOP_TIER}_{priority}")
                for priority, members in tiers
            ),
        ),
        phase("finalization", TakeLastSnapshot(work)),
    )


def hand_back(work: HandingBack) -> Flow:
    """Start in boot order what a hand-over had stopped."""
    tiers = recovery.boot_tiers(work.document.members)
    return plan(
        "hand_back",
        phase(
            "startup",
            *(StartVms(work, members, f"start_vms_of_tier_{p}") for p, members in tiers),
        ),
        phase("finalization", GiveGroupBack(work)),
    )
