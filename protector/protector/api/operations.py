# SPDX-License-Identifier: Apache-2.0
"""/v1/{project_id}/operations"""

from typing import Any

import falcon
from oslo_context.context import RequestContext
from sqlalchemy.orm import Session, sessionmaker

from protector import errors
from protector.access import operation as access
from protector.api.context import Resource, caller, read, read_query
from protector.api.paging import listing, page
from protector.api.submission import submit
from protector.db import documents, groups, operations
from protector.db.models import Operation, ProtectionGroup
from protector.domain import mapping
from protector.domain.document import Document
from protector.domain.group import COURSES, RETURN, Status
from protector.domain.operation import (
    ARGUMENTS,
    ENDED,
    Arguments,
    Cancel,
    Kind,
    RecoveryArguments,
)
from protector.domain.operation import Status as OperationStatus
from protector.schemas import operation as schema
from protector.sync import guards


class OperationCollection(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        self.authorize(req, access.READ, project_id)
        query = read_query(req, schema.OperationQuery)
        with self.sessions.begin() as session:
            rows = operations.list_for(
                session, project_id, page=page(query), group_id=query.group_id, status=query.status
            )
            steps = operations.outcomes_of(session, [row.id for row in rows])
        views = [schema.view(row, steps[row.id], whole=False) for row in rows]
        resp.media = listing(req, "operations", views, query=query, id="operation_id")


class OperationItem(Resource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, operation_id: str
    ) -> None:
        self.authorize_on(req, access.READ, project_id, _hidden(operation_id))
        resp.media = {"operation": view_of(self.sessions, operation_id, project_id)}


class OperationActions(Resource):
    """Go on with an operation that failed, or stop one that runs."""

    def on_post(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, operation_id: str
    ) -> None:
        self.authorize_on(req, access.READ, project_id, _hidden(operation_id))
        wanted = read(req, schema.ActionBody)
        self.authorize_on(req, access.ACT, project_id, _hidden(operation_id))
        with self.sessions.begin() as session:
            row = operations.get(session, operation_id, project_id=project_id)
        if wanted.retry:
            operation_id = self._retry(caller(req), row, wanted.retry)
        elif wanted.cancel:
            self._cancel(caller(req), row, Cancel.KEEP if wanted.cancel.keep else Cancel.UNDO)
        resp.status = falcon.HTTP_202
        resp.media = {"operation": view_of(self.sessions, operation_id)}

    # -- retry --------------------------------------------------------------------------------

    def _retry(self, who: RequestContext, before: Operation, wanted: schema.Retry) -> str:
        with self.sessions.begin() as session:
            row = groups.get(session, before.group_id)
            guards.must_not_be_superseded(row, self.site)
            _must_be_retryable(session, before, row)
            document = documents.in_force(session, row.id).document
        arguments = _laid_over(before, wanted, document)
        after = submit(self.services, who, row, before.kind, arguments, retry_of=before.id)
        self.engine.start_operation(who, after)
        return after

    # -- cancel -------------------------------------------------------------------------------

    def _cancel(self, who: RequestContext, row: Operation, how: Cancel) -> None:
        if not COURSES[row.kind].cancellable:
            raise errors.NotCancellable(operation=row.id, kind=row.kind.value)
        with self.sessions.begin() as session:
            status = operations.ask_to_cancel(session, row.id, how, who.user_id)
            held = groups.lock(session, row.group_id)
            if status is None or held.status is not COURSES[row.kind].busy:
                # What has put its end on record can no longer be stopped.
                raise errors.OperationEnded(operation=row.id, status=_status(session, row.id))
            before = documents.in_force(session, held.id).document
            resumes = before.status == Status.FAILED_OVER_PARTIAL and row.kind is Kind.FAILOVER
            if resumes and how is Cancel.UNDO:
                raise errors.CancelKeepsOnly(operation=row.id)
            planned = row.arguments.get("type") == "planned" or row.kind is Kind.FAILBACK
            if how is Cancel.KEEP and not resumes and planned:
                raise errors.CancelUndoesOnly(operation=row.id)
            if status is OperationStatus.QUEUED:
                operations.cancel_queued(session, row.id)
                groups.advance(session, held, RETURN[before.status])


def view_of(
    sessions: sessionmaker[Session], operation_id: str, project_id: str | None = None
) -> dict[str, Any]:
    with sessions.begin() as session:
        row = operations.get(session, operation_id, project_id=project_id)
        steps = operations.steps_of(session, [row.id])[row.id]
    return schema.view(row, steps)


def _hidden(operation_id: str) -> errors.OperationNotFound:
    return errors.OperationNotFound(operation=operation_id)


def _status(session: Session, operation_id: str) -> str:
    status = operations.get(session, operation_id).status
    return status.value if status in ENDED else "about to be completed"


def _must_be_retryable(session: Session, before: Operation, row: ProtectionGroup) -> None:
    """:raises NothingToRetry: it has done all, or another operation came after it."""
    newest = operations.latest(session, row.id)
    if newest.id != before.id:
        reason = f"{newest.id} came after it. Retry that one: openstack protector operation retry"
        raise errors.NothingToRetry(operation=before.id, reason=f"{reason} {newest.id}")
    if COURSES[before.kind].again is None:
        reason = "one of its kind is not continued, but started anew."
        raise errors.NothingToRetry(operation=before.id, reason=reason)
    done = before.status is OperationStatus.COMPLETED
    if done and row.status is not Status.FAILED_OVER_PARTIAL:
        raise errors.NothingToRetry(operation=before.id, reason="it is completed.")


def _laid_over(before: Operation, wanted: schema.Retry, document: Document) -> Arguments:
    """Return the arguments of the operation that goes on, by whatever is in force then."""
    given = ARGUMENTS[before.kind].model_validate({**before.arguments, "document": None})
    if not isinstance(given, RecoveryArguments):
        return given
    if wanted.skip and before.kind is Kind.FAILBACK:
        raise errors.InvalidRequest(
            reason="skip: a failback brings back all VMs, or none. Take out what is not to come"
            " back: openstack protector protection-group member remove"
            f" {document.name} {wanted.skip[0]}"
        )
    skip = [document.member(server).server_id for server in wanted.skip]
    changes = {
        "networks": mapping.override(given.networks, wanted.network_mapping, document.networks),
        "flavors": mapping.override(given.flavors, wanted.flavor_mapping, document.flavors),
        "accept_stale_metadata": given.accept_stale_metadata or wanted.accept_stale_metadata,
        "skip": sorted({*given.skip, *skip}),
    }
    return given.model_copy(update=changes)
