# SPDX-License-Identifier: Apache-2.0
"""Failback: bring a group that was failed over back to the site that it came from."""

import functools

from taskflow.flow import Flow

from protector.engine.failback import Failback
from protector.engine.flows.plan import phase, plan
from protector.engine.flows.tiers import boot_tiers
from protector.engine.managing import Managing
from protector.engine.steps.failback import (
    OverwriteOriginals,
    RemoveCopies,
    ResumeReplication,
    Return,
    SaveOriginals,
    ValidateReturn,
    WaitForTheirLastSnapshot,
)
from protector.engine.steps.handover import StopSourceVms, TakeLastSnapshot
from protector.engine.steps.originals import ReturnVm
from protector.engine.steps.preparation import CreateDrOperationRecord
from protector.engine.steps.storage import ManageVolumesIntoCinder, PromoteVolumesFromSnapshot


def failback(work: Failback) -> Flow:
    """The planned way back: onto the original volumes and servers, as far as they are there."""
    managing = Managing(work)
    return plan(
        "failback",
        phase("preparation", ValidateReturn(work), CreateDrOperationRecord(work)),
        phase(
            "storage_failover",
            StopSourceVms(work),
            TakeLastSnapshot(work),
            WaitForTheirLastSnapshot(work),
            SaveOriginals(work),
            OverwriteOriginals(work),
            PromoteVolumesFromSnapshot(work),
            ManageVolumesIntoCinder(work, managing),
        ),
        phase(
            "instance_recreation",
            *boot_tiers(work, work.all_members, functools.partial(ReturnVm, work, managing)),
        ),
        phase("finalization", Return(work), ResumeReplication(work), RemoveCopies(work)),
    )
