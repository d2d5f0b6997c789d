# SPDX-License-Identifier: Apache-2.0
"""Steps of a failback: what a planned failover does not do, or does otherwise."""

import dataclasses
from contextlib import ExitStack
from typing import Any

from protector import errors
from protector.db import documents
from protector.domain.document import ConsistencyGroup, Document, Member
from protector.domain.operation import Cancel
from protector.engine import reversal
from protector.engine.chain import Chain
from protector.engine.failback import Failback
from protector.engine.preflight import originals
from protector.engine.preflight.assessment import assess
from protector.engine.preflight.looking import look
from protector.engine.step import Result, repeated, settled
from protector.engine.steps.finalization import TakeOver
from protector.engine.steps.handover import PlannedStep, WaitForLastSnapshot
from protector.engine.steps.preparation import ValidateTargetSite
from protector.engine.steps.storage import POINT
from protector.sync import edit


class FailbackStep(PlannedStep):
    work: Failback


class ValidateReturn(ValidateTargetSite):
    """Look at what stands by here, and plan each VM that has to be made anew."""

    work: Failback
    default_provides = ValidateTargetSite.default_provides | {"standing_by"}

    def __init__(self, work: Failback) -> None:
        super().__init__(work, "validate_target_site")

    @repeated
    def execute(self) -> Result:
        work = self.work
        there = originals.look(work)
        seen = self.patiently(
            lambda: look(there.outlook, work.tenant), unless=lambda seen: seen.is_whole
        )
        assessment = assess(
            there.outlook.document,
            work.arguments,
            seen,
            site=work.site,
            array=work.equipment.array.array,
        )
        assessment = there.judged_with(assessment)
        self._must_be_possible(assessment)
        return {
            **self.planned(seen, assessment),
            "standing_by": {id: dataclasses.asdict(one) for id, one in there.by_member.items()},
        }

    def _must_be_possible(self, assessment: Any) -> None:
        """:raises NothingRecoverable: with all that is wrong with any VM, at once."""
        super()._must_be_possible(assessment)
        told = [one.text for one in assessment.findings if one.is_error]
        if told:
            raise errors.NothingRecoverable(faults="\n".join(told))


class WaitForTheirLastSnapshot(WaitForLastSnapshot):
    work: Failback
    default_provides = {"point"}

    def __init__(self, work: Failback) -> None:
        super().__init__(work, "wait_for_last_snapshot")

    def execute(self, last_point: str, site_faults: dict[str, list[str]]) -> Result:
        found = super().execute(last_point, site_faults)
        return {"point": found["point"], "detail": found["detail"]}


class SaveOriginals(FailbackStep):
    """Keep what the original volumes hold, for as long as the array is told to."""

    @repeated
    def execute(self, standing_by: dict[str, dict[str, Any]]) -> Result:
        self._must_be_off(standing_by)
        saved = self.work.originals()
        for _, on_array in saved.values():
            self.work.must_be_ours()
            self.work.equipment.array.save(on_array.id, key=self.work.label)
        names = ", ".join(original.name or original.id for original, _ in saved.values())
        return {"detail": f"Saved as they were: {names}" if saved else "There are no originals"}

    def _must_be_off(self, standing_by: dict[str, dict[str, Any]]) -> None:
        """An attempt that could not be undone may have left some running."""
        left = {member.server_id for member in self.work.left_behind}
        ids = [one["server_id"] for id, one in standing_by.items() if id not in left]
        cloud = self.work.equipment.cloud.as_service()
        outcomes = self.patiently(
            lambda: cloud.stop_servers([id for id in ids if id]), unless=settled
        )
        faults = [outcome.fault for outcome in outcomes if outcome.fault]
        if faults:
            raise errors.NothingRecoverable(faults="\n".join(faults))


class OverwriteOriginals(FailbackStep):
    """Let each original hold what its volume on the other site did; it stays the same volume.

    It is overwritten from a copy that is discarded before any VM starts: an engine that was held
    up in the middle then finds nothing to overwrite it with.
    """

    default_provides = {"snapshot_faults", "younger"}

    @repeated
    def execute(self, point: dict[str, Any]) -> Result:
        work, array = self.work, self.work.equipment.array
        chosen, there = POINT.validate_python(point), self.work.originals()
        done = []
        for member in work.document.members:
            for volume in member.volumes:
                if volume.id in there:
                    original, on_array = there[volume.id]
                    work.must_be_ours()
                    copy = array.promote(chosen, volume.array_volume, key=work.key(volume.id))
                    work.must_be_ours()
                    array.overwrite(on_array.id, source=copy.name)
                    array.discard(copy.id)
                    done.append(f"{volume.name or volume.id} onto {original.id}")
        # What has its original is not made of the point.
        return {
            "snapshot_faults": {},
            "younger": sorted(there),
            "detail": "; ".join(done) or "There are no originals",
        }

    def undo(self) -> None:
        work, array = self.work, self.work.equipment.array
        for here, (_, on_array) in work.originals().items():
            copy = array.promoted(work.key(here))
            if copy:
                array.discard(copy.id)
            array.restore(on_array.id, key=work.label)


class Return(TakeOver):
    """The group is this site's again, on both sites or on none."""

    work: Failback

    def _next(self) -> Document:
        work = self.work
        with work.sessions.begin() as session:
            before = documents.in_force(session, work.group_id).document
        here = self._here(work.servers())
        came = [(one, here[one.server_id]) for one in before.members if one.server_id in here]
        wishes = {one.server_id: one for one in work.all_members}
        return before.following(
            work.site,
            epoch=work.epoch + 1,
            current_primary_site=work.site,
            status="active",
            members=[now.as_wished_for(wishes[id]) for id, now in here.items()],
            mappings=reversal.mappings(before.mappings, came),
            consistency_group=before.standby_group,
            standby=[],
            standby_group=None,
            drift=[],
        )

    def _here(self, servers: dict[str, str]) -> dict[str, Member]:
        """Return id of a member -> what it is here, in the order in which they were."""
        cloud = self.work.equipment.cloud.as_service()
        project = self.work.document.projects[self.work.site]
        return {
            member.server_id: cloud.describe_server(project, servers[member.server_id]).member
            for member in self.work.all_members
            if member.server_id in servers
        }


class ResumeReplication(FailbackStep):
    """Send the group to the other site again. If that cannot be now, it is done by and by."""

    def stops_for(self, cancel: Cancel | None) -> bool:
        return False

    def execute(self) -> Result:
        work = self.work
        with work.sessions.begin() as session:
            document = documents.in_force(session, work.group_id).document
        chain = document.consistency_group
        if chain is None:
            return {"detail": "The group has no replicated volumes"}
        try:
            target = edit.introduce(work.sessions, work.peer, work.group_id, work.site).array
            set_up = Chain(work.equipment, work.tenant, ExitStack())
            set_up.replicate(chain, target, document.policy)
            work.peer.allow_replication(chain.array, chain.array_group)
            for member in self._mirrored(document, chain, set_up):
                set_up.join(chain, member)
        except errors.ProtectorError as fault:
            # No sweep gives a volume another type: that is left to a person, who is told so.
            goes_on = "shown as drift" if document.is_mirrored else "tried again by itself"
            return {"detail": f"Not yet, and {goes_on}: {fault.text}"}
        return {"detail": f"{chain.array_group} replicates from {chain.array} to {target}"}

    def _mirrored(self, document: Document, chain: ConsistencyGroup, set_up: Chain) -> list[Member]:
        """Return the members as they are once volumes that had no original are mirrored, too."""
        cloud, project = self.work.equipment.cloud.as_service(), document.projects[self.work.site]
        if not document.is_mirrored:
            return document.members
        ids = [one.server_id for one in document.members]
        here = [cloud.describe_server(project, id) for id in ids]
        wanted = chain.volume_type_id
        new = [v.id for one in here for v in one.volumes if v.type_id != wanted]
        if not new:
            return document.members
        set_up.mirror(wanted, new)
        return [cloud.describe_server(project, id).member for id in ids]


class RemoveCopies(FailbackStep):
    """Wait until the other site has removed what ran there; it goes on if that takes longer."""

    def stops_for(self, cancel: Cancel | None) -> bool:
        return False

    def execute(self) -> Result:
        site, group_id = self.work.peer.site, self.work.group_id
        try:
            self.watch(
                lambda: self.work.peer.copies_left(group_id),
                lambda left: left == 0,
                lambda left: f"{left} servers and volumes are left on {site}",
            )
        except (errors.PeerUnreachable, errors.PeerRefused, errors.StandsStill) as silence:
            return {"detail": f"Not yet, and {site} goes on with it by itself: {silence.text}"}
        return {"detail": f"Nothing is left on {site} of what ran there"}
