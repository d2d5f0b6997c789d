# SPDX-License-Identifier: Apache-2.0
"""What of a group still runs on a site from which it was failed over, as when that site returns.

Its VMs are stopped and its replication forward ends, or both are only reported, as the group's
``fencing`` says. Nothing is deleted. What was done and found is written into the group, one
:class:`Finding` a subject. A VM that was stopped once, and that somebody started again, is only
reported from then on.
"""

import dataclasses
import functools
import logging
import time
from collections.abc import Callable

from protector import errors
from protector.cloud.base import Glance
from protector.db import documents, groups, pairs
from protector.db.models import ProtectionGroup, now
from protector.domain.document import Document
from protector.engine.work import Equipment
from protector.storage.base import Replication
from protector.sync import edit

LOG = logging.getLogger(__name__)

# Nova's states in which a VM does not write to its volumes.
OFF = ("SHUTOFF", "SHELVED", "SHELVED_OFFLOADED", "SUSPENDED", "SOFT_DELETED", "ERROR")


@dataclasses.dataclass(frozen=True)
class Finding:
    """``subject``: the id of a server, or the array's group. ``fenced``: it was, by us.

    ``quiet``: it does nothing now that it should not.
    """

    subject: str
    what: str
    fenced: bool
    quiet: bool


class Fencing:
    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._sessions = equipment.sessions
        self._site = equipment.site
        # Group -> until when nothing of it has to be looked at.
        self._quiet_until: dict[str, float] = {}
        self._look: Callable[[str], dict[str, Glance]] = self._cloud_now
        self._replications: Callable[[], dict[str, Replication]] = self._array_now

    def look(self) -> None:
        """Fence what has to be fenced, and let go of what is this site's again."""
        with self._sessions.begin() as session:
            away = groups.run_elsewhere(session, self._site)
            back = groups.fenced_at_home(session, self._site)
        # Groups of one project share a look, and all groups one at the array.
        self._look = functools.cache(self._cloud_now)
        self._replications = functools.cache(self._array_now)
        for row in away:
            if time.monotonic() >= self._quiet_until.get(row.id, 0):
                self._later_if_refused(self._fence, row)
        for row in back:
            self._later_if_refused(self._release, row)

    # -- fence --------------------------------------------------------------------------------

    def _fence(self, row: ProtectionGroup) -> None:
        with self._sessions.begin() as session:
            document = documents.in_force(session, row.id).document
            # A group's VMs here are its own, or those that were recovered here.
            ids = {member.server_id for member in document.members}
            ids |= {one.member.server_id for one in document.standby}
            ids |= pairs.all_servers(session, row.id)
        found = [
            *_or_why_not("servers", "Its VMs were not", lambda: self._servers(row, document, ids)),
            *_or_why_not("array", "Replication was not", lambda: self._replication(row, document)),
        ]
        self._write(row.id, found)
        rest = self._equipment.conf.engine.capture_interval
        quiet = all(one.quiet for one in found)
        self._quiet_until[row.id] = time.monotonic() + (rest if quiet else 0)

    def _servers(self, row: ProtectionGroup, document: Document, ids: set[str]) -> list[Finding]:
        seen = self._look(row.project_id)
        here = [seen[id] for id in sorted(ids) if id in seen]
        fenced = {one["subject"] for one in row.fenced if one["fenced"]}
        to_stop = [
            server.id
            for server in here
            if server.status not in OFF and document.fencing == "stop" and server.id not in fenced
        ]
        cloud = self._equipment.cloud.as_service()
        outcomes = cloud.stop_servers(to_stop) if to_stop else []
        faults = {outcome.key: outcome.fault for outcome in outcomes}
        where = row.current_primary_site
        return [
            _of_server(server, where, stopped_before=server.id in fenced, faults=faults)
            for server in here
        ]

    def _replication(self, row: ProtectionGroup, document: Document) -> list[Finding]:
        array = self._equipment.array
        chains = (document.consistency_group, document.standby_group)
        chain = next((one for one in chains if one and one.array == array.array), None)
        if chain is None or document.is_mirrored:  # what is mirrored shares its pod with others
            return []
        replication = self._replications().get(chain.array_group)
        flows = replication is not None and replication.enabled
        if flows and document.fencing == "stop":
            array.suspend(chain.array_group)
        elif flows:
            what = (
                f"{chain.array_group} of {chain.array} still replicates, though"
                f" {row.current_primary_site} runs the group"
            )
            return [Finding(chain.array_group, what, fenced=False, quiet=True)]
        what = f"Replication of {chain.array_group} of {chain.array} was stopped"
        return [Finding(chain.array_group, what, fenced=True, quiet=True)]

    # -- let go -------------------------------------------------------------------------------

    def _release(self, row: ProtectionGroup) -> None:
        """The group is this site's again: it replicates forward, and its findings are history."""
        with self._sessions.begin() as session:
            document = documents.in_force(session, row.id).document
        chain, array = document.consistency_group, self._equipment.array
        if chain is not None and chain.array == array.array:
            peer = self._equipment.peer(row.peer_of(self._site))
            target = edit.introduce(self._sessions, peer, row.id, self._site).array
            array.replicate(
                chain.array_group,
                target_array=target,
                interval_seconds=document.policy.replication_interval,
                retention_seconds=self._equipment.conf.flasharray.retention_seconds,
            )
            peer.allow_replication(chain.array, chain.array_group)
        self._write(row.id, [])

    # -- inside -------------------------------------------------------------------------------

    def _cloud_now(self, project_id: str) -> dict[str, Glance]:
        return self._equipment.cloud.as_service().look(project_id)

    def _array_now(self) -> dict[str, Replication]:
        return self._equipment.array.replications()

    def _later_if_refused(
        self, what: Callable[[ProtectionGroup], None], row: ProtectionGroup
    ) -> None:
        try:
            what(row)
        except errors.ProtectorError as error:
            LOG.warning("Fencing of protection group %s goes on later: %s", row.name, error)

    def _write(self, group_id: str, found: list[Finding]) -> None:
        """Keep since when each thing is as it is."""
        moment = f"{now():%FT%TZ}"
        with self._sessions.begin() as session:
            row = groups.lock(session, group_id)
            since = {one["what"]: one["at"] for one in row.fenced}
            told = [{**dataclasses.asdict(one), "at": since.get(one.what, moment)} for one in found]
            if told != row.fenced:
                row.fenced = told
                for one in found:
                    if one.what not in since:
                        LOG.warning("Protection group %s: %s", row.name, one.what)


def _or_why_not(subject: str, what: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """Return what is found, or that cloud or array did not answer yet."""
    try:
        return look()
    except (errors.CloudError, errors.StorageError) as error:
        return [Finding(subject, f"{what} looked after yet. {error.text}", False, False)]


def _of_server(
    server: Glance, where: str, *, stopped_before: bool, faults: dict[str, str | None]
) -> Finding:
    vm, runs_there = f"VM {server.name} ({server.id})", f"though {where} runs the group"
    remedy = f"Stop it: openstack server stop {server.id}"
    if server.id in faults:
        fault = faults[server.id]
        if fault:
            what = f"{vm} runs, {runs_there}, and was not stopped: {fault.rstrip('.')}. {remedy}"
            return Finding(server.id, what, fenced=False, quiet=False)
        stopped_before = True
    elif server.status not in OFF:
        again = "was stopped and runs again" if stopped_before else "runs"
        what = f"{vm} {again}, {runs_there}. {remedy}"
        return Finding(server.id, what, fenced=stopped_before, quiet=True)
    what = f"{vm} was running and was stopped" if stopped_before else f"{vm} is off"
    return Finding(server.id, what, fenced=stopped_before, quiet=True)
