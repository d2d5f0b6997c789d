# SPDX-License-Identifier: Apache-2.0
"""What recoveries made here of groups that have failed back since. Callers own the transaction."""

import dataclasses

from sqlalchemy.orm import Session

from protector.db import documents, groups, pairs
from protector.db.models import VolumePair
from protector.domain import recovery
from protector.domain.document import Document


@dataclasses.dataclass(frozen=True)
class Copies:
    """``servers``: ids of the source's; ``volumes``: by ids of the source's."""

    document: Document
    label: str
    servers: list[str]
    volumes: dict[str, VolumePair]


def of_all(session: Session, site: str) -> list[Copies]:
    left = sorted(pairs.groups(session, away_from=site))
    return [one for group_id in left for one in of(session, site, group_id)]


def of(session: Session, site: str, group_id: str) -> list[Copies]:
    """Return what is left of the group here, by recovery."""
    row = groups.find(session, group_id)
    if row is None or row.superseded:
        return []  # what is in force here says nothing of where the group runs now
    document = documents.in_force(session, group_id).document
    if document.current_primary_site == site:
        return []
    return [
        Copies(
            document,
            label,
            list(pairs.servers(session, group_id, label)),
            pairs.volumes(session, group_id, label),
        )
        for label in sorted(pairs.labels(session, group_id))
        if recovery.is_over(label, document)
    ]


def left(session: Session, site: str, group_id: str) -> int:
    """Return how many servers and volumes are left of the group here."""
    return sum(len(one.servers) + len(one.volumes) for one in of(session, site, group_id))
