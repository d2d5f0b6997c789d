# SPDX-License-Identifier: Apache-2.0
"""Groups whose volumes are on both arrays at any moment: how they stand, and their points.

Such a group is recovered from a point that is taken here and now, and not found. What it lies in
on the arrays is shared with other groups, so it is looked at and never changed.
"""

import datetime
from collections.abc import Iterator

from protector import errors
from protector.domain.document import Document
from protector.domain.readiness import Finding, Severity
from protector.engine import points
from protector.engine.recovery import Recovery
from protector.storage.base import Mirror, Point, StorageDriver

ONLINE, RESYNCING, SUSPENDED = "online", "resyncing", "suspended"


def takes_its_point(work: Recovery) -> bool:
    """Whether the group is recovered from a point of its own: none is asked for, or begun with.

    One that was begun with may be old by now, and removed.
    """
    if not work.document.is_mirrored or work.arguments.is_of_an_older_point:
        return False
    begun = points.begun(work)
    there = points.replicated(work.document, work.equipment.array) if begun else []
    return begun.isdisjoint(point.name for point in there)


def prospect(work: Recovery) -> Point:
    """Return the point that would be taken now.

    :raises NotMirrored, MirrorResyncing, MirrorOffline, ArrayBusy: none can be.
    """
    chain, array = points.chain_of(work.document), work.equipment.array
    _must_be_whole(work.document, array)
    replication = array.replication(chain.array_group)
    volumes = replication.volumes if replication else ()
    return Point(
        name="taken at its start",
        created=datetime.datetime.now(datetime.UTC),
        complete=True,
        progress=1.0,
        volumes={volume: "" for volume in volumes},
    )


def take(work: Recovery) -> None:
    """Take the operation's point. It is found among the others, as the newest, from then on.

    :raises NotMirrored, MirrorResyncing, MirrorOffline, ArrayBusy: it cannot be.
    """
    chain, array = points.chain_of(work.document), work.equipment.array
    _must_be_whole(work.document, array)
    array.take_point(chain.array_group, key=work.claim.operation_id)


def standing(document: Document, array: StorageDriver) -> Mirror:
    """:raises NotMirrored: the array knows nothing of the group."""
    chain = points.chain_of(document)
    found = array.mirror(chain.array_group)
    if found is None:
        raise errors.NotMirrored(
            array=array.array,
            group=document.name,
            array_group=chain.array_group,
            source_array=chain.array,
        )
    return found


def findings(document: Document, mirror: Mirror, array: str) -> Iterator[Finding]:
    """Tell what would keep this array from going on, should the other be lost, or has."""
    group, source = document.name, points.chain_of(document).array

    def warn(what: str, remedy: str) -> Finding:
        return Finding(Severity.WARNING, group, what, remedy)

    if mirror.other is None:
        yield warn(
            f"Pod {mirror.pod} is on array {array} alone: what array {source} acknowledged since it"
            " was taken out of the pod is not there",
            f"See: purepod list {mirror.pod}",
        )
    elif mirror.preferred is None:
        yield warn(
            f"Pod {mirror.pod} does not say which array goes on when the two part: it is the one"
            f" that is quicker, which may be {array} while the VMs run on the other site",
            "Have the array's administrator set it: purepod setattr --failover-preference"
            f" {source} {mirror.pod}",
        )
    if not mirror.mediated:
        yield warn(
            f"Array {array} does not reach the mediator of pod {mirror.pod}: it cannot go on should"
            " the other array be lost",
            f"See: purepod list --mediator {mirror.pod}",
        )


# -- inside ---------------------------------------------------------------------------------------


def _must_be_whole(document: Document, array: StorageDriver) -> None:
    mirror = standing(document, array)
    if mirror.here == ONLINE:
        return
    if mirror.here == SUSPENDED:
        reason = f"pod {mirror.pod} is suspended until it is decided which array goes on"
        raise errors.ArrayBusy(array=array.array, reason=reason)
    if mirror.here == RESYNCING:
        raise errors.MirrorResyncing(
            pod=mirror.pod,
            group=document.name,
            array=array.array,
            progress=f"{mirror.progress or 0.0:.0%}",
        )
    raise errors.MirrorOffline(
        pod=mirror.pod,
        group=document.name,
        array=array.array,
        source_array=points.chain_of(document).array,
        as_of=f"{mirror.as_of:%FT%TZ}" if mirror.as_of else "a moment that it does not tell",
    )
