# SPDX-License-Identifier: Apache-2.0
"""The two sites. Callers own the transaction."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from protector import errors
from protector.db.models import ProtectionGroup, Site, TenantMapping, now

REGISTERED = "registered"


def create(session: Session, **values: Any) -> Site:
    row = Site(**values)
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise errors.SiteExists(site=row.name) from None
    return row


def get(session: Session, site: str) -> Site:
    """Return the site of that name or id."""
    row = session.scalar(sa.select(Site).where((Site.id == site) | (Site.name == site)))
    if row is None:
        raise errors.SiteNotFound(site=site)
    return row


def list_all(session: Session) -> Sequence[Site]:
    return session.scalars(sa.select(Site).order_by(Site.name)).all()


def peers(session: Session, here: str) -> list[str]:
    """Return the names of the other sites: one, when the two have been introduced."""
    return [row.name for row in list_all(session) if row.name != here]


def change(session: Session, row: Site, **values: Any) -> None:
    """Change the registration, which has to be validated anew then."""
    for name, value in values.items():
        setattr(row, name, value)
    row.status = REGISTERED
    session.flush()


def validated(session: Session, site: str, status: str) -> None:
    """Write down what a validation found."""
    row = get(session, site)
    row.status = status
    row.validated_at = now()


def delete(session: Session, row: Site) -> None:
    """:raises SiteInUse: protection groups or tenant mappings name it."""
    group = session.scalar(
        sa.select(ProtectionGroup.name)
        .where(
            (ProtectionGroup.primary_site == row.name)
            | (ProtectionGroup.secondary_site == row.name)
        )
        .limit(1)
    )
    if group is not None:
        raise errors.SiteInUse(site=row.name, user=f"protection group {group}")
    mapping = session.scalar(sa.select(TenantMapping.id).filter_by(peer_site=row.name).limit(1))
    if mapping is not None:
        raise errors.SiteInUse(site=row.name, user=f"tenant mapping {mapping}")
    session.delete(row)
