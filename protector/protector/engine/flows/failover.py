# SPDX-License-Identifier: Apache-2.0
"""Failover: bring a protection group up on its other site."""

import functools
from collections.abc import Sequence

from taskflow.flow import Flow

from protector.engine.flows.plan import phase, plan
from protector.engine.flows.tiers import boot_tiers
from protector.engine.managing import Managing
from protector.engine.recovery import PlannedRecovery, Recovery
from protector.engine.step import Step
from protector.engine.steps.finalization import Finalization, TakeOver
from protector.engine.steps.handover import StopSourceVms, TakeLastSnapshot, WaitForLastSnapshot
from protector.engine.steps.instances import RecreateVm
from protector.engine.steps.preparation import CreateDrOperationRecord, ValidateTargetSite
from protector.engine.steps.reprotection import reverse_replication
from protector.engine.steps.storage import (
    IdentifyLatestSnapshot,
    ManageVolumesIntoCinder,
    PromoteVolumesFromSnapshot,
)


def unplanned_failover(work: Recovery) -> Flow:
    """The source site is gone: start from the last replicated snapshot.

    A function of the saved work alone, so that an engine that starts again builds the very same
    flow and goes on after the last step that ended.
    """
    return _failover(
        work,
        "unplanned_failover",
        storage=[IdentifyLatestSnapshot(work)],
        finalization=[Finalization(work)],
    )


def planned_failover(work: PlannedRecovery) -> Flow:
    """The source site stops its VMs and sends the last of their data; then the roles change.

    From then on it protects the group; if it cannot yet, a person has it done later.
    """
    return _failover(
        work,
        "planned_failover",
        storage=[StopSourceVms(work), TakeLastSnapshot(work), WaitForLastSnapshot(work)],
        finalization=[TakeOver(work), *reverse_replication(work, bears=True)],
    )


def _failover(
    work: Recovery, name: str, *, storage: Sequence[Step], finalization: Sequence[Step]
) -> Flow:
    """:param storage: the steps that lead to the snapshot from which it starts."""
    managing = Managing(work)
    return plan(
        name,
        phase(
            "preparation",
            ValidateTargetSite(work),
            CreateDrOperationRecord(work),
        ),
        phase(
            "storage_failover",
            *storage,
            PromoteVolumesFromSnapshot(work),
            ManageVolumesIntoCinder(work, managing),
        ),
        phase(
            "instance_recreation",
            *boot_tiers(work, work.document.members, functools.partial(RecreateVm, work, managing)),
        ),
        phase("finalization", *finalization),
    )
