# SPDX-License-Identifier: Apache-2.0
"""Changes of a group: asked of the peer, made in cloud and array, put in force on both sites.

Each is all or nothing: what was made for it is taken back when a later part is refused. What
cannot be taken back leaves the group in error, with the reason.
"""

import dataclasses
import datetime
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import errors, rpc
from protector.cloud.base import VolumeType
from protector.db import documents, editing, groups, tenant_mappings
from protector.db.models import ProtectionGroup, now
from protector.domain import sync
from protector.domain.document import (
    NO_INTERVAL,
    ConsistencyGroup,
    Document,
    Fencing,
    Mappings,
    Member,
    Policy,
    moment,
)
from protector.domain.group import Event, Status
from protector.engine import protectable
from protector.engine.chain import Chain
from protector.engine.work import Equipment
from protector.sync import edit, force, guards
from protector.sync.exchange import exchange
from protector.sync.peer import Peer, PeerSite

# After so long nobody waits for an edit any more: if no engine is at it, it was interrupted.
PATIENCE = datetime.timedelta(seconds=rpc.EDIT_TIMEOUT)


@dataclasses.dataclass(frozen=True)
class Edit:
    """An edit under way: the group as it was, who is at it, and how to take back what is made."""

    row: ProtectionGroup
    editor: str
    undo: ExitStack


class Edits:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._site = equipment.site

    # -- protection groups --------------------------------------------------------------------

    def create_group(self, context: RequestContext, group_id: str, request: dict[str, Any]) -> None:
        with self._editing(group_id, Event.CREATE) as it:
            peer, target = self._introduce(it.row)
            volume_type = self._volume_type(it.row.replication_type, request["volume_type"])
            policy = Policy(
                rpo_minutes=request["rpo_minutes"],
                replication_interval=request["replication_interval"],
            )
            mappings = Mappings(networks=request["networks"], flavors=request["flavors"])
            chain = self._chain(context, it)
            made = chain.make(group_id, volume_type)
            chain.replicate(made, target.array, policy)
            peer.allow_replication(made.array, made.array_group)
            first = self._first(it.row, policy, mappings, made, request["fencing"])
            edit.commit_edit(self._sessions, peer, first, it.editor)

    def change_group(self, context: RequestContext, group_id: str, changes: dict[str, Any]) -> None:
        with self._editing(group_id, Event.EDIT) as it:
            before = self._document(it.row)
            if before.is_mirrored and "replication_interval" in changes:
                raise errors.InvalidRequest(reason=f"replication_interval: {NO_INTERVAL}")
            after = before.following(self._site, **_laid_over(before, changes))
            if after.policy == before.policy:
                peer = self._peer(it.row)
            else:
                peer, target = self._introduce(it.row)
                self._chain(context, it).change_policy(
                    self._replicated(before), target.array, before=before.policy, after=after.policy
                )
            edit.commit_edit(self._sessions, peer, after, it.editor)

    def release(self, group_id: str) -> None:
        """Let what stands by for the group on its other site go: nobody comes back to it.

        :raises NothingStandsBy: nothing does, or not yet.
        """
        with self._editing(group_id, Event.EDIT) as it:
            before = self._document(it.row)
            if not before.standby:
                raise errors.NothingStandsBy(
                    group=before.name, peer_site=before.peer_of(self._site)
                )
            after = before.following(self._site, standby=[])
            edit.commit_edit(self._sessions, self._peer(it.row), after, it.editor)

    def delete_group(self, context: RequestContext, group_id: str) -> None:
        with self._editing(group_id, Event.DELETE) as it:
            peer, _ = self._introduce(it.row)
            with self._sessions.begin() as session:
                guards.must_leave_no_test(session, it.row)
                groups.advance(session, groups.get(session, group_id), Event.DELETE)
                current = documents.current(session, group_id)
            self._delete_there(peer, it.row)
            chain = current.document.consistency_group if current else None
            self._chain(context, it).remove(group_id, chain)
            with self._sessions.begin() as session:
                groups.delete(session, group_id)

    def _delete_there(self, peer: Peer, before: ProtectionGroup) -> None:
        """What the peer refuses is not done here: it may still have a test of the group."""
        try:
            edit.delete_there(self._sessions, peer, before.id)
        except errors.PeerUnreachable:
            raise  # it may have been done there
        except errors.ProtectorError:
            if before.status is Status.ACTIVE:
                with self._sessions.begin() as session:
                    groups.advance(session, groups.get(session, before.id), Event.RETURN_TO_ACTIVE)
            raise

    # -- members ------------------------------------------------------------------------------

    def add_member(
        self,
        context: RequestContext,
        group_id: str,
        server: str,
        wishes: dict[str, Any] | None = None,
    ) -> None:
        with self._editing(group_id, Event.EDIT) as it:
            before = self._document(it.row)
            chain = self._replicated(before)
            member = self._protectable(it.row, before, server).model_copy(update=wishes)
            peer, _ = self._introduce(it.row)
            self._chain(context, it).join(chain, member)
            after = before.following(self._site, members=[*before.members, member])
            edit.commit_edit(self._sessions, peer, after, it.editor)

    def change_member(self, group_id: str, server: str, wishes: dict[str, Any]) -> None:
        with self._editing(group_id, Event.EDIT) as it:
            before = self._document(it.row)
            member = before.member(server)
            changed = member.model_copy(update=wishes)
            after = before.following(
                self._site,
                members=[changed if one == member else one for one in before.members],
            )
            edit.commit_edit(self._sessions, self._peer(it.row), after, it.editor)

    def remove_member(self, context: RequestContext, group_id: str, server: str) -> None:
        with self._editing(group_id, Event.EDIT) as it:
            before = self._document(it.row)
            chain = self._replicated(before)
            member = before.member(server)
            peer, _ = self._introduce(it.row)
            self._chain(context, it).leave(chain, member)
            after = before.following(
                self._site,
                members=[other for other in before.members if other != member],
                drift=[one for one in before.drift if one.server_id != member.server_id],
            )
            edit.commit_edit(self._sessions, peer, after, it.editor)

    # -- synchronization ----------------------------------------------------------------------

    def sync_force(self, group_id: str, direction: str | None) -> dict[str, Any]:
        begun = time.monotonic()
        with self._equipment.editors.editing(group_id) as editor:
            with self._sessions.begin() as session:
                row = groups.get(session, group_id)
            peer = self._peer(row)
            if direction:
                wanted = sync.Direction(direction)
                settled = force.settle(self._sessions, peer, group_id, editor, wanted)
            else:
                guards.must_not_be_superseded(row, self._site)
                delivered = edit.deliver(self._sessions, peer, group_id)
                settled = force.Settled(delivered, self._site)
        lost = settled.overwritten
        return {
            "peer_site": peer.site,
            "source_site": settled.source_site,
            "version": settled.version.version,
            "checksum": settled.version.checksum,
            "duration_ms": int((time.monotonic() - begun) * 1000),
            "overwritten": lost
            and {
                "site": row.peer_of(settled.source_site),
                "epoch": lost.body["epoch"],
                "version": lost.body["version"],
                "checksum": lost.checksum,
            },
        }

    def abandon_interrupted(self) -> None:
        """Let groups whose edit an engine did not live to end say so, instead of being busy."""
        with self._sessions.begin() as session:
            for row in groups.in_status(session, Status.CREATING, Status.DELETING):
                silent = (row.updated_at or row.created_at) < now() - PATIENCE
                if silent and not editing.editor_of(session, row.id):
                    reason = (
                        f"An engine of {self._site} ended while {row.status.value} it. Delete it:"
                        f" openstack protector protection-group delete {row.name}"
                    )
                    _break(session, row, reason)

    # -- one edit at a time -------------------------------------------------------------------

    @contextmanager
    def _editing(self, group_id: str, event: Event) -> Iterator[Edit]:
        """:raises WrongStatus, GroupSuperseded, NotSynchronized: nothing is changed now.

        :raises EditedMeanwhile: somebody else is changing the group.
        """
        self._look_again(group_id)
        with self._equipment.editors.editing(group_id) as editor:
            with self._sessions.begin() as session:
                row = groups.get(session, group_id)
            guards.must_be_editable(row, event, self._site)
            undo = ExitStack()
            try:
                yield Edit(row, editor, undo)
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
        return peer, edit.introduce(self._sessions, peer, row.id, self._site)

    def _look_again(self, group_id: str) -> None:
        """Hear how the peer stands before anything is done for a group after it was lost.

        :raises PeerUnreachable, PeerRefused: it is still not to be heard.
        """
        with self._sessions.begin() as session:
            row = groups.get(session, group_id)
        if row.remote_sync_status is sync.Status.UNREACHABLE:
            silence = exchange(self._sessions, self._peer(row), self._site)
            if silence:
                raise silence

    def _chain(self, context: RequestContext, it: Edit) -> Chain:
        tenant = self._equipment.cloud.by_token(context.auth_token, it.row.project_id)
        return Chain(self._equipment, tenant, it.undo)

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

    def _replicated(self, document: Document) -> ConsistencyGroup:
        """Return what replicates the group from here.

        :raises WrongStatus: nothing does; it was failed over to this site.
        """
        chain = document.consistency_group
        if chain is None or chain.array != self._equipment.array.array:
            raise errors.WrongStatus(
                group=document.name,
                status=document.status,
                event="change its VMs or replication policy",
                way_out=f"It is not replicated from {self._site}. Its description, mappings and"
                " fencing can be changed",
            )
        return chain

    def _protectable(self, row: ProtectionGroup, document: Document, server: str) -> Member:
        facts = self._equipment.cloud.as_service().describe_server(row.project_id, server)
        if facts.member.server_id in {member.server_id for member in document.members}:
            raise errors.MemberExists(server=facts.member.name, group=document.name)
        volume_type = self._volume_type(
            document.replication_type, self._replicated(document).volume_type_id
        )
        protectable.check(facts, volume_type=volume_type, array=self._equipment.array.array)
        return facts.member

    # -- the next version ---------------------------------------------------------------------

    def _first(
        self,
        row: ProtectionGroup,
        policy: Policy,
        mappings: Mappings,
        chain: ConsistencyGroup,
        fencing: Fencing,
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
            replication_type=row.replication_type,
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
            fencing=fencing,
            members=[],
        )


def _laid_over(before: Document, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the document that the changes make anew."""
    policy = {key: changes[key] for key in Policy.model_fields if key in changes}
    mappings = {key: changes[key] for key in Mappings.model_fields if key in changes}
    return {
        "description": changes.get("description", before.description),
        "fencing": changes.get("fencing", before.fencing),
        "policy": before.policy.model_copy(update=policy),
        "mappings": before.mappings.model_copy(update=mappings),
    }


def _break(session: Session, row: ProtectionGroup, reason: str) -> None:
    groups.advance(session, row, Event.BREAK)
    row.status_reason = reason
