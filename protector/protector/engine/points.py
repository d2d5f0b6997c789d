# SPDX-License-Identifier: Apache-2.0
"""Which point in time a group is recovered from, and which volumes that point lacks."""

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents
from protector.domain.document import ConsistencyGroup, Document, Member, Volume
from protector.domain.readiness import Finding, Severity
from protector.storage.base import Point

Disk = tuple[Member, Volume]


def chain_of(document: Document) -> ConsistencyGroup:
    """:raises NothingRecoverable: the group has none, so nothing of it is replicated."""
    if document.consistency_group is None:
        raise errors.NothingRecoverable(
            faults=f"Protection group {document.name} has no replicated volumes: its recovery"
            " document names no consistency group."
        )
    return document.consistency_group


def newest_complete(
    document: Document, array: str, points: Sequence[Point], begun: Collection[str]
) -> Point:
    """Return the newest complete point, or one that an earlier attempt has begun with.

    :raises NoCompletePoint: there is none.
    """
    chain = chain_of(document)
    complete = [point for point in points if point.complete]
    same = [point for point in complete if point.name in begun]
    if complete:
        return (same or complete)[0]
    raise errors.NoCompletePoint(
        array=array,
        group=document.name,
        array_group=chain.array_group,
        source_array=chain.array,
        found="; ".join(map(_incomplete, points)) or "there is none at all",
        interval=document.policy.replication_interval,
    )


def lacking(disks: Iterable[Disk], point: Point) -> list[Disk]:
    return [disk for disk in disks if disk[1].array_volume not in point.volumes]


def is_younger(disk: Disk, then: Mapping[str, Member]) -> bool:
    """Tell whether the volume was attached after the point was taken.

    :param then: the members as of that moment.
    """
    member, volume = disk
    before = then.get(member.server_id)
    return before is not None and volume.id not in {known.id for known in before.volumes}


def members_as_of(session: Session, group_id: str, moment: datetime.datetime) -> dict[str, Member]:
    for version in documents.history(session, group_id):
        if version.standing in (documents.CURRENT, documents.PAST):
            document = version.document
            if document.modified_at <= moment:
                return {member.server_id: member for member in document.members}
    return {}


def lost(disk: Disk, document: Document, array: str) -> Finding:
    """Say that the point lacks a volume that was its VM's already."""
    member, volume = disk
    return Finding(
        Severity.ERROR,
        member.name,
        f"no replicated snapshot for volume {volume.name} ({volume.id}) on array {array}, so the"
        " VM cannot be recovered",
        f"Volumes are replicated every {document.policy.replication_interval} seconds, and the last"
        " cycle that completed did not hold it",
        member.server_id,
    )


def rpo_seconds(point: Point) -> int:
    return int((datetime.datetime.now(datetime.UTC) - point.created).total_seconds())


def _incomplete(point: Point) -> str:
    return f"{point.name} of {point.created:%FT%TZ} is at {point.progress:.0%}"
