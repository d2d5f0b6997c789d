# SPDX-License-Identifier: Apache-2.0
"""Test failover: bring a group up beside itself, look whether it is well, and remove it."""

import functools

from taskflow.flow import Flow

from protector.engine.flows.plan import phase, plan
from protector.engine.flows.tiers import boot_tiers
from protector.engine.managing import Managing
from protector.engine.rehearsal import Cleanup, Rehearsal
from protector.engine.steps.cleanup import (
    EndTest,
    RemoveTestNetworks,
    RemoveTestServers,
    RemoveTestVolumes,
)
from protector.engine.steps.instances import RecreateVm
from protector.engine.steps.preparation import ValidateTargetSite
from protector.engine.steps.rehearsal import (
    CheckTestVms,
    MakeTestNetworks,
    RecordTest,
    RecordTestResult,
)
from protector.engine.steps.storage import (
    IdentifyLatestSnapshot,
    ManageVolumesIntoCinder,
    PromoteVolumesFromSnapshot,
)


def rehearse(work: Rehearsal) -> Flow:
    """As a failover, by the same steps; the source site knows nothing of it.

    No port is waited for between the boot tiers: most lie where this host has no way to.
    """
    managing = Managing(work)
    return plan(
        "test_failover",
        phase("preparation", ValidateTargetSite(work), RecordTest(work)),
        phase(
            "storage_failover",
            IdentifyLatestSnapshot(work),
            PromoteVolumesFromSnapshot(work),
            ManageVolumesIntoCinder(work, managing),
        ),
        phase(
            "instance_recreation",
            MakeTestNetworks(work),
            *boot_tiers(
                work,
                work.document.members,
                functools.partial(RecreateVm, work, managing),
                waits_for_ports=False,
            ),
        ),
        phase("finalization", CheckTestVms(work), RecordTestResult(work)),
    )


def clean_up(work: Cleanup) -> Flow:
    """Servers first: they hold the ports that hold the networks, and the volumes."""
    return plan(
        "test_cleanup",
        phase(
            "cleanup",
            RemoveTestServers(work),
            RemoveTestVolumes(work),
            RemoveTestNetworks(work),
        ),
        phase("finalization", EndTest(work)),
    )
