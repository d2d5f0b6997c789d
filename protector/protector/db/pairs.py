# SPDX-License-Identifier: Apache-2.0
"""What a recovery has made of the source's volumes and servers. Callers own the transaction."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector.db.models import ProtectionGroup, ServerPair, VolumePair
from protector.domain import recovery


def volumes(session: Session, group_id: str, label: str) -> dict[str, VolumePair]:
    """Return id of the source's volume -> what it was recovered as."""
    rows = session.scalars(sa.select(VolumePair).filter_by(group_id=group_id, label=label))
    return {row.source_volume_id: row for row in rows}


def servers(session: Session, group_id: str, label: str) -> dict[str, str]:
    """Return id of the source's server -> id of the one that runs here."""
    rows = session.scalars(sa.select(ServerPair).filter_by(group_id=group_id, label=label))
    return {row.source_server_id: row.server_id for row in rows}


def all_servers(session: Session, group_id: str) -> set[str]:
    """Return the ids of all servers that failovers of the group, not tests, have made here."""
    return set(
        session.scalars(
            sa.select(ServerPair.server_id).where(
                ServerPair.group_id == group_id, ServerPair.label.startswith(recovery.FAILOVER)
            )
        )
    )


def labels(session: Session, group_id: str) -> set[str]:
    """Return the labels of all recoveries of the group that have left something here."""
    found = {
        label
        for table in (VolumePair, ServerPair)
        for label in session.scalars(sa.select(table.label).filter_by(group_id=group_id))
    }
    return found


def groups(session: Session, *, away_from: str) -> set[str]:
    """Return the ids of the groups that a recovery has left something of here, and that left.

    :param away_from: this site: of what runs here, there may be thousands, and nothing is left.
    """
    return {
        id
        for table in (VolumePair, ServerPair)
        for id in session.scalars(
            sa.select(table.group_id)
            .join(ProtectionGroup, ProtectionGroup.id == table.group_id)
            .where(ProtectionGroup.current_primary_site != away_from)
            .distinct()
        )
    }


def promoted(
    session: Session,
    group_id: str,
    label: str,
    source_volume_id: str,
    *,
    point: str,
    array_volume_id: str,
    array_volume_name: str,
) -> None:
    session.merge(
        VolumePair(
            group_id=group_id,
            label=label,
            source_volume_id=source_volume_id,
            point=point,
            array_volume_id=array_volume_id,
            array_volume_name=array_volume_name,
        )
    )


def discarded(session: Session, group_id: str, label: str, source_volume_id: str) -> None:
    session.execute(
        sa.delete(VolumePair).filter_by(
            group_id=group_id, label=label, source_volume_id=source_volume_id
        )
    )


def managed(
    session: Session, group_id: str, label: str, source_volume_id: str, volume_id: str | None
) -> None:
    """Write down which volume of Cinder it is now; None: none any more."""
    session.execute(
        sa.update(VolumePair)
        .filter_by(group_id=group_id, label=label, source_volume_id=source_volume_id)
        .values(volume_id=volume_id)
    )


def removed(session: Session, group_id: str, label: str, source_server_id: str) -> None:
    session.execute(
        sa.delete(ServerPair).filter_by(
            group_id=group_id, label=label, source_server_id=source_server_id
        )
    )


def recreated(
    session: Session, group_id: str, label: str, source_server_id: str, server_id: str
) -> None:
    session.merge(
        ServerPair(
            group_id=group_id,
            label=label,
            source_server_id=source_server_id,
            server_id=server_id,
        )
    )
