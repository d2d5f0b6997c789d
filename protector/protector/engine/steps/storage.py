# SPDX-License-Identifier: Apache-2.0
"""Steps of the storage failover phase."""

import datetime
from collections.abc import Sequence

import pydantic

from protector import errors
from protector.cloud.base import Outcome, VolumeRequest
from protector.db import claims, documents, pairs
from protector.domain.document import Member, Volume
from protector.engine.step import Result, Step
from protector.engine.work import Faults, must_leave_some
from protector.storage.base import ArrayVolume, Point, ReplicaGroup

POINT = pydantic.TypeAdapter(Point)


class IdentifyLatestSnapshot(Step):
    """Choose the newest point that is complete, for the volumes that are not here yet.

    If an earlier attempt has brought others here, these are to be of the same moment. A volume
    that was attached since then is no part of its VM as of that moment, which comes up without it.
    """

    default_provides = {"point", "snapshot_faults", "younger"}

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
        point = self._newest_complete()
        younger = self._look_for_volumes(faults, point)
        must_leave_some(faults, self.work.missing())
        return {
            "point": POINT.dump_python(point, mode="json"),
            "snapshot_faults": faults,
            "younger": younger,
            "detail": f"Snapshot {point.name} of {point.created:%FT%TZ}: data written after it is"
            f" lost (RPO {rpo_seconds(point)} seconds)",
        }

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
                pairs.discarded(session, work.group_id, work.epoch, id)

    def _newest_complete(self) -> Point:
        document, array = self.work.document, self.work.equipment.array
        chain = document.consistency_group
        if chain is None:
            raise errors.NothingRecoverable(
                faults=f"Protection group {document.name} has no replicated volumes: its recovery"
                " document names no consistency group."
            )
        points = array.points(ReplicaGroup(chain.array, chain.array_group))
        complete = [point for point in points if point.complete]
        begun = {pair.point for pair in self.work.volumes().values()}
        same = [point for point in complete if point.name in begun]
        if complete:
            return (same or complete)[0]
        raise errors.NoCompletePoint(
            array=array.array,
            group=document.name,
            array_group=chain.array_group,
            source_array=chain.array,
            found="; ".join(map(_incomplete, points)) or "there is none at all",
            interval=document.policy.replication_interval,
        )

    def _look_for_volumes(self, faults: Faults, point: Point) -> list[str]:
        """Return ids of those that the point cannot hold; that it lacks others is a fault."""
        lacking = [
            (member, volume)
            for member, volume in self.work.unpromoted(faults)
            if volume.array_volume not in point.volumes
        ]
        then = self._members_as_of(point.created) if lacking else {}
        younger = []
        for member, volume in lacking:
            before = then.get(member.server_id)
            if before and volume.id not in {disk.id for disk in before.volumes}:
                younger.append(volume.id)
            else:
                self._lacks(faults, member, volume)
        return younger

    def _members_as_of(self, moment: datetime.datetime) -> dict[str, Member]:
        with self.work.sessions.begin() as session:
            for version in documents.history(session, self.work.group_id):
                if version.standing in (documents.CURRENT, documents.PAST):
                    document = version.document
                    if document.modified_at <= moment:
                        return {member.server_id: member for member in document.members}
        return {}

    def _lacks(self, faults: Faults, member: Member, volume: Volume) -> None:
        policy = self.work.document.policy
        faults.setdefault(member.server_id, []).append(
            f"VM {member.name}: no replicated snapshot for volume {volume.name} ({volume.id}) on"
            f" array {self.work.equipment.array.array}, so the VM cannot be recovered. Volumes are"
            f" replicated every {policy.replication_interval} seconds, and the last cycle that"
            " completed did not hold it"
        )


class PromoteVolumesFromSnapshot(Step):
    """Make writable volumes of the point, and write down each as it is made."""

    default_provides = {"promote_faults"}

    def execute(
        self, point: dict[str, object] | None, snapshot_faults: Faults, younger: list[str]
    ) -> Result:
        faults = dict(snapshot_faults)
        wanted = [
            (member, volume)
            for member, volume in self.work.unpromoted(faults)
            if volume.id not in younger
        ]
        chosen = POINT.validate_python(point) if point else None
        for member, volume in wanted:
            if chosen and member.server_id not in faults:
                self._promote(faults, chosen, member, volume)
        must_leave_some(faults, self.work.missing())
        return {"promote_faults": faults, "detail": f"{len(wanted)} volumes made"}

    def _promote(self, faults: Faults, point: Point, member: Member, volume: Volume) -> None:
        work = self.work
        work.must_be_ours()
        try:
            made = work.equipment.array.promote(point, volume.array_volume, key=work.key(volume.id))
        except errors.ArrayUnreachable:
            raise
        except errors.StorageError as error:
            faults[member.server_id] = [f"VM {member.name}: volume {volume.name}: {error.text}"]
            return
        try:
            self._write(volume, made, point)
        except errors.ClaimLost:
            self._leave(volume, made)
            raise

    def _write(self, volume: Volume, made: ArrayVolume, point: Point) -> None:
        work = self.work
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            pairs.promoted(
                session,
                work.group_id,
                work.epoch,
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
        for member in self.work.document.members:
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
                pairs.discarded(session, work.group_id, work.epoch, volume_id)


class ManageVolumesIntoCinder(Step):
    """Make volumes of the tenant's out of the array's."""

    default_provides = {"faults"}

    def execute(
        self, promote_faults: Faults, destination: dict[str, str], younger: list[str]
    ) -> Result:
        faults = dict(promote_faults)
        wanted = [
            (member, volume)
            for member in self.work.missing()
            if member.server_id not in faults
            for volume in member.volumes
            if volume.id not in younger
        ]
        outcomes = self._manage([volume for _, volume in wanted], destination)
        for (member, volume), outcome in zip(wanted, outcomes, strict=True):
            if outcome.id:
                self._write(volume.id, outcome.id)
            else:
                faults.setdefault(member.server_id, []).append(
                    f"VM {member.name}: volume {volume.name} could not be managed by Cinder of"
                    f" {self.work.site}: {outcome.fault}"
                )
        must_leave_some(faults, self.work.missing())
        return {"faults": faults, "detail": f"{sum(bool(o.id) for o in outcomes)} volumes managed"}

    def _manage(self, volumes: Sequence[Volume], destination: dict[str, str]) -> list[Outcome]:
        made = self.work.volumes()
        requests = [
            VolumeRequest(
                key=self.work.key(volume.id),
                array_volume=made[volume.id].array_volume_name,
                name=volume.name,
                bootable=volume.bootable,
                metadata=volume.metadata,
            )
            for volume in volumes
        ]
        ids = {self.work.key(volume.id): made[volume.id].array_volume_id for volume in volumes}

        def reclaim(key: str) -> None:
            self.work.equipment.array.reclaim(ids[key], key=key)

        try:
            return self.work.tenant.manage_volumes(requests, **destination, reclaim=reclaim)
        except errors.CloudRefused as refusal:
            if "volume_extension:" not in refusal.kwargs["reason"]:
                raise
            raise errors.VolumeManageRefused(**refusal.kwargs) from None

    def _write(self, source_id: str, volume_id: str | None) -> None:
        with self.work.sessions.begin() as session:
            pairs.managed(session, self.work.group_id, self.work.epoch, source_id, volume_id)

    def undo(self) -> None:
        made = self.work.volumes()
        outcomes = self.work.tenant.unmanage_volumes([self.work.key(id) for id in made])
        for source_id, outcome in zip(made, outcomes, strict=True):
            if outcome.fault is None:
                self._write(source_id, None)
        left = [outcome.fault for outcome in outcomes if outcome.fault]
        if left:
            raise errors.CloudError(
                service="Cinder",
                site=self.work.site,
                reason="volumes that were managed could not be given back: " + "; ".join(left),
            )


def rpo_seconds(point: Point) -> int:
    return int((datetime.datetime.now(datetime.UTC) - point.created).total_seconds())


def _incomplete(point: Point) -> str:
    return f"{point.name} of {point.created:%FT%TZ} is at {point.progress:.0%}"
