# SPDX-License-Identifier: Apache-2.0
"""From what a user asks for to an operation that waits for an engine."""

import contextlib

from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import errors
from protector.api.services import Services
from protector.db import groups, operations
from protector.db.models import ProtectionGroup
from protector.domain import group, progress
from protector.domain.group import Event
from protector.domain.operation import FailoverArguments, Kind

TRUSTED_ROLE = "member"


def submit(
    services: Services,
    who: RequestContext,
    row: ProtectionGroup,
    event: Event,
    arguments: FailoverArguments,
    *,
    retry_of: str | None = None,
) -> str:
    """Write the operation down, with the trust by which an engine will act for the caller.

    :raises OperationRunning, WrongStatus: the group is at something else.
    """
    with services.sessions.begin() as session:
        must_be_free(session, row, event)
    service = services.cloud.as_service()
    trust_id = services.cloud.take_trust(
        who.auth_token, user_id=who.user_id, project_id=row.project_id, roles=_roles(who)
    )
    try:
        with services.sessions.begin() as session:
            held = groups.lock(session, row.id)
            must_be_free(session, held, event)
            groups.advance(session, held, event)
            return operations.create(
                session,
                group_id=held.id,
                project_id=held.project_id,
                user_id=who.user_id,
                request_id=who.request_id,
                kind=Kind.FAILOVER,
                progress=progress.percent({}, ()),
                source_site=held.peer_of(services.site),
                target_site=services.site,
                arguments=arguments.model_dump(),
                retry_of=retry_of,
                trust_id=trust_id,
            ).id
    except errors.ProtectorError:
        with contextlib.suppress(errors.CloudError):
            service.drop_trust(trust_id)
        raise


def must_be_free(session: Session, row: ProtectionGroup, event: Event) -> None:
    for running in operations.unended(session, row.id):
        raise errors.OperationRunning(
            group=row.name,
            group_status=row.status.value,
            operation=running.id,
            status=running.status.value,
        )
    group.after(row.status, event, name=row.name)


def _roles(who: RequestContext) -> list[str]:
    """Return what the caller lends: no more than a tenant's, where that is among it."""
    return [TRUSTED_ROLE] if TRUSTED_ROLE in who.roles else list(who.roles)
