# SPDX-License-Identifier: Apache-2.0
"""Steps by which a site has the other one hand a group over, and waits for the last of its data.

What the other site does is an operation of its own there (see engine/flows/source.py). It is looked
at again and again, and may take any time, as long as it comes on.
"""

import time
from collections.abc import Callable

from protector import errors
from protector.db import pairs
from protector.domain import operation, recovery
from protector.engine import points
from protector.engine.recovery import Faults, PlannedRecovery
from protector.engine.step import Result
from protector.engine.steps.storage import POINT
from protector.engine.steps.watching import WatchingStep
from protector.storage.base import Point, ReplicaGroup
from protector.sync.peer import HandOver


class PlannedStep(WatchingStep):
    work: PlannedRecovery


class HandOverStep(PlannedStep):
    """One that waits for the other site's part."""

    def state(self) -> HandOver | None:
        operation_id = self.work.claim.operation_id
        return self.work.peer.hand_over_state(self.work.group_id, operation_id)

    def state_until(self, done: Callable[[HandOver], bool]) -> HandOver:
        """:raises HandOverFailed: the other site does not go on with it."""
        return self.watch(self._going_on, done, self._told)

    # -- inside -------------------------------------------------------------------------------

    def _going_on(self) -> HandOver:
        state, site = self.state(), self.work.peer.site
        failed = (operation.Status.FAILED, operation.Status.CANCELLED)
        if state is None or not state.holds or state.status in failed:
            said = (state and state.said) or f"{site} has taken it back."
            raise errors.HandOverFailed(group=self.work.document.name, peer_site=site, reason=said)
        return state

    def _told(self, state: HandOver) -> str:
        done = "; ".join(state.steps.values()) or "nothing is off yet"
        return f"Operation {state.operation_id} of {self.work.peer.site}: {done}"


class StopSourceVms(HandOverStep):
    """Have the other site stop the group's VMs; undone, it has started them again."""

    def execute(self) -> Result:
        work = self.work
        self.patiently(
            lambda: work.peer.hand_over(
                work.group_id, work.claim.operation_id, str(work.arguments.document)
            )
        )
        state = self.state_until(lambda state: len(self._stopped(state)) == self._tiers())
        return {"detail": "; ".join(self._stopped(state))}

    def _tiers(self) -> int:
        return len(recovery.boot_tiers(self.work.document.members))

    def _stopped(self, state: HandOver) -> list[str]:
        return [said for name, said in state.steps.items() if name.startswith(recovery.STOP_TIER)]

    def undo(self) -> None:
        try:
            state = self._handed_back()
        except errors.PeerUnreachable as silence:
            raise errors.NotHandedBack(
                group=self.work.document.name,
                site=self.work.site,
                peer_site=self.work.peer.site,
                reason=silence.kwargs["reason"],
            ) from None
        if state and state.left:
            raise errors.CloudError(service="Nova", site=self.work.peer.site, reason=state.left)

    def _handed_back(self) -> HandOver | None:
        """Ask until it is so: what the other site is about it ends first."""
        work, began = self.work, time.monotonic()
        while True:
            self.patiently(lambda: work.peer.hand_back(work.group_id, work.claim.operation_id))
            state = self.patiently(self.state)
            self.came_on()
            if state is None or not state.holds:
                return state
            waited = time.monotonic() - began
            if waited > work.equipment.conf.engine.standstill_timeout:
                what = f"{work.peer.site} starts the VMs of {work.document.name} again"
                raise errors.StandsStill(what=what, seconds=f"{waited:.0f}")
            self.pause()


class TakeLastSnapshot(HandOverStep):
    """The other site takes it once all VMs are off."""

    default_provides = {"last_point"}

    def execute(self) -> Result:
        state = self.state_until(lambda state: state.status is operation.Status.COMPLETED)
        return {"last_point": state.point, "detail": f"Snapshot {state.point} was taken"}


class WaitForLastSnapshot(PlannedStep):
    """That very one, and all of it: nothing that was written is lost."""

    default_provides = {"point", "snapshot_faults", "younger"}

    def execute(self, last_point: str, site_faults: Faults) -> Result:
        self.patiently(lambda: self._forget_older(last_point))
        point = self.watch(
            lambda: self._find(last_point),
            lambda found: found is not None and found.complete,
            lambda found: self._progress(last_point, found),
        )
        assert point is not None
        faults = dict(site_faults)
        for disk in points.lacking(self.work.unpromoted(faults), point):
            finding = points.lost(disk, self.work.document, self.work.equipment.array.array)
            faults.setdefault(disk[0].server_id, []).append(finding.text)
        self.work.must_bear(faults)
        return {
            "point": POINT.dump_python(point, mode="json"),
            "snapshot_faults": faults,
            "younger": [],
            "detail": f"Snapshot {point.name} of {point.created:%FT%TZ} is complete: nothing is"
            " lost",
        }

    def _find(self, name: str) -> Point | None:
        chain = points.chain_of(self.work.document)
        found = self.work.equipment.array.points(ReplicaGroup(chain.array, chain.array_group))
        return next((point for point in found if point.name == name), None)

    def _progress(self, name: str, point: Point | None) -> str:
        array = self.work.equipment.array.array
        if point is None:
            return f"Not begun on array {array}: snapshot {name}"
        return f"{point.progress:.1%} are on array {array}: snapshot {name}"

    def _forget_older(self, last_point: str) -> None:
        """Remove what an earlier attempt, which could not be undone, has made of an older point."""
        work = self.work
        older = {id: pair for id, pair in work.volumes().items() if pair.point != last_point}
        if not older:
            return
        for server_id in work.servers():
            work.tenant.remove_server(work.key(server_id))
            with work.sessions.begin() as session:
                pairs.removed(session, work.group_id, work.label, server_id)
        outcomes = work.tenant.unmanage_volumes([work.key(id) for id in older])
        left = [outcome.fault for outcome in outcomes if outcome.fault]
        if left:
            raise errors.CloudError(service="Cinder", site=work.site, reason="; ".join(left))
        for id, pair in older.items():
            work.equipment.array.discard(pair.array_volume_id)
            with work.sessions.begin() as session:
                pairs.discarded(session, work.group_id, work.label, id)
