# SPDX-License-Identifier: Apache-2.0
"""A failover, or a test of one, only thought through.

What its first step would find is told, and what would follow.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from oslo_context.context import RequestContext

from protector.cloud.base import TenantCloud
from protector.db import documents, groups, steps
from protector.db.claims import Claim
from protector.domain import recovery
from protector.domain.operation import ARGUMENTS, Kind
from protector.domain.readiness import Plan, Readiness
from protector.engine.failback import Failback
from protector.engine.flows.plan import outline
from protector.engine.preflight import originals, outlook
from protector.engine.preflight.assessment import assess
from protector.engine.preflight.looking import look
from protector.engine.procedures import PROCEDURES
from protector.engine.recovery import Recovery
from protector.engine.work import Equipment

# There is no operation, so no engine has a claim on it: a step that was run would lose it at once.
UNCLAIMED = Claim("", "", 0)


def check(
    equipment: Equipment,
    context: RequestContext,
    group_id: str,
    arguments: dict[str, Any],
    *,
    kind: Kind = Kind.FAILOVER,
) -> dict[str, Any]:
    """Return the readiness of the group as the API tells it; act with the caller's own token.

    :param kind: failover, failback or test_failover.
    :param arguments: as the operation's: type, networks, flavors, accept_stale_metadata, snapshot,
        before.
    """
    with equipment.sessions.begin() as session:
        project_id = groups.get(session, group_id).project_id
        version = documents.in_force(session, group_id)
        document, checksum = version.document, version.checksum
    work = PROCEDURES[kind].open(
        equipment=equipment,
        claim=UNCLAIMED,
        user_id=context.user_id,
        trust_id=None,
        document=document,
        arguments=ARGUMENTS[kind](**arguments, document=checksum),
    )
    tenant = equipment.cloud.by_token(context.auth_token, project_id)
    return view(readiness(work, tenant, outline(PROCEDURES[kind].flow(work))))


def readiness(
    work: Recovery, tenant: TenantCloud, planned: Mapping[str, Sequence[str]]
) -> Readiness:
    """:param planned: phase -> steps, as the operation's own flow has them."""
    there = originals.look(work) if isinstance(work, Failback) else None
    whole = there.outlook if there else work
    seen = look(whole, tenant)
    array = work.equipment.array.array
    assessment = assess(whole.document, work.arguments, seen, site=work.site, array=array)
    if there:
        assessment = there.judged_with(assessment)
    with work.sessions.begin() as session:
        taken = steps.durations(session)
    able = [member for member in seen.missing if member.server_id not in assessment.faults]
    estimate = outlook.estimate(
        planned,
        taken,
        tiers=[len(members) for _, members in recovery.boot_tiers(able)],
        at_once=work.equipment.conf.engine.parallel_vms,
        site=work.site,
    )
    return Readiness(assessment.findings, outlook.plan(planned, seen, assessment, estimate))


def view(told: Readiness) -> dict[str, Any]:
    return {
        "ready": told.ready,
        "findings": [
            {
                "severity": one.severity.value,
                "subject": one.subject,
                "finding": one.what,
                "remedy": one.remedy,
                "server_id": one.server_id,
            }
            for one in told.findings
        ],
        "plan": _plan(told.plan),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    phases = [{"name": name, "steps": list(steps)} for name, steps in plan.phases]
    return {**dataclasses.asdict(plan), "phases": phases}
