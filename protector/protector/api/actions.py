# SPDX-License-Identifier: Apache-2.0
"""…/protection-groups/{group_id}/action"""

from typing import Any

import falcon
from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import errors
from protector.access import group as access
from protector.api import rehearsals, returning
from protector.api.context import caller, read
from protector.api.groups import GroupResource
from protector.api.operations import view_of
from protector.api.submission import must_be_free, submit
from protector.db import documents, groups, operations
from protector.db.models import ProtectionGroup
from protector.domain import group
from protector.domain.group import Event, Status
from protector.domain.operation import FailoverArguments, Kind
from protector.schemas.action import (
    ActionBody,
    Failback,
    Failover,
    OfAPoint,
    Release,
    Reprotect,
    ResetState,
    SyncForce,
    TestCleanup,
    TestFailover,
)
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
            case TestFailover() as wanted:
                row = self.group(req, access.TEST, project_id, group_id)
                self._test(caller(req), resp, row, wanted)
            case TestCleanup():
                row = self.group(req, access.TEST, project_id, group_id)
                self._clean_up(caller(req), resp, row)
            case Reprotect():
                row = self.group(req, access.REPROTECT, project_id, group_id)
                self._started(
                    caller(req), resp, returning.reprotect(self.services, caller(req), row)
                )
            case Failback() as wanted:
                row = self.group(req, access.FAIL_BACK, project_id, group_id)
                self._fail_back(caller(req), resp, row, wanted)
            case SyncForce() as wanted:
                row = self.group(req, access.SYNC, project_id, group_id)
                self._sync(caller(req), resp, row, wanted)
            case Release():
                row = self.group(req, access.WRITE, project_id, group_id)
                self._release(caller(req), resp, row)
            case ResetState() as wanted:
                row = self.group(req, access.RESET, project_id, group_id)
                self._reset(caller(req), resp, row, wanted)

    # -- failover -----------------------------------------------------------------------------

    def _fail_over(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: Failover
    ) -> None:
        must_be_asked_here(row, self.site, "Failover")
        if wanted.type == "planned" and row.status is Status.FAILED_OVER_PARTIAL:
            # What is missing of it is recovered without the other site.
            raise group.refusal(row.status, "fail over as planned", name=row.name)
        asked: dict[str, Any] = {
            "type": wanted.type,
            "networks": wanted.network_mapping,
            "flavors": wanted.flavor_mapping,
            "accept_stale_metadata": wanted.accept_stale_metadata,
            **_point(wanted),
        }
        if wanted.dry_run:
            with self.sessions.begin() as session:
                must_be_free(session, row, Event.FAIL_OVER)
            resp.media = {"readiness": self.engine.check(who, row.id, asked)}
            return
        arguments = FailoverArguments(**asked)
        self._started(who, resp, submit(self.services, who, row, Kind.FAILOVER, arguments))

    # -- test ---------------------------------------------------------------------------------

    def _test(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: TestFailover
    ) -> None:
        must_be_asked_here(row, self.site, "A test failover")
        arguments = rehearsals.arguments(self.services, row, wanted)
        if wanted.dry_run:
            rehearsals.must_be_testable(self.services, row)
            asked = arguments.model_dump(mode="json", exclude={"document"})
            told = self.engine.check(who, row.id, asked, kind=Kind.TEST_FAILOVER.value)
            resp.media = {"readiness": told}
            return
        self._started(who, resp, rehearsals.begin(self.services, who, row, arguments))

    def _clean_up(self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup) -> None:
        """A test is cleaned up where it ran, wherever the group runs by now."""
        self._started(who, resp, rehearsals.clean_up(self.services, who, row))

    def _started(self, who: RequestContext, resp: falcon.Response, operation_id: str) -> None:
        self.engine.start_operation(who, operation_id)
        resp.status = falcon.HTTP_202
        resp.media = {"operation": view_of(self.sessions, operation_id)}

    # -- the way back -------------------------------------------------------------------------

    def _fail_back(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: Failback
    ) -> None:
        if wanted.dry_run:
            returning.must_be_able_to_fail_back(self.services, row)
            asked = {"networks": wanted.network_mapping, "flavors": wanted.flavor_mapping}
            told = self.engine.check(who, row.id, asked, kind=Kind.FAILBACK.value)
            resp.media = {"readiness": told}
            return
        self._started(who, resp, returning.fail_back(self.services, who, row, wanted))

    # -- synchronization ----------------------------------------------------------------------

    def _sync(
        self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup, wanted: SyncForce
    ) -> None:
        guards.must_not_be_busy(row)
        if wanted.force_direction is None:
            guards.must_not_be_superseded(row, self.site)
        told = self.engine.sync_force(who, row.id, wanted.force_direction)
        resp.media = {"sync": {"status": "success", **told}}

    # -- what stands by -----------------------------------------------------------------------

    def _release(self, who: RequestContext, resp: falcon.Response, row: ProtectionGroup) -> None:
        guards.must_be_editable(row, Event.EDIT, self.site)
        self.engine.release(who, row.id)
        resp.media = {"protection_group": self.view(row.id)}

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


def _point(wanted: OfAPoint) -> dict[str, str | None]:
    """Return which point is meant, as plain JSON."""
    return wanted.model_dump(mode="json", include={"snapshot", "before"})


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
