# SPDX-License-Identifier: Apache-2.0
"""…/protection-groups/{group_id}/action"""

from typing import Any

import falcon
from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import errors
from protector.access import group as access
from protector.api.context import caller, read
from protector.api.groups import GroupResource
from protector.api.operations import view_of
from protector.api.submission import must_be_free, submit
from protector.db import documents, groups, operations
from protector.db.models import ProtectionGroup
from protector.domain.group import Event, Status
from protector.domain.operation import FailoverArguments
from protector.schemas.action import ActionBody, Failover, ResetState, SyncForce
from protector.sync import guards


class GroupActions(GroupResource):
    def on_post(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.group(req, access.READ, project_id, group_id)
        match read(req, ActionBody).asked:
            case Failover() as wanted:
                row = self.group(req, access.FAIL_OVER, project_id, group_id)
                self._fail_over(caller(req), resp, row, wanted)
            case SyncForce() as wanted:
                row = self.group(req, access.SYNC, project_id, group_id)
                self._sync(caller(req), resp, row, wanted)
            case ResetState() as wanted:
                row = self.group(req, access.RESET, project_id, group_id)
                self._reset(caller(req), resp, row, wanted)

    # -- failover -----------------------------------------------------------------------------

    def _fail_over(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: Failover
    ) -> None:
        must_be_asked_here(row, self.site, "Failover")
        asked: dict[str, Any] = {
            "networks": wanted.network_mapping,
            "flavors": wanted.flavor_mapping,
            "accept_stale_metadata": wanted.accept_stale_metadata,
        }
        if wanted.dry_run:
            with self.sessions.begin() as session:
                must_be_free(session, row, Event.FAIL_OVER)
            resp.media = {"readiness": self.engine.check(who, row.id, asked)}
            return
        arguments = FailoverArguments(**asked)
        operation_id = submit(self.services, who, row, Event.FAIL_OVER, arguments)
        self.engine.start_operation(who, operation_id)
        resp.status = falcon.HTTP_202
        resp.media = {"operation": view_of(self.sessions, operation_id)}

    # -- synchronization ----------------------------------------------------------------------

    def _sync(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: SyncForce
    ) -> None:
        guards.must_not_be_busy(row)
        if wanted.force_direction is None:
            guards.must_not_be_superseded(row, self.site)
        told = self.engine.sync_force(who, row.id, wanted.force_direction)
        resp.media = {"sync": {"status": "success", **told}}

    # -- the way out of a stuck state ---------------------------------------------------------

    def _reset(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: ResetState
    ) -> None:
        with self.sessions.begin() as session:
            held = groups.lock(session, row.id)
            guards.must_not_be_superseded(held, self.site)
            _must_be_complete(session, held, wanted.status)
            self._end_operations(session, held, who, wanted)
            held.status = Status(wanted.status)
            held.status_reason = _by(who, wanted.status) if held.status is Status.ERROR else None
        resp.media = {"protection_group": self.view(row.id)}

    def _end_operations(
        self, session: Session, row: ProtectionGroup, who: RequestContext, wanted: ResetState
    ) -> None:
        for operation in operations.unended(session, row.id):
            live = operations.is_live(operation, silence=self.services.silence)
            if live and not wanted.force:
                raise errors.OperationInProgress(operation=operation.id, group=row.name)
            operations.end(session, operation, _by(who, wanted.status))


def must_be_asked_here(row: ProtectionGroup, site: str, action: str) -> None:
    """:raises GroupSuperseded, WrongSite: it is not failed over to this site."""
    guards.must_not_be_superseded(row, site)
    target = _target(row)
    if target != site:
        raise errors.WrongSite(action=action, group=row.name, right_site=target, site=site)


def _target(row: ProtectionGroup) -> str:
    """Return the site to which the group fails over, or has."""
    if row.status in (Status.FAILED_OVER, Status.FAILED_OVER_PARTIAL):
        return row.current_primary_site
    return row.peer_of(row.current_primary_site)


def _by(who: RequestContext, status: str) -> str:
    return f"User {who.user_name or who.user_id} reset the protection group to {status} by hand."


def _must_be_complete(session: Session, row: ProtectionGroup, status: str) -> None:
    """A group whose creation never ended can be in error, and be deleted, and nothing else."""
    if status != Status.ERROR and documents.current(session, row.id) is None:
        raise errors.WrongStatus(
            group=row.name,
            status=row.status.value,
            event=f"become {status}",
            way_out="Its creation never ended. Set it to error, then delete it:"
            f" openstack protector protection-group reset-state {row.name} --state error",
        )
