# SPDX-License-Identifier: Apache-2.0
"""What a recovery has made of the source's volumes and servers. Callers own the transaction."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector.db.models import ServerPair, VolumePair


def volumes(session: Session, group_id: str, epoch: int) -> dict[str, VolumePair]:
    """Return id of the source's volume -> what it was recovered as."""
    rows = session.scalars(sa.select(VolumePair).filter_by(group_id=group_id, epoch=epoch))
    return {row.source_volume_id: row for row in rows}


def servers(session: Session, group_id: str, epoch: int) -> dict[str, str]:
    """Return id of the source's server -> id of the one that runs here."""
    rows = session.scalars(sa.select(ServerPair).filter_by(group_id=group_id, epoch=epoch))
    return {row.source_server_id: row.server_id for row in rows}


def all_servers(session: Session, group_id: str) -> set[str]:
    """Return the ids of all servers that failovers of the group have made here."""
    return set(session.scalars(sa.select(ServerPair.server_id).filter_by(group_id=group_id)))


def promoted(
    session: Session,
    group_id: str,
    epoch: int,
    source_volume_id: str,
    *,
    point: str,
    array_volume_id: str,
    array_volume_name: str,
) -> None:
    session.merge(
        VolumePair(
            group_id=group_id,
            epoch=epoch,
            source_volume_id=source_volume_id,
            point=point,
            array_volume_id=array_volume_id,
            array_volume_name=array_volume_name,
        )
    )


def discarded(session: Session, group_id: str, epoch: int, source_volume_id: str) -> None:
    session.execute(
        sa.delete(VolumePair).filter_by(
            group_id=group_id, epoch=epoch, source_volume_id=source_volume_id
        )
    )


def managed(
    session: Session, group_id: str, epoch: int, source_volume_id: str, volume_id: str | None
) -> None:
    """Write down which volume of Cinder it is now; None: none any more."""
    session.execute(
        sa.update(VolumePair)
        .filter_by(group_id=group_id, epoch=epoch, source_volume_id=source_volume_id)
        .values(volume_id=volume_id)
    )


def removed(session: Session, group_id: str, epoch: int, source_server_id: str) -> None:
    session.execute(
        sa.delete(ServerPair).filter_by(
            group_id=group_id, epoch=epoch, source_server_id=source_server_id
        )
    )


def recreated(
    session: Session, group_id: str, epoch: int, source_server_id: str, server_id: str
) -> None:
    session.merge(
        ServerPair(
            group_id=group_id,
            epoch=epoch,
            source_server_id=source_server_id,
            server_id=server_id,
        )
    )
