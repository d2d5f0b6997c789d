# SPDX-License-Identifier: Apache-2.0
"""From what a user asks for to an operation that waits for an engine."""

import contextlib

from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import errors
from protector.api.services import Services
from protector.db import documents, groups, operations
from protector.db.models import ProtectionGroup
from protector.domain import group, progress
from protector.domain.document import Document
from protector.domain.group import COURSES, Event
from protector.domain.operation import Arguments, Kind
from protector.sync import guards

TRUSTED_ROLE = "member"
UNTRUSTED = (Kind.TEST_CLEANUP,)


def submit(
    services: Services,
    who: RequestContext,
    row: ProtectionGroup,
    kind: Kind,
    arguments: Arguments,
    *,
    retry_of: str | None = None,
) -> str:
    """Write the operation down, with the trust by which an engine will act for the caller.

    What only removes is done as the service user, and needs none.

    :raises OperationRunning, WrongStatus: the group is at something else.
    """
    course = COURSES[kind]
    event = (course.again if retry_of else None) or course.begin
    with services.sessions.begin() as session:
        must_be_free(session, row, event)
        if kind is Kind.FAILOVER:
            must_not_be_reversed(documents.in_force(session, row.id).document)
    trust_id = None if kind in UNTRUSTED else _trust(services, who, row.project_id)
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
                kind=kind,
                progress=progress.percent({}, ()),
                source_site=held.peer_of(services.site),
                target_site=services.site,
                arguments=arguments.model_dump(mode="json"),
                retry_of=retry_of,
                trust_id=trust_id,
            ).id
    except errors.ProtectorError:
        if trust_id:
            with contextlib.suppress(errors.CloudError):
                services.cloud.as_service().drop_trust(trust_id)
        raise


def must_not_be_reversed(document: Document) -> None:
    """:raises WrongStatus: its members run here, so there is nothing of it to be brought here."""
    if document.is_reversed:
        peer = document.peer_of(document.current_primary_site)
        raise errors.WrongStatus(
            group=document.name,
            status=document.status,
            event="go on with its failover",
            way_out=f"It is protected by {peer} since, where the VMs that did not come up are kept."
            f" They are started when it fails back: export OS_CLOUD={peer}; openstack protector"
            f" protection-group failback {document.name}",
        )


def must_be_free(session: Session, row: ProtectionGroup, event: Event) -> None:
    guards.must_be_idle(session, row)
    group.after(row.status, event, name=row.name)


def _trust(services: Services, who: RequestContext, project_id: str) -> str:
    try:
        return services.cloud.take_trust(
            who.auth_token, user_id=who.user_id, project_id=project_id, roles=_roles(who)
        )
    except errors.CloudUnavailable as error:
        said = str(error.kwargs["reason"]).rstrip(".")
        reason = f"{said}. Nothing was begun: ask again once it answers"
        raise errors.CloudUnavailable(**{**error.kwargs, "reason": reason}) from None


def _roles(who: RequestContext) -> list[str]:
    """Return what the caller lends: no more than a tenant's, where that is among it."""
    return [TRUSTED_ROLE] if TRUSTED_ROLE in who.roles else list(who.roles)
