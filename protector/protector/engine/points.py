# SPDX-License-Identifier: Apache-2.0
"""Which point in time a group is recovered from, and which volumes that point lacks."""

import datetime
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.orm import Session

from protector import errors
from protector.db import documents
from protector.db.models import RecoveryDocument
from protector.domain.document import ConsistencyGroup, Document, Member
from protector.domain.operation import RecoveryArguments
from protector.domain.readiness import Finding, Severity
from protector.engine.recovery import Disk, Recovery
from protector.storage.base import Point, ReplicaGroup, StorageDriver

# Of those that there are, so many are listed in a sentence.
MOST_TOLD = 10


def chain_of(document: Document) -> ConsistencyGroup:
    """:raises NothingRecoverable: the group has none, so nothing of it is replicated."""
    if document.consistency_group is None:
        raise errors.NothingRecoverable(
            faults=f"Protection group {document.name} has no replicated volumes: its recovery"
            " document names no consistency group."
        )
    return document.consistency_group


def begun(work: Recovery) -> set[str]:
    """Return the names of the points of which an earlier attempt has made volumes."""
    return {pair.point for pair in work.volumes().values()}


def choose(work: Recovery) -> Point:
    """Return the point to recover from: the one asked for, or the newest complete one.

    If an earlier attempt has begun with one, the rest is to be of the same moment.

    :raises NoCompletePoint: there is none.
    :raises NoSuchPoint: there is none as it was asked for.
    :raises OtherPointBegun: an earlier attempt has begun with another one.
    """
    found = replicated(work.document, work.equipment.array)
    complete = [point for point in found if point.complete]
    started = begun(work)
    same = [point for point in complete if point.name in started]
    if not complete and not work.document.is_mirrored:
        raise _none(work, found)
    if not work.arguments.is_of_an_older_point:
        return (same or complete)[0]
    wanted = [point for point in complete if _is_wanted(point, work.arguments)]
    if not wanted:
        raise _no_such(work, found)
    if same and same[0] not in wanted:
        raise errors.OtherPointBegun(
            array=work.equipment.array.array, group=work.document.name, begun=same[0].name
        )
    return (same or wanted)[0]


def replicated(document: Document, array: StorageDriver) -> list[Point]:
    """Return the group's points on this site's array, newest first.

    :raises NothingRecoverable: it has no replicated volumes.
    """
    chain = chain_of(document)
    return array.points(ReplicaGroup(chain.array, chain.array_group))


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
    version = version_as_of(session, group_id, moment)
    members = version.document.members if version else []
    return {member.server_id: member for member in members}


def version_as_of(
    session: Session, group_id: str, moment: datetime.datetime
) -> RecoveryDocument | None:
    """Return the version that was in force then; None: it is not kept any more."""
    for version in documents.history(session, group_id):
        in_line = version.standing in (documents.CURRENT, documents.PAST)
        if in_line and version.document.modified_at <= moment:
            return version
    return None


def lost(disk: Disk, document: Document, array: str) -> Finding:
    """Say that the point lacks a volume that was its VM's already."""
    member, volume = disk
    return Finding(
        Severity.ERROR,
        member.name,
        f"no replicated snapshot for volume {volume.name} ({volume.id}) on array {array}, so the"
        " VM cannot be recovered",
        f"See what is replicated: openstack protector consistency-group show {document.name}"
        if document.is_mirrored
        else f"Volumes are replicated every {document.policy.replication_interval} seconds, and the"
        " last cycle that completed did not hold it",
        member.server_id,
    )


def rpo_seconds(point: Point) -> int:
    return int((datetime.datetime.now(datetime.UTC) - point.created).total_seconds())


# -- inside ---------------------------------------------------------------------------------------


def _is_wanted(point: Point, asked: RecoveryArguments) -> bool:
    if asked.snapshot is not None:
        return point.name == asked.snapshot
    # Times are told in whole seconds; the one that is told is meant.
    created = point.created.replace(microsecond=0)
    return asked.before is not None and created <= asked.before


def _none(work: Recovery, found: Sequence[Point]) -> errors.NoCompletePoint:
    chain = chain_of(work.document)
    return errors.NoCompletePoint(
        array=work.equipment.array.array,
        group=work.document.name,
        array_group=chain.array_group,
        source_array=chain.array,
        found="; ".join(map(_incomplete, found)) or "there is none at all",
        interval=work.document.policy.replication_interval,
    )


def _no_such(work: Recovery, found: Sequence[Point]) -> errors.NoSuchPoint:
    asked = work.arguments
    named, before = asked.snapshot, asked.before
    told = [f"{one.name} of {one.created:%FT%TZ}" for one in found if one.complete]
    unfinished = [_incomplete(one) for one in found if not one.complete]
    more = len(told) - MOST_TOLD
    return errors.NoSuchPoint(
        array=work.equipment.array.array,
        group=work.document.name,
        wanted=named or f"taken until {before:%FT%TZ}",
        found="; ".join(told[:MOST_TOLD] + [f"{more} older ones"] * (more > 0) + unfinished)
        or "none",
    )


def _incomplete(point: Point) -> str:
    return f"{point.name} of {point.created:%FT%TZ} is at {point.progress:.0%}"
