# SPDX-License-Identifier: Apache-2.0
"""Failover: bring a protection group up on its other site."""

from taskflow.flow import Flow

from protector.domain import recovery
from protector.engine.flows.plan import phase, plan, together
from protector.engine.steps.finalization import Finalization
from protector.engine.steps.instances import RecreateVm
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
    members = work.document.members
    names = recovery.step_names(members)
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
            together(
                "recreate_vms",
                [RecreateVm(work, member, names[member.server_id]) for member in members],
            ),
        ),
        phase(
            "finalization",
            Finalization(work),
        ),
    )
