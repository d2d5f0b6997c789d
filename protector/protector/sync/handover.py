# SPDX-License-Identifier: Apache-2.0
"""This site's part in a planned failover, as the other site asks for it.

What is to be done is written down as an operation of this site's own, which an engine does. All may
be asked again. Callers own the transaction.
"""

from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents, groups, operations
from protector.db.models import Operation, ProtectionGroup
from protector.domain import group, progress
from protector.domain.group import COURSES, RETURN
from protector.domain.operation import (
    Cancel,
    HandBackArguments,
    HandOverArguments,
    Kind,
    Status,
)
from protector.sync import guards, receive
from protector.sync.peer import Fate, HandOver

# What a hand-over tells of a step that has ended and had nothing to say.
DONE = "done"


def begin(
    session: Session,
    site: str,
    group_id: str,
    operation_id: str,
    checksum: str,
    *,
    user_id: str,
    request_id: str,
) -> str | None:
    """Write down that the group is to be handed over to the peer's operation.

    :param checksum: of the version by which the peer works.
    :returns: id of the operation that an engine is to begin; None when it was asked before.
    :raises WrongStatus, OperationRunning, WrongSite, GroupSuperseded, EditedMeanwhile: the group is
        not to be had, here and now.
    """
    row = groups.lock(session, group_id)
    if _asked(session, group_id, operation_id):
        return None
    guards.must_not_be_superseded(row, site)
    if row.current_primary_site != site:
        right = row.current_primary_site
        raise errors.WrongSite(action="Handing over", group=row.name, right_site=right, site=site)
    guards.must_be_idle(session, row)
    group.after(row.status, COURSES[Kind.HAND_OVER].begin, name=row.name)
    if documents.in_force(session, group_id).checksum != checksum:
        raise errors.EditedMeanwhile(group=row.name)
    groups.advance(session, row, COURSES[Kind.HAND_OVER].begin)
    arguments = HandOverArguments(operation_id=operation_id)
    return _create(
        session, row, site, Kind.HAND_OVER, arguments, user_id=user_id, request_id=request_id
    )


def state(session: Session, group_id: str, operation_id: str) -> HandOver | None:
    """Return how far this site has come; None: it was never asked."""
    row = _asked(session, group_id, operation_id)
    if row is None:
        return None
    arguments = HandOverArguments.model_validate(row.arguments)
    back = _given_back(session, row)
    steps = operations.steps_of(session, [row.id])[row.id]
    return HandOver(
        operation_id=row.id,
        holds=groups.get(session, group_id).status is group.Status.HANDING_OVER
        and _is_newest(session, row),
        status=row.status,
        progress=row.progress,
        point=arguments.point,
        steps={step.name: step.detail or DONE for step in steps if step.ended_at},
        said=row.error_message,
        left=back.error_message if back else None,
    )


def give_back(session: Session, site: str, group_id: str, operation_id: str) -> str | None:
    """Let the group be this site's again, and its VMs be started.

    :returns: id of an operation that an engine is to begin, if there is one.
    """
    asked = _asked(session, group_id, operation_id)
    if asked is None:
        return None
    # The operation's row comes first, everywhere: else two wait for each other.
    status = operations.ask_to_cancel(session, asked.id, Cancel.UNDO, asked.user_id)
    row = groups.lock(session, group_id)
    if row.status is not group.Status.HANDING_OVER or not _is_newest(session, asked):
        return None
    if status is None:
        return take_back(session, site, row, asked)
    if status is Status.QUEUED:
        operations.cancel_queued(session, asked.id)
        return_(session, row)
    return None


def take_back(session: Session, site: str, row: ProtectionGroup, handed: Operation) -> str | None:
    """Write down that what the hand-over stopped is started again, unless it is.

    :param row: the group, which is held, and handed over.
    :returns: id of the operation, if it is to be begun.
    """
    arguments = HandOverArguments.model_validate(handed.arguments)
    if any(one.kind is Kind.HAND_BACK for one in operations.unended(session, row.id)):
        return None
    if not arguments.running:
        return_(session, row)
        return None
    back = HandBackArguments(operation_id=arguments.operation_id, servers=arguments.running)
    return _create(
        session,
        row,
        site,
        Kind.HAND_BACK,
        back,
        user_id=handed.user_id,
        request_id=handed.request_id,
    )


def fate(session: Session, site: str, group_id: str, operation_id: str) -> Fate | None:
    """Tell what became of an operation of this site's; None: there is none."""
    row = operations.find(session, operation_id)
    if row is None or row.group_id != group_id:
        return None
    current = documents.current(session, group_id)
    return Fate(row.status, current is not None and current.document.current_primary_site == site)


def return_(session: Session, row: ProtectionGroup) -> None:
    """Let the group be again what its document says, and forget what the peer had begun."""
    if row.status is group.Status.HANDING_OVER:
        begun = documents.prepared(session, row.id)
        if begun is not None:
            receive.withdraw(session, row.id, begun.checksum)
        row.status_reason = None
        groups.advance(session, row, RETURN[documents.in_force(session, row.id).document.status])


# -- inside -----------------------------------------------------------------------------------


def _create(
    session: Session,
    row: ProtectionGroup,
    site: str,
    kind: Kind,
    arguments: HandOverArguments | HandBackArguments,
    *,
    user_id: str,
    request_id: str,
) -> str:
    """Without a trust: an engine does it as the service user, who may stop and start servers."""
    return operations.create(
        session,
        group_id=row.id,
        project_id=row.project_id,
        user_id=user_id,
        request_id=request_id,
        kind=kind,
        progress=progress.percent({}, ()),
        source_site=site,
        target_site=row.peer_of(site),
        arguments=arguments.model_dump(),
    ).id


def _asked(session: Session, group_id: str, operation_id: str) -> Operation | None:
    rows = operations.of_kind(session, group_id, Kind.HAND_OVER)
    return next((row for row in rows if row.arguments["operation_id"] == operation_id), None)


def _is_newest(session: Session, row: Operation) -> bool:
    newest, *_ = operations.of_kind(session, row.group_id, Kind.HAND_OVER)
    return newest.id == row.id


def _given_back(session: Session, row: Operation) -> Operation | None:
    """Return what took it back, if it has been."""
    wanted = row.arguments["operation_id"]
    rows = operations.of_kind(session, row.group_id, Kind.HAND_BACK)
    return next((one for one in rows if one.arguments["operation_id"] == wanted), None)
