# SPDX-License-Identifier: Apache-2.0
"""Steps that remove what a test failover has made.

They go forward only. What cannot be removed is said, with what helps, and does not keep the rest.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from protector import errors
from protector.db import claims, groups, pairs, rehearsals
from protector.domain.group import RETURN, Status
from protector.domain.operation import Cancel
from protector.engine.rehearsal import Cleanup
from protector.engine.step import Result, Step, repeated


class CleanupStep(Step):
    work: Cleanup

    def stops_for(self, cancel: Cancel | None) -> bool:
        return False

    def each(self, remove: Callable[[str], None], source_ids: Iterable[str]) -> list[str]:
        """Remove one thing for each of the source's; return why those stay that do."""

        def attempt(source_id: str) -> str | None:
            try:
                self.patiently(lambda: remove(source_id))
            except (errors.CloudError, errors.StorageError) as error:
                return error.text
            return None

        with ThreadPoolExecutor(self.work.equipment.conf.engine.parallel_vms) as threads:
            return [fault for fault in threads.map(attempt, source_ids) if fault]


class RemoveTestServers(CleanupStep):
    """The servers, whatever they are called by now, and the ports that were made for them."""

    default_provides = {"servers_left"}

    @repeated
    def execute(self) -> Result:
        ids = self.work.rehearsal.server_ids
        return _told(self.each(self._remove, ids), "servers_left", f"{len(ids)} VMs are gone")

    def _remove(self, server_id: str) -> None:
        work = self.work
        work.must_be_ours()
        work.tenant.remove_server(work.key(server_id))
        with work.sessions.begin() as session:
            pairs.removed(session, work.group_id, work.rehearsal.label, server_id)


class RemoveTestVolumes(CleanupStep):
    """The volumes in Cinder, and those of the array that never got there or were taken out."""

    default_provides = {"volumes_left"}

    @repeated
    def execute(self) -> Result:
        work = self.work
        made = work.made_volumes()
        ids = work.rehearsal.volume_ids
        keys = {work.key(id): made[id].volume_id if id in made else None for id in ids}
        outcomes = self.patiently(
            lambda: work.tenant.remove_volumes(keys),
            unless=lambda outcomes: not any(outcome.passing for outcome in outcomes),
        )
        faults = {outcome.key: outcome.fault for outcome in outcomes if outcome.fault}
        gone = [id for id in ids if work.key(id) not in faults]
        left = [*faults.values(), *self.each(self._discard, gone)]
        return _told(left, "volumes_left", f"{len(ids)} volumes are gone")

    def _discard(self, volume_id: str) -> None:
        work, array = self.work, self.work.equipment.array
        work.must_be_ours()
        pair = work.made_volumes().get(volume_id)
        unrecorded = None if pair else array.promoted(work.key(volume_id))
        if pair:
            array.discard(pair.array_volume_id)
        elif unrecorded:
            array.discard(unrecorded.id)
        with work.sessions.begin() as session:
            pairs.discarded(session, work.group_id, work.rehearsal.label, volume_id)


class RemoveTestNetworks(CleanupStep):
    default_provides = {"networks_left"}

    @repeated
    def execute(self) -> Result:
        ids = self.work.rehearsal.network_ids
        left = self.each(self._remove, ids)
        return _told(left, "networks_left", f"{len(ids)} isolated networks are gone")

    def _remove(self, network_id: str) -> None:
        self.work.must_be_ours()
        self.work.tenant.remove_isolated_network(self.work.key(network_id))


class EndTest(CleanupStep):
    """Once nothing of it is left, the test is over, and the group what its document says."""

    @repeated
    def execute(
        self, servers_left: list[str], volumes_left: list[str], networks_left: list[str]
    ) -> Result:
        work = self.work
        left = len(servers_left) + len(volumes_left) + len(networks_left)
        if left:
            return {"detail": f"{left} things that the test made are left"}
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            rehearsals.cleaned(session, work.arguments.rehearsal)
            row = groups.lock(session, work.group_id)
            if row.status is Status.TESTING:
                groups.advance(session, row, RETURN[work.document.status])
        return {"detail": "Nothing of the test is left"}


def _told(left: list[str], provides: str, detail: str) -> Result:
    return {provides: left, **({"fault": "\n".join(left)} if left else {"detail": detail})}
