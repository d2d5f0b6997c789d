# SPDX-License-Identifier: Apache-2.0
"""What is captured of the protected VMs is kept current.

Every so often, and when Nova, Neutron or Cinder notify, a project's servers are looked at by list;
those that have changed are read whole. What follows is taken into the group's document as an edit
is, on both sites or not at all. What cannot be recovered, and what could not be taken in, the
group shows as drift.
"""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy.exc

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

# Seconds. One change of a VM is told by several notifications, which come in one after the other.
SETTLE = 1.0


class Group(NamedTuple):
    row: ProtectionGroup
    document: Document
    chain: ConsistencyGroup


class Capture:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._site = equipment.site
        self._array = equipment.array
        self._seen = _Projects()
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
        everything = self._groups()
        chosen = [g for g in everything if project_ids is None or g.row.project_id in project_ids]
        self._reader.forget_others(_members(everything))
        if not chosen:
            return
        with self._silence.of("What replicates the groups"):
            types = self._volume_types()
            replications = self._array.replications()
            for project_id in sorted({group.row.project_id for group in chosen}):
                its = [group for group in chosen if group.row.project_id == project_id]
                with self._silence.of(f"Project {project_id}"):
                    seen = self._reader.read(project_id, _members(its))
                    for group in its:
                        replication = replications.get(group.chain.array_group)
                        with self._silence.of(f"Protection group {group.document.name}"):
                            terms = _terms(self._site, group, types, replication)
                            self._compare(group, seen, terms)

    # -- what there is ------------------------------------------------------------------------

    def _groups(self, only: str | None = None) -> list[Group]:
        """Return the groups to be looked at; none while the site has an operation to do."""
        with self._sessions.begin() as session:
            if operations.any_unended(session):
                return []
            found = [
                (row, documents.in_force(session, row.id).document)
                for row in groups.captured(session, self._site)
                if only in (None, row.id)
            ]
        return [
            Group(row, document, document.consistency_group)
            for row, document in found
            if document.consistency_group and document.consistency_group.array == self._array.array
        ]

    def _volume_types(self) -> dict[str, VolumeType]:
        types = self._equipment.cloud.as_service().volume_types("async")
        return {type.id: type for type in types}

    # -- what follows from it -----------------------------------------------------------------

    def _compare(self, group: Group, seen: Seen, terms: Terms) -> None:
        """Hold the group and act if there is anything to do for it."""
        found = findings.of_group(group.document, seen, terms)
        as_shown = group.row.drift == [one.model_dump() for one in group.document.drift]
        if as_shown and found.call_for_nothing(group.document):
            return
        with (
            contextlib.suppress(errors.EditedMeanwhile, errors.GroupNotFound),
            self._equipment.editors.editing(group.row.id, UNSEEN) as editor,
        ):
            for as_it_is in self._groups(only=group.row.id):
                self._take(as_it_is, editor, seen, terms)

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
        edit.introduce(self._sessions, peer, row.id, self._site)
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


def _members(its: Iterable[Group]) -> set[str]:
    return {member.server_id for group in its for member in group.document.members}


def _terms(
    site: str, group: Group, types: Mapping[str, VolumeType], replication: Replication | None
) -> Terms:
    id = group.chain.volume_type_id
    volume_type = types.get(id) or VolumeType(id, id, None)
    return _replicated(Terms(site, group.chain, volume_type, None), replication)


def _replicated(terms: Terms, replication: Replication | None) -> Terms:
    return dataclasses.replace(terms, replicated=replication.volumes if replication else None)
