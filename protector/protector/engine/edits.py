# SPDX-License-Identifier: Apache-2.0
"""Changes of a group: asked of the peer, made in cloud and array, put in force on both sites.

Each is all or nothing: what was made for it is taken back when a later part is refused. What
cannot be taken back leaves the group in error, with the reason.
"""

import collections
import datetime
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import errors, rpc
from protector.cloud.base import VolumeType
from protector.db import documents, groups, tenant_mappings
from protector.db.models import ProtectionGroup, now
from protector.domain import group
from protector.domain.document import ConsistencyGroup, Document, Mappings, Member, Policy
from protector.domain.group import Event, Status
from protector.engine import protectable
from protector.engine.chain import Chain
from protector.engine.work import Equipment, moment
from protector.sync import edit
from protector.sync.peer import Peer, PeerSite

# After so long nobody waits for an edit any more: if no engine is at it, it was interrupted.
PATIENCE = datetime.timedelta(seconds=rpc.EDIT_TIMEOUT)


class Edits:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._site = equipment.site
        self._busy: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)

    # -- protection groups --------------------------------------------------------------------

    def create_group(self, context: RequestContext, group_id: str, request: dict[str, Any]) -> None:
        with self._editing(group_id, Event.CREATE) as (row, undo):
            peer, target = self._introduce(row)
            volume_type = self._volume_type(row.replication_type, request["volume_type"])
            policy = Policy(
                rpo_minutes=request["rpo_minutes"],
                replication_interval=request["replication_interval"],
            )
            mappings = Mappings(networks=request["networks"], flavors=request["flavors"])
            chain = self._chain(context, row, undo)
            made = chain.make(group_id, volume_type)
            chain.replicate(made, target.array, policy)
            peer.allow_replication(made.array, made.array_group)
            edit.commit_edit(self._sessions, peer, self._first(row, policy, mappings, made))

    def change_group(self, context: RequestContext, group_id: str, changes: dict[str, Any]) -> None:
        with self._editing(group_id, Event.EDIT) as (row, undo):
            peer, target = self._introduce(row)
            before = self._document(row)
            after = self._next(before, **_laid_over(before, changes))
            if after.policy != before.policy:
                self._chain(context, row, undo).change_policy(
                    _replicated(before), target.array, before=before.policy, after=after.policy
                )
            edit.commit_edit(self._sessions, peer, after)

    def delete_group(self, context: RequestContext, group_id: str) -> None:
        with self._editing(group_id, Event.DELETE) as (row, undo):
            peer, _ = self._introduce(row)
            with self._sessions.begin() as session:
                groups.advance(session, groups.get(session, group_id), Event.DELETE)
                current = documents.current(session, group_id)
            chain = current.document.consistency_group if current else None
            self._chain(context, row, undo).remove(group_id, chain)
            edit.delete(self._sessions, peer, group_id)

    # -- members ------------------------------------------------------------------------------

    def add_member(self, context: RequestContext, group_id: str, server: str) -> None:
        with self._editing(group_id, Event.EDIT) as (row, undo):
            before = self._document(row)
            member = self._protectable(row, before, server)
            peer, _ = self._introduce(row)
            self._chain(context, row, undo).join(_replicated(before), member)
            after = self._next(before, members=[*before.members, member])
            edit.commit_edit(self._sessions, peer, after)

    def remove_member(self, context: RequestContext, group_id: str, server: str) -> None:
        with self._editing(group_id, Event.EDIT) as (row, undo):
            before = self._document(row)
            member = before.member(server)
            peer, _ = self._introduce(row)
            self._chain(context, row, undo).leave(_replicated(before), member)
            rest = [other for other in before.members if other != member]
            edit.commit_edit(self._sessions, peer, self._next(before, members=rest))

    # -- synchronization ----------------------------------------------------------------------

    def sync_force(self, group_id: str) -> dict[str, Any]:
        begun = time.monotonic()
        with self._busy[group_id]:  # an edit that is under way is no stale one
            with self._sessions.begin() as session:
                row = groups.get(session, group_id)
            peer = self._peer(row)
            delivered = edit.deliver(self._sessions, peer, group_id)
        return {
            "peer_site": peer.site,
            "version": delivered.version,
            "checksum": delivered.checksum,
            "duration_ms": int((time.monotonic() - begun) * 1000),
        }

    def abandon_interrupted(self) -> None:
        """Let groups whose edit an engine did not live to end say so, instead of being busy."""
        with self._sessions.begin() as session:
            for row in groups.in_status(session, Status.CREATING, Status.DELETING):
                silent = (row.updated_at or row.created_at) < now() - PATIENCE
                if silent and not self._busy[row.id].locked():
                    reason = (
                        f"An engine of {self._site} ended while {row.status.value} it. Delete it:"
                        f" openstack protector protection-group delete {row.name}"
                    )
                    _break(session, row, reason)

    # -- one edit at a time -------------------------------------------------------------------

    @contextmanager
    def _editing(self, group_id: str, event: Event) -> Iterator[tuple[ProtectionGroup, ExitStack]]:
        """:raises WrongStatus: the group is in no state for this."""
        with self._busy[group_id]:
            with self._sessions.begin() as session:
                row = groups.get(session, group_id)
                group.after(row.status, event, name=row.name)
            undo = ExitStack()
            try:
                yield row, undo
            except errors.ProtectorError as refusal:
                self._take_back(group_id, undo, refusal)
                raise

    def _take_back(self, group_id: str, undo: ExitStack, refusal: errors.ProtectorError) -> None:
        try:
            undo.close()
        except errors.ProtectorError as left:
            with self._sessions.begin() as session:
                _break(session, groups.get(session, group_id), left.text)
            return
        with self._sessions.begin() as session:
            row = groups.get(session, group_id)
            if row.status is Status.CREATING:
                groups.delete(session, group_id)
            elif row.status is Status.DELETING:
                reason = (
                    f"It was deleted in part only. {refusal.text.rstrip('.')}. Then delete it"
                    f" again: openstack protector protection-group delete {row.name}"
                )
                _break(session, row, reason)

    # -- what an edit works with --------------------------------------------------------------

    def _peer(self, row: ProtectionGroup) -> Peer:
        return self._equipment.peer(row.peer_of(self._site))

    def _introduce(self, row: ProtectionGroup) -> tuple[Peer, PeerSite]:
        peer = self._peer(row)
        return peer, edit.introduce(self._sessions, peer, row.id)

    def _chain(self, context: RequestContext, row: ProtectionGroup, undo: ExitStack) -> Chain:
        tenant = self._equipment.cloud.by_token(context.auth_token, row.project_id)
        return Chain(self._equipment, tenant, undo)

    def _document(self, row: ProtectionGroup) -> Document:
        with self._sessions.begin() as session:
            return documents.in_force(session, row.id).document

    def _volume_type(self, replication_type: str, wanted: str | None) -> VolumeType:
        """Return the replicated type of that id or name; None: the only one there is."""
        types = self._equipment.cloud.as_service().volume_types(replication_type)
        found = [type for type in types if wanted in (None, type.id, type.name)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(sorted(type.name for type in types)) or "none"
        what = f"Volume type {wanted} is not" if wanted else "There is not exactly"
        raise errors.NoVolumeType(
            reason=f"{what} one of {self._site} whose properties say that its volumes replicate"
            f" ({replication_type}). Those that do: {names}. Give one with --volume-type"
        )

    def _protectable(self, row: ProtectionGroup, document: Document, server: str) -> Member:
        facts = self._equipment.cloud.as_service().describe_server(row.project_id, server)
        if facts.member.server_id in {member.server_id for member in document.members}:
            raise errors.MemberExists(server=facts.member.name, group=document.name)
        volume_type = self._volume_type(
            document.replication_type, _replicated(document).volume_type_id
        )
        protectable.check(facts, volume_type=volume_type, array=self._equipment.array.array)
        return facts.member

    # -- the next version ---------------------------------------------------------------------

    def _first(
        self, row: ProtectionGroup, policy: Policy, mappings: Mappings, chain: ConsistencyGroup
    ) -> Document:
        peer_site = row.peer_of(self._site)
        with self._sessions.begin() as session:
            peer_project = tenant_mappings.peer_project(
                session, project_id=row.project_id, peer_site=peer_site, site=self._site
            )
        return Document(
            epoch=0,
            version=1,
            site=self._site,
            modified_at=moment(),
            group_id=row.id,
            name=row.name,
            description=row.description,
            replication_type="async",
            primary_site=row.primary_site,
            secondary_site=row.secondary_site,
            current_primary_site=self._site,
            status="active",
            failover_count=0,
            last_failover_at=None,
            projects={self._site: row.project_id, peer_site: peer_project},
            policy=policy,
            mappings=mappings,
            consistency_group=chain,
            members=[],
        )

    def _next(self, before: Document, **changes: Any) -> Document:
        return before.model_copy(
            update={
                "version": before.version + 1,
                "site": self._site,
                "modified_at": moment(),
                **changes,
            }
        )


def _laid_over(before: Document, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the document that the changes make anew."""
    policy = {key: changes[key] for key in Policy.model_fields if key in changes}
    mappings = {key: changes[key] for key in Mappings.model_fields if key in changes}
    return {
        "description": changes.get("description", before.description),
        "policy": before.policy.model_copy(update=policy),
        "mappings": before.mappings.model_copy(update=mappings),
    }


def _replicated(document: Document) -> ConsistencyGroup:
    if document.consistency_group is None:
        raise errors.NothingRecoverable(
            faults=f"Protection group {document.name} has no consistency group behind it."
        )
    return document.consistency_group


def _break(session: Session, row: ProtectionGroup, reason: str) -> None:
    groups.advance(session, row, Event.BREAK)
    row.status_reason = reason
