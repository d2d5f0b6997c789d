# SPDX-License-Identifier: Apache-2.0
"""From what is asked of a test to the operation that does it."""

from oslo_context.context import RequestContext

from protector import errors
from protector.api.services import Services
from protector.api.submission import must_be_free, submit
from protector.db import documents, rehearsals
from protector.db.models import ProtectionGroup
from protector.domain.group import Event
from protector.domain.operation import CleanupArguments, Kind, RehearsalArguments
from protector.domain.probe import Probe
from protector.schemas.action import TestFailover


def arguments(services: Services, row: ProtectionGroup, wanted: TestFailover) -> RehearsalArguments:
    """:raises MemberNotFound, InvalidRequest: of a probe."""
    with services.sessions.begin() as session:
        document = documents.in_force(session, row.id).document
    probes = {
        document.member(vm).server_id: str(Probe.read(probe)) for vm, probe in wanted.probes.items()
    }
    return RehearsalArguments(
        networks=wanted.network_mapping,
        flavors=wanted.flavor_mapping,
        snapshot=wanted.snapshot,
        before=wanted.before,
        prefix=wanted.prefix,
        hours=wanted.keep_hours,
        probes=probes,
    )


def must_be_testable(services: Services, row: ProtectionGroup) -> None:
    """:raises EarlierTestLeft, OperationRunning, WrongStatus: it is not now."""
    with services.sessions.begin() as session:
        must_be_free(session, row, Event.TEST)
        left = rehearsals.uncleaned(session, row.id)
    if left:
        raise errors.EarlierTestLeft(group=row.name, operation=left.operation_id)


def begin(
    services: Services, who: RequestContext, row: ProtectionGroup, wanted: RehearsalArguments
) -> str:
    """Return the id of the operation that tests the group."""
    must_be_testable(services, row)
    return submit(services, who, row, Kind.TEST_FAILOVER, wanted)


def clean_up(services: Services, who: RequestContext, row: ProtectionGroup) -> str:
    """Return the id of the operation that removes what the group's test has made here.

    :raises NothingToCleanUp: there is none.
    """
    with services.sessions.begin() as session:
        left = rehearsals.uncleaned(session, row.id)
    if left is None:
        raise errors.NothingToCleanUp(group=row.name, site=services.site)
    wanted = CleanupArguments(rehearsal=left.operation_id)
    return submit(services, who, row, Kind.TEST_CLEANUP, wanted)
