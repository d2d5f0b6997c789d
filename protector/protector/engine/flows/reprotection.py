# SPDX-License-Identifier: Apache-2.0
"""Reprotect: let a group that was failed over replicate to the site that it came from."""

from taskflow.flow import Flow

from protector.engine.flows.plan import phase, plan
from protector.engine.steps.reprotection import reverse_replication
from protector.engine.work import Work


def reprotection(work: Work) -> Flow:
    *preparing, last = reverse_replication(work)
    return plan("reprotection", phase("storage_failover", *preparing), phase("finalization", last))
