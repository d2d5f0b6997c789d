# SPDX-License-Identifier: Apache-2.0
"""Which project of this site is which of the peer's. Callers own the transaction."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from protector import errors
from protector.db.models import ProtectionGroup, TenantMapping


def create(
    session: Session, *, project_id: str, peer_site: str, peer_project_id: str
) -> TenantMapping:
    row = TenantMapping(project_id=project_id, peer_site=peer_site, peer_project_id=peer_project_id)
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise errors.TenantMappingExists(project_id=project_id, peer_site=peer_site) from None
    return row


def get(session: Session, mapping_id: str) -> TenantMapping:
    row = session.get(TenantMapping, mapping_id)
    if row is None:
        raise errors.TenantMappingNotFound(mapping=mapping_id)
    return row


def list_all(session: Session) -> Sequence[TenantMapping]:
    return session.scalars(
        sa.select(TenantMapping).order_by(TenantMapping.created_at, TenantMapping.id)
    ).all()


def peer_project(session: Session, *, project_id: str, peer_site: str, site: str) -> str:
    """Return what the project is on the peer.

    :param site: this one, for the refusal.
    :raises NoTenantMapping: nobody has said.
    """
    found = session.scalar(
        sa.select(TenantMapping.peer_project_id).filter_by(
            project_id=project_id, peer_site=peer_site
        )
    )
    if found is None:
        raise errors.NoTenantMapping(project_id=project_id, site=site, peer_site=peer_site)
    return found


def delete(session: Session, row: TenantMapping) -> None:
    """:raises TenantMappingInUse: a protection group of the project is on that site too."""
    group = session.scalar(
        sa.select(ProtectionGroup.name)
        .where(
            ProtectionGroup.project_id == row.project_id,
            (ProtectionGroup.primary_site == row.peer_site)
            | (ProtectionGroup.secondary_site == row.peer_site),
        )
        .limit(1)
    )
    if group is not None:
        raise errors.TenantMappingInUse(mapping=row.id, group=group, project_id=row.project_id)
    session.delete(row)
