# SPDX-License-Identifier: Apache-2.0
"""What is asked of a group that was failed over: to be protected there, and to come back."""

from oslo_context.context import RequestContext

from protector import errors
from protector.api.services import Services
from protector.api.submission import submit
from protector.db import documents
from protector.db.models import ProtectionGroup
from protector.domain import group
from protector.domain.document import Document
from protector.domain.group import COURSES, Status
from protector.domain.operation import FailbackArguments, Kind, ReprotectArguments
from protector.domain.sync import Status as SyncStatus
from protector.schemas.action import Failback
from protector.sync import guards


def reprotect(services: Services, who: RequestContext, row: ProtectionGroup) -> str:
    """Return the operation's id.

    :raises WrongSite, GroupSuperseded, WrongStatus, PeerUnreachable, NotSynchronized: it cannot
        be, here and now.
    """
    must_be_asked_of(row, row.current_primary_site, services.site, "Reprotection")
    _must_be_failed_over(row, Kind.REPROTECT)
    _must_be_synchronized(row, services.site)
    if _document(services, row).is_reversed:
        peer = row.peer_of(services.site)
        raise errors.WrongStatus(
            group=row.name,
            status=row.status.value,
            event=COURSES[Kind.REPROTECT].begin.value,
            way_out=f"It is protected by {peer} already. To bring it back there: export"
            f" OS_CLOUD={peer}; openstack protector protection-group failback {row.name}",
        )
    return submit(services, who, row, Kind.REPROTECT, ReprotectArguments())


def fail_back(
    services: Services, who: RequestContext, row: ProtectionGroup, wanted: Failback
) -> str:
    """Return the operation's id.

    :raises WrongSite, GroupSuperseded, WrongStatus, PeerUnreachable, NotSynchronized,
        NotReprotected: it cannot be, here and now.
    """
    must_be_able_to_fail_back(services, row)
    return submit(services, who, row, Kind.FAILBACK, _arguments(wanted))


def must_be_able_to_fail_back(services: Services, row: ProtectionGroup) -> None:
    must_be_asked_of(row, row.primary_site, services.site, "Failback")
    _must_be_failed_over(row, Kind.FAILBACK)
    _must_be_synchronized(row, services.site)
    if not _document(services, row).is_reversed:
        raise errors.NotReprotected(
            group=row.name, right_site=row.current_primary_site, site=services.site
        )


def must_be_asked_of(row: ProtectionGroup, right_site: str, site: str, action: str) -> None:
    guards.must_not_be_superseded(row, site)
    if right_site != site:
        raise errors.WrongSite(action=action, group=row.name, right_site=right_site, site=site)


# -- inside -----------------------------------------------------------------------------------


def _arguments(wanted: Failback) -> FailbackArguments:
    return FailbackArguments(networks=wanted.network_mapping, flavors=wanted.flavor_mapping)


def _must_be_failed_over(row: ProtectionGroup, kind: Kind) -> None:
    if row.status not in (Status.FAILED_OVER, Status.FAILED_OVER_PARTIAL):
        raise group.refusal(row.status, COURSES[kind].begin.value, name=row.name)


def _must_be_synchronized(row: ProtectionGroup, site: str) -> None:
    if row.remote_sync_status is SyncStatus.UNREACHABLE:
        raise errors.PeerUnreachable(
            peer_site=row.peer_of(site), site=site, reason=row.sync_error or "it did not answer"
        )
    if row.remote_sync_status is not SyncStatus.SYNCED:
        raise errors.NotSynchronized(
            group=row.name,
            site=row.current_primary_site,
            peer_site=row.peer_of(row.current_primary_site),
            status=row.remote_sync_status.value,
        )


def _document(services: Services, row: ProtectionGroup) -> Document:
    with services.sessions.begin() as session:
        return documents.in_force(session, row.id).document
