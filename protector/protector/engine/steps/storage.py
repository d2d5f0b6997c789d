# SPDX-License-Identifier: Apache-2.0
"""Steps of the storage failover phase."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pydantic

from protector import errors
from protector.db import claims, pairs
from protector.domain.document import Member, Volume
from protector.engine import mirrors, points
from protector.engine.managing import Managing
from protector.engine.recovery import Disk, Faults, Recovery
from protector.engine.step import Result, repeated, settled
from protector.engine.steps.base import RecoveryStep
from protector.storage.base import ArrayVolume, Point

POINT = pydantic.TypeAdapter(Point)


class IdentifyLatestSnapshot(RecoveryStep):
    """Choose the point asked for, or the newest complete one, for what is not here yet.

    Of a mirrored group one is taken first: it holds all that was acknowledged.

    If an earlier attempt has brought others here, these are to be of the same moment. A volume
    that was attached since then is no part of its VM as of that moment, which comes up without it.
    """

    default_provides = {"point", "snapshot_faults", "younger"}

    @repeated
    def execute(self, site_faults: Faults) -> Result:
        self._forget_the_lost()
        faults = dict(site_faults)
        if not self.work.unpromoted(faults):
            detail = "All volumes are here from an earlier attempt"
            return {
                "point": None,
                "snapshot_faults": faults,
                "younger": [],
                "detail": detail,
            }
        if mirrors.takes_its_point(self.work):
            self.work.must_be_ours()
            mirrors.take(self.work)
        point = points.choose(self.work)
        younger = self._look_for_volumes(faults, point)
        self.work.must_bear(faults)
        return {
            "point": POINT.dump_python(point, mode="json"),
            "snapshot_faults": faults,
            "younger": younger,
            "detail": self._told(point),
        }

    def _told(self, point: Point) -> str:
        of = f"Snapshot {point.name} of {point.created:%FT%TZ}"
        if self.work.document.is_mirrored and not self.work.arguments.is_of_an_older_point:
            return f"{of}: all that was acknowledged until then is in it (RPO 0 seconds)"
        return f"{of}: data written after it is lost (RPO {points.rpo_seconds(point)} seconds)"

    def _forget_the_lost(self) -> None:
        """Let volumes be made again that were deleted after an earlier attempt.

        An operator may have cleaned up, or Nova, with the server that did not come up.
        """
        work, made = self.work, self.work.volumes()
        sources = [volume.id for member in work.missing() for volume in member.volumes]
        lost = [
            id
            for id in sources
            if id in made and not work.equipment.array.holds(made[id].array_volume_id)
        ]
        with work.sessions.begin() as session:
            for id in lost:
                pairs.discarded(session, work.group_id, work.label, id)

    def _look_for_volumes(self, faults: Faults, point: Point) -> list[str]:
        """Return ids of those that the point cannot hold; that it lacks others is a fault."""
        work = self.work
        lacking = points.lacking(work.unpromoted(faults), point)
        with work.sessions.begin() as session:
            then = points.members_as_of(session, work.group_id, point.created) if lacking else {}
        for disk in lacking:
            if not points.is_younger(disk, then):
                finding = points.lost(disk, work.document, work.equipment.array.array)
                faults.setdefault(disk[0].server_id, []).append(finding.text)
        return [disk[1].id for disk in lacking if points.is_younger(disk, then)]


class PromoteVolumesFromSnapshot(RecoveryStep):
    """Make writable volumes of the point, and write down each as it is made."""

    default_provides = {"promote_faults"}

    @repeated
    def execute(
        self, point: dict[str, object] | None, snapshot_faults: Faults, younger: list[str]
    ) -> Result:
        faults = dict(snapshot_faults)
        wanted = [
            (member, volume)
            for member, volume in self.work.unpromoted(faults)
            if point and volume.id not in younger
        ]
        told = self._promote_all(wanted, POINT.validate_python(point)) if wanted else []
        for (member, _), fault in zip(wanted, told, strict=True):
            if fault:
                faults.setdefault(member.server_id, []).append(fault)
        self.work.must_bear(faults)
        return {"promote_faults": faults, "detail": f"{len(wanted)} volumes made"}

    def _promote_all(self, wanted: Sequence[Disk], point: Point) -> list[str | None]:
        """Return what is wrong with each. What ends the step ends it for those not begun yet."""
        ends = threading.Event()

        def promote(one: Disk) -> str | None:
            if ends.is_set():
                return None
            try:
                return self._promote(point, *one)
            except BaseException:
                ends.set()
                raise

        at_once = self.work.equipment.conf.flasharray.parallel_requests
        with ThreadPoolExecutor(at_once, "promote") as threads:
            return list(threads.map(promote, wanted))

    def _promote(self, point: Point, member: Member, volume: Volume) -> str | None:
        work = self.work
        work.must_be_ours()
        try:
            made = work.equipment.array.promote(point, volume.array_volume, key=work.key(volume.id))
        except errors.PASSING:
            raise
        except errors.StorageError as error:
            return f"VM {member.name}: volume {volume.name}: {error.text}"
        try:
            self._write(volume, made, point)
        except errors.ClaimLost:
            self._leave(volume, made)
            raise
        return None

    def _write(self, volume: Volume, made: ArrayVolume, point: Point) -> None:
        work = self.work
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            pairs.promoted(
                session,
                work.group_id,
                work.label,
                volume.id,
                point=point.name,
                array_volume_id=made.id,
                array_volume_name=made.name,
            )

    def _leave(self, volume: Volume, made: ArrayVolume) -> None:
        """Remove what was made too late, when another engine had made its own and went on.

        As long as it had not, it finds this one by its key.
        """
        taken = self.work.volumes().get(volume.id)
        if taken.array_volume_id != made.id if taken else self.work.has_ended():
            self.work.equipment.array.discard(made.id)

    def undo(self) -> None:
        for member in self.work.members:
            for volume in member.volumes:
                self._discard(volume.id)

    def _discard(self, volume_id: str) -> None:
        work, array = self.work, self.work.equipment.array
        pair = work.volumes().get(volume_id)
        if pair is None:
            unrecorded = array.promoted(work.key(volume_id))
            if unrecorded:
                array.discard(unrecorded.id)
        else:
            array.discard(pair.array_volume_id)
            with work.sessions.begin() as session:
                pairs.discarded(session, work.group_id, work.label, volume_id)


class ManageVolumesIntoCinder(RecoveryStep):
    """Make volumes of the tenant's out of the array's, until one VM has all of its own.

    Cinder goes on with the others; each VM waits for its own before it is recreated.
    """

    def __init__(self, work: Recovery, managing: Managing) -> None:
        super().__init__(work)
        self._managing = managing

    @repeated
    def execute(
        self, promote_faults: Faults, destination: dict[str, str], younger: list[str]
    ) -> Result:
        disks = self.work.unmanaged(promote_faults, younger)
        of_each = _ids_by_member(disks)
        come = self._managing.bring(
            self,
            disks,
            destination,
            awaited=disks,
            enough=lambda there: any(ids <= there for ids in of_each),
        )
        self.work.must_bear({**promote_faults, **come.faults})
        told = f"{len(come.there)} volumes managed"
        left = len(disks) - len(come.there)
        return {"detail": f"{told}; Cinder is at {left} more" if left else told}

    def undo(self) -> None:
        self._managing.end()
        made = self.work.volumes()
        keys = [self.work.key(id) for id in made]
        outcomes = self.patiently(
            lambda: self.work.tenant.unmanage_volumes(keys),
            unless=settled,
        )
        with self.work.sessions.begin() as session:
            claims.hold(session, self.work.claim)
            for source_id, outcome in zip(made, outcomes, strict=True):
                if outcome.fault is None:
                    pairs.managed(session, self.work.group_id, self.work.label, source_id, None)
        left = [outcome.fault for outcome in outcomes if outcome.fault]
        if left:
            raise errors.CloudError(
                service="Cinder",
                site=self.work.site,
                reason="volumes that were managed could not be given back: " + "; ".join(left),
            )


def _ids_by_member(disks: Sequence[Disk]) -> list[set[str]]:
    ids: dict[str, set[str]] = {}
    for member, volume in disks:
        ids.setdefault(member.server_id, set()).add(volume.id)
    return list(ids.values())
