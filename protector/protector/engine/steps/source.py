# SPDX-License-Identifier: Apache-2.0
"""Steps of the site that a group is handed over from, and back to if nothing comes of it.

None of these steps is undone by itself: what was stopped is started by an operation of its own,
which is written down when a hand-over fails, or the other site gives the group up.
"""

from collections.abc import Iterator
from typing import Any

from protector import errors
from protector.cloud.base import OFF, Glance, Outcome
from protector.db import claims, groups
from protector.domain.document import Member
from protector.domain.operation import ENDED, Cancel
from protector.engine import points
from protector.engine.handover import HandingBack, HandingOver
from protector.engine.step import Result, Step, repeated, settled
from protector.sync import handover

# Seconds after which Nova powers a guest off that does not shut down, unless it is told otherwise.
NOVAS_PATIENCE = 60


class ValidateSourceSite(Step):
    """See that the other site still wants the group, and that all that is to be done can be."""

    work: HandingOver

    @repeated
    def execute(self) -> Result:
        self._must_be_wanted()
        seen = self.work.equipment.cloud.as_service().look(
            self.work.document.projects[self.work.site]
        )
        faults = [*self._of_vms(seen), *self._of_replication()]
        if faults:
            raise errors.NothingRecoverable(faults="\n".join(faults))
        if self.work.arguments.running is None:
            self.work.write(running=[one.server_id for one in self._running(seen)])
        names = [one.name for one in self.work.of_those(self.work.document.members)]
        return {"detail": f"To be stopped: {', '.join(names) or 'nothing, all VMs are off'}"}

    def _must_be_wanted(self) -> None:
        """What asked for this may have ended since, and its request have come late."""
        wanted, peer = self.work.arguments.operation_id, self.work.peer
        fate = peer.fate(self.work.group_id, wanted)
        if fate is None or fate.status in ENDED:
            reason = f"its operation {wanted}, for which the group was to be handed over, has ended"
            raise errors.PeerRefused(peer_site=peer.site, reason=reason)

    def _running(self, seen: dict[str, Glance]) -> list[Member]:
        return [
            member
            for member in self.work.document.members
            if member.server_id in seen and seen[member.server_id].status not in OFF
        ]

    def _of_vms(self, seen: dict[str, Glance]) -> Iterator[str]:
        for member in self._running(seen):
            if seen[member.server_id].status == "PAUSED":
                yield (
                    f"VM {member.name} is PAUSED on {self.work.site}, and Nova does not stop it."
                    f" Unpause it: openstack server unpause {member.server_id}"
                )

    def _of_replication(self) -> Iterator[str]:
        chain, array = points.chain_of(self.work.document), self.work.equipment.array
        replication = array.replication(chain.array_group)
        where = f"protection group {chain.array_group} of array {array.array}"
        see = f"See: openstack protector consistency-group show {self.work.document.name}"
        if replication is None:
            yield f"No array is the target of {where}, so no last snapshot can be sent. {see}"
            return
        if self.work.document.is_mirrored and not replication.enabled:
            yield f"Array {replication.target} does not have all that is in {where} just now. {see}"
        if not replication.allowed:
            yield f"Array {replication.target} does not accept snapshots of {where}. {see}"
        for member in self.work.document.members:
            for volume in member.volumes:
                if volume.array_volume not in replication.volumes:
                    yield (
                        f"VM {member.name}: volume {volume.name} ({volume.id}) is not in {where},"
                        f" so its last snapshot would lack it. {see}"
                    )


class StopVms(Step):
    """One boot tier: what came up last is off first."""

    work: HandingOver

    def __init__(self, work: HandingOver, members: list[Member], name: str) -> None:
        super().__init__(work, name)
        self._members = members

    @repeated
    def execute(self) -> Result:
        members = self.work.of_those(self._members)
        ids = [member.server_id for member in members]
        cloud = self.work.equipment.cloud.as_service()
        outcomes = self.patiently(lambda: cloud.stop_servers(ids), unless=settled) if ids else []
        names = [member.name for member in members]
        told = list(zip(names, outcomes, strict=True))
        faults = [f"VM {name}: {one.fault}" for name, one in told if one.fault]
        if faults:
            raise errors.NothingRecoverable(faults="\n".join(faults))
        return {"detail": "; ".join(map(_stopped, names, outcomes)) or "None of them ran"}

    def revert(self, *args: Any, **kwargs: Any) -> bool:
        return False


def _stopped(name: str, outcome: Outcome) -> str:
    seconds = outcome.seconds or 0
    if seconds < NOVAS_PATIENCE:
        return f"{name} was off after {seconds:.0f} seconds"
    return (
        f"{name} was off after {seconds:.0f} seconds: it may not have shut down by itself, but have"
        f" been powered off by Nova, which waits {NOVAS_PATIENCE} seconds unless told otherwise"
    )


class TakeLastSnapshot(Step):
    """All VMs are off: whatever they wrote is in this one."""

    work: HandingOver

    @repeated
    def execute(self) -> Result:
        chain, array = points.chain_of(self.work.document), self.work.equipment.array
        name = array.take_point(chain.array_group, key=self.work.arguments.operation_id)
        self.work.write(point=name)
        return {"detail": f"Snapshot {name} was taken, and is on its way"}

    def revert(self, *args: Any, **kwargs: Any) -> bool:
        return False


class StartVms(Step):
    """One boot tier, as it was. What does not start keeps nothing else from starting."""

    work: HandingBack

    def __init__(self, work: HandingBack, members: list[Member], name: str) -> None:
        super().__init__(work, name)
        self._members = members

    def stops_for(self, cancel: Cancel | None) -> bool:
        return False  # nobody wants half of the VMs back

    @repeated
    def execute(self) -> Result:
        members = self.work.of_those(self._members)
        ids = [member.server_id for member in members]
        cloud = self.work.equipment.cloud.as_service()
        outcomes = self.patiently(lambda: cloud.start_servers(ids), unless=settled) if ids else []
        faults = [
            f"VM {member.name} of {self.work.site} could not be started again: {one.fault}. Start"
            f" it: openstack server start {member.server_id}"
            for member, one in zip(members, outcomes, strict=True)
            if one.fault
        ]
        names = ", ".join(member.name for member in members)
        return {"fault": "\n".join(faults)} if faults else {"detail": f"{names or 'None'} started"}


class GiveGroupBack(Step):
    """The group is this site's again, as if nothing had been asked."""

    work: HandingBack

    def stops_for(self, cancel: Cancel | None) -> bool:
        return False

    @repeated
    def execute(self) -> Result:
        work = self.work
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            handover.return_(session, groups.lock(session, work.group_id))
        return {"detail": f"{work.document.name} runs on {work.site}, as before"}
