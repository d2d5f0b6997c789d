# SPDX-License-Identifier: Apache-2.0
"""What stands behind a group on this site, asked of the array at this moment."""

import dataclasses
import datetime
from typing import Any, get_args

from protector.db import documents
from protector.domain.document import ConsistencyGroup, Document, ReplicationType
from protector.engine.points import replicated, rpo_seconds
from protector.engine.work import Equipment
from protector.storage.base import Point, ReplicaGroup

# Points shown, newest first.
SHOWN = 10


def consistency_group(equipment: Equipment, group_id: str) -> dict[str, Any]:
    """Return the chain as its source sees it, or the points that its target holds."""
    with equipment.sessions.begin() as session:
        document = documents.in_force(session, group_id).document
    chain = document.consistency_group
    if chain is None:
        return {"protection_group": document.name}
    if equipment.array.array == chain.array:
        return _at_the_source(equipment, document, chain)
    return _at_the_target(equipment, document, chain)


def snapshots(equipment: Equipment, group_id: str) -> list[dict[str, Any]]:
    """Return the group's points that this site's array has got of the other's, newest first."""
    with equipment.sessions.begin() as session:
        document = documents.in_force(session, group_id).document
    if document.consistency_group is None:
        return []
    return [
        {
            "name": point.name,
            "created_at": f"{point.created:%FT%TZ}",
            "complete": point.complete,
            "progress": round(point.progress * 100),
            "sent_bytes": point.sent_bytes,
            "age_seconds": rpo_seconds(point),
        }
        for point in replicated(document, equipment.array)
    ]


def volume_types(equipment: Equipment) -> list[dict[str, Any]]:
    cloud = equipment.cloud.as_service()
    return [
        {**dataclasses.asdict(type), "replication_type": kind}
        for kind in get_args(ReplicationType)
        for type in cloud.volume_types(kind)
    ]


def replicated_points(
    equipment: Equipment, source_array: str, array_group: str
) -> list[dict[str, Any]]:
    """Return what this site's array holds of a group of the peer's array, newest first."""
    found = equipment.array.points(ReplicaGroup(source_array, array_group))
    return [
        {"name": one.name, "complete": one.complete, "progress": one.progress}
        for one in found[:SHOWN]
    ]


def _at_the_source(
    equipment: Equipment, document: Document, chain: ConsistencyGroup
) -> dict[str, Any]:
    replication = equipment.array.replication(chain.array_group)
    wanted = {volume.array_volume for m in document.members for volume in m.volumes}
    replicated = replication.volumes if replication else frozenset()
    return {
        "protection_group": document.name,
        "role": "source",
        "array": chain.array,
        "array_group": chain.array_group,
        "cinder_group_id": chain.cinder_group_id,
        "target_array": replication.target if replication else None,
        "replicating": bool(replication and replication.allowed and replication.enabled),
        "replication_interval": replication.interval_seconds if replication else None,
        **_of_the_mirror(equipment, document, chain),
        "volumes": sorted(replicated),
        "volumes_not_replicated": sorted(wanted - replicated),
    }


def _at_the_target(
    equipment: Equipment, document: Document, chain: ConsistencyGroup
) -> dict[str, Any]:
    points = equipment.array.points(ReplicaGroup(chain.array, chain.array_group))
    complete = [point for point in points if point.complete]
    return {
        "protection_group": document.name,
        "role": "target",
        "array": equipment.array.array,
        "source_array": chain.array,
        "array_group": chain.array_group,
        "latest_complete_snapshot": complete[0].name if complete else None,
        "rpo_seconds": rpo_seconds(complete[0]) if complete else None,
        "rpo_minutes": document.policy.rpo_minutes,
        **_of_the_mirror(equipment, document, chain),
        "snapshots": [_view(point) for point in points[:SHOWN]],
    }


def _of_the_mirror(
    equipment: Equipment, document: Document, chain: ConsistencyGroup
) -> dict[str, Any]:
    """Return how a mirrored group stands, as this site's array sees it; of others nothing."""
    if not document.is_mirrored:
        return {}
    mirror = equipment.array.mirror(chain.array_group)
    return {
        "mirrored_in": mirror and mirror.pod,
        "mirrored_with": mirror and mirror.other,
        "mirror_here": mirror and mirror.here,
        "mirror_there": mirror and mirror.there,
        "mirror_as_of": mirror and mirror.as_of and f"{mirror.as_of:%FT%TZ}",
    }


def _view(point: Point) -> dict[str, Any]:
    return {
        "name": point.name,
        "created": f"{point.created.astimezone(datetime.UTC):%FT%TZ}",
        "complete": point.complete,
        "progress": round(point.progress, 2),
        "volumes": len(point.volumes),
    }
