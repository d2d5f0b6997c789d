# SPDX-License-Identifier: Apache-2.0
"""Failover: bring a protection group up on its other site."""

from collections.abc import Sequence

from taskflow.flow import Flow

from protector.domain import recovery
from protector.domain.document import Member
from protector.engine.flows.plan import in_turn, phase, plan, together
from protector.engine.steps.finalization import Finalization
from protector.engine.steps.instances import RecreateVm, WaitForPorts
from protector.engine.steps.preparation import CreateDrOperationRecord, ValidateTargetSite
from protector.engine.steps.storage import (
    IdentifyLatestSnapshot,
    ManageVolumesIntoCinder,
    PromoteVolumesFromSnapshot,
)
from protector.engine.work import Work


def unplanned_failover(work: Work) -> Flow:
    """The source site is gone: start from the last replicated snapshot.

    A function of the saved work alone, so that an engine that starts again builds the very same
    flow and goes on after the last step that ended.
    """
    tiers = recovery.boot_tiers(work.document.members)
    return plan(
        "unplanned_failover",
        phase(
            "preparation",
            ValidateTargetSite(work),
            CreateDrOperationRecord(work),
        ),
        phase(
            "storage_failover",
            IdentifyLatestSnapshot(work),
            PromoteVolumesFromSnapshot(work),
            ManageVolumesIntoCinder(work),
        ),
        phase(
            "instance_recreation",
            *(_tier(work, priority, members) for priority, members in tiers),
        ),
        phase(
            "finalization",
            Finalization(work),
        ),
    )


def _tier(work: Work, priority: int, members: Sequence[Member]) -> Flow:
    """Start the tier's VMs side by side; with a port to wait for, do not end before they answer."""
    names = recovery.step_names(work.document.members)
    started = together(
        f"recreate_vms_of_tier_{priority}",
        [RecreateVm(work, member, names[member.server_id]) for member in members],
    )
    awaited = [member for member in members if member.wait_port]
    waits = [WaitForPorts(work, awaited, f"wait_for_ports_of_tier_{priority}")] if awaited else []
    return in_turn(f"boot_tier_{priority}", started, *waits)
