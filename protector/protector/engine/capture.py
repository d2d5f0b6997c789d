# SPDX-License-Identifier: Apache-2.0
"""What is captured of the protected VMs is kept current.

Every so often, and when Nova, Neutron or Cinder notify, a project's servers are looked at by list;
those that have changed are read whole, and the groups of which anything has. What follows is taken
into the group's document as an edit is, on both sites or not at all. What cannot be recovered, and
what could not be taken in, the group shows as drift.
"""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

import sqlalchemy.exc
from sqlalchemy.orm import Session

from protector import errors
from protector.cloud.base import VolumeType
from protector.db import documents, groups, operations
from protector.db.models import ProtectionGroup
from protector.domain.document import ConsistencyGroup, Document, Drift
from protector.domain.sync import Status
from protector.engine import findings
from protector.engine.chain import cinder_volume
from protector.engine.findings import Findings, Seen, Terms
from protector.engine.reading import Reader, Silence
from protector.engine.work import Equipment
from protector.storage.base import Replication
from protector.sync import edit
from protector.sync.editing import UNSEEN

LOG = logging.getLogger(__name__)

# Documents read at once; each may be large.
AT_ONCE = 100
# What is known of a server of which no service would tell.
UNKNOWN = object()
# Seconds. One change of a VM is told by several notifications, which come in one after the other.
SETTLE = 1.0


class Group(NamedTuple):
    row: ProtectionGroup
    document: Document
    chain: ConsistencyGroup


class Outline(NamedTuple):
    """What of a version of a group's document tells what has to be looked at."""

    checksum: str
    replication_type: str
    chain: ConsistencyGroup | None
    server_ids: tuple[str, ...]


class Watched(NamedTuple):
    """A group to be looked at. ``drift``: what it shows."""

    id: str
    project_id: str
    drift: list[dict[str, Any]]
    outline: Outline
    chain: ConsistencyGroup


class Capture:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._site = equipment.site
        self._array = equipment.array
        self._seen = _Projects()
        # Of thousands of groups, nearly all are as they were: their documents are not read again.
        self._outlines: dict[str, Outline] = {}
        # Group -> all that was seen of it when there was nothing to do.
        self._calm: dict[str, object] = {}
        self._silence = Silence()
        self._reader = Reader(equipment, self._silence)

    # -- when ---------------------------------------------------------------------------------

    def seen(self, project_ids: Iterable[str]) -> None:
        """Have these projects looked at soon: something of theirs has changed."""
        self._seen.add(project_ids)

    def run(self, stopped: threading.Event) -> None:
        """Look at what has changed when it is told, and at everything every so often."""
        interval: float = self._equipment.conf.engine.capture_interval
        due = time.monotonic()
        while not stopped.wait(min(SETTLE, interval)):
            changed = self._seen.take()
            if time.monotonic() >= due:
                self._once(None)
                due = time.monotonic() + interval
            elif changed:
                self._once(changed)

    def _once(self, project_ids: set[str] | None) -> None:
        try:
            self.look(project_ids)
        except sqlalchemy.exc.DBAPIError as error:
            LOG.warning("The database does not answer: %s", error)
        except Exception:
            LOG.exception("A look at the protected VMs was cut short; the next one does it again")

    def look(self, project_ids: set[str] | None = None) -> None:
        """Look at the VMs of these projects; None: of all that have groups here."""
        everything = self._watched()
        chosen = [one for one in everything if project_ids is None or one.project_id in project_ids]
        self._reader.forget_others(_members(everything))
        if not chosen:
            return
        with self._silence.of("What replicates the groups"):
            types = self._volume_types({one.outline.replication_type for one in chosen})
            replications = self._array.replications()
            for project_id, its in _by_project(chosen).items():
                with self._silence.of(f"Project {project_id}"):
                    seen = self._reader.read(project_id, _members(its))
                    for one in its:
                        replication = replications.get(one.chain.array_group)
                        self._look_at(one, seen, _terms(self._site, one.chain, types, replication))

    # -- what there is ------------------------------------------------------------------------

    def _watched(self) -> list[Watched]:
        """Return the groups to be looked at; none while the site has an operation to do."""
        with self._sessions.begin() as session:
            if operations.peer_may_be_lost(session):
                return []
            heads = groups.captured(session, self._site)
            self._read_outlines(session, {head.group_id: head.checksum for head in heads})
        return [
            Watched(head.group_id, head.project_id, head.drift, outline, outline.chain)
            for head in heads
            if (outline := self._outlines.get(head.group_id)) and self._replicates(outline.chain)
        ]

    def _read_outlines(self, session: Session, checksums: Mapping[str, str]) -> None:
        """Know the documents of these groups, and of no others, with these checksums."""
        known = {id: one for id, one in self._outlines.items() if checksums.get(id) == one.checksum}
        unknown = sorted(checksums.keys() - known.keys())
        for some in (unknown[n : n + AT_ONCE] for n in range(0, len(unknown), AT_ONCE)):
            for id, document in documents.of_groups(session, some).items():
                servers = tuple(member.server_id for member in document.members)
                known[id] = Outline(
                    checksums[id], document.replication_type, document.consistency_group, servers
                )
        self._outlines = known
        self._calm = {id: seen for id, seen in self._calm.items() if id in known}

    def _group(self, group_id: str) -> Group | None:
        """Return the group as it is now, if it is still to be looked at."""
        with self._sessions.begin() as session:
            if operations.peer_may_be_lost(session):
                return None
            if not groups.captured(session, self._site, group_id):
                return None
            row = groups.get(session, group_id)
            document = documents.in_force(session, group_id).document
        chain = document.consistency_group
        return Group(row, document, chain) if chain and self._replicates(chain) else None

    def _replicates(self, chain: ConsistencyGroup | None) -> TypeGuard[ConsistencyGroup]:
        return chain is not None and chain.array == self._array.array

    def _volume_types(self, replication_types: Iterable[str]) -> dict[str, VolumeType]:
        cloud = self._equipment.cloud.as_service()
        return {type.id: type for kind in replication_types for type in cloud.volume_types(kind)}

    # -- what follows from it -----------------------------------------------------------------

    def _look_at(self, one: Watched, seen: Seen, terms: Terms) -> None:
        """Compare the group with what is seen, unless all of it is as when nothing had to be done.

        A server that was not read again is the very same object as before.
        """
        servers = [seen.get(id, UNKNOWN) for id in one.outline.server_ids]
        sight = one.outline.checksum, one.drift, terms, servers
        if self._calm.get(one.id) == sight:
            return
        self._calm.pop(one.id, None)
        group = self._group(one.id)
        if group:
            with self._silence.of(f"Protection group {group.document.name}"):
                if self._compare(group, seen, terms):
                    self._calm[one.id] = sight

    def _compare(self, group: Group, seen: Seen, terms: Terms) -> bool:
        """Tell whether there is nothing to do for the group; else hold it, and act."""
        found = findings.of_group(group.document, seen, terms)
        as_shown = group.row.drift == [one.model_dump() for one in group.document.drift]
        if as_shown and found.call_for_nothing(group.document):
            return True
        with (
            contextlib.suppress(errors.EditedMeanwhile, errors.GroupNotFound),
            self._equipment.editors.editing(group.row.id, UNSEEN) as editor,
        ):
            as_it_is = self._group(group.row.id)
            if as_it_is:
                self._take(as_it_is, editor, seen, terms)
        return False

    def _take(self, group: Group, editor: str, seen: Seen, terms: Terms) -> None:
        """Bring the group, which we hold, and its document to what was seen."""
        terms = self._with_replicated(group, terms)
        found = findings.of_group(group.document, seen, terms)
        if found.lacking:
            self._join(group, found.lacking)
            found = findings.of_group(group.document, seen, self._with_replicated(group, terms))
        drift = [*found.drift, *self._write(group, found, editor)]
        if found.strays:
            drift += self._take_out(group, found.strays, terms)
        self._show(group.row.id, drift)

    def _write(self, group: Group, found: Findings, editor: str) -> list[Drift]:
        """Put it in force on both sites; return what to say if that cannot be done now."""
        if found.are_written_in(group.document):
            return []
        after = group.document.following(self._site, members=found.members, drift=found.drift)
        try:
            self._commit(group.row, after, editor)
        except errors.EditedMeanwhile:
            raise
        except errors.PeerUnreachable as silence:
            peer = silence.kwargs["peer_site"]
            return findings.not_written(
                group.document,
                found,
                why=f"{peer} cannot be reached",
                remedy="They are taken in when it is back; see:"
                f" openstack protector site validate {peer}",
            )
        except errors.ProtectorError as refusal:
            return findings.not_written(
                group.document,
                found,
                why=refusal.text.rstrip("."),
                remedy="They are taken in once both sites have the same version; see:"
                f" openstack protector protection-group sync-status {group.document.name}",
            )
        return []

    def _commit(self, row: ProtectionGroup, document: Document, editor: str) -> None:
        if row.remote_sync_status is Status.UNREACHABLE:  # it is asked again and again elsewhere
            raise errors.PeerUnreachable(
                peer_site=row.peer_of(self._site), site=self._site, reason=row.sync_error
            )
        peer = self._equipment.peer(row.peer_of(self._site))
        edit.commit_edit(self._sessions, peer, document, editor)

    def _show(self, group_id: str, drift: Sequence[Drift]) -> None:
        with self._sessions.begin() as session:
            groups.set_drift(session, group_id, drift)

    # -- the group in Cinder and on the array -------------------------------------------------

    def _join(self, group: Group, volume_ids: Sequence[str]) -> None:
        """Have volumes replicated. Why one cannot be is logged; that it is not will be found."""
        cloud = self._equipment.cloud.as_service()
        for id in volume_ids:
            with self._silence.of(f"Volume {id}"):
                cloud.change_volume_group(group.chain.cinder_group_id, add=[id])

    def _take_out(self, group: Group, strays: Sequence[str], terms: Terms) -> list[Drift]:
        """End the replication of volumes that no VM has any more, once the peer knows it, too.

        Before, the peer would look for them in each snapshot.
        """
        with self._sessions.begin() as session:
            if groups.get(session, group.row.id).remote_sync_status is not Status.SYNCED:
                return []
        cloud = self._equipment.cloud.as_service()
        ids = [id for id in map(cinder_volume, strays) if id]
        with self._silence.of(f"Volumes {', '.join(strays)}"):
            cloud.change_volume_group(group.chain.cinder_group_id, remove=ids)
        left = self._with_replicated(group, terms).replicated or frozenset()
        return findings.of_strays([stray for stray in strays if stray in left], group.chain)

    def _with_replicated(self, group: Group, terms: Terms) -> Terms:
        return _replicated(terms, self._array.replication(group.chain.array_group))


class _Projects:
    """Those of which something was told since they were taken the last time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: set[str] = set()

    def add(self, project_ids: Iterable[str]) -> None:
        with self._lock:
            self._ids |= set(project_ids)

    def take(self) -> set[str]:
        with self._lock:
            taken, self._ids = self._ids, set()
        return taken


def _members(its: Iterable[Watched]) -> set[str]:
    return {id for one in its for id in one.outline.server_ids}


def _by_project(groups: Iterable[Watched]) -> dict[str, list[Watched]]:
    found: dict[str, list[Watched]] = {}
    for one in sorted(groups, key=lambda one: one.project_id):
        found.setdefault(one.project_id, []).append(one)
    return found


def _terms(
    site: str,
    chain: ConsistencyGroup,
    types: Mapping[str, VolumeType],
    replication: Replication | None,
) -> Terms:
    id = chain.volume_type_id
    volume_type = types.get(id) or VolumeType(id, id, None)
    return _replicated(Terms(site, chain, volume_type, None), replication)


def _replicated(terms: Terms, replication: Replication | None) -> Terms:
    return dataclasses.replace(terms, replicated=replication.volumes if replication else None)
