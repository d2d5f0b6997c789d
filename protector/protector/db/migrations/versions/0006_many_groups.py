# SPDX-License-Identifier: Apache-2.0
"""Many groups: lists need no documents, and what is asked again and again has an index"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Groups whose documents are read at once.
AT_ONCE = 100


def upgrade() -> None:
    op.add_column("protection_groups", sa.Column("outline", sa.JSON(), nullable=True))
    _outline_all()
    for table in ("protection_groups", "operations"):
        # MariaDB has one of the name at a time.
        op.drop_index(f"ix_{table}_project_id", table)
        op.create_index(f"ix_{table}_project_id", table, ["project_id", "created_at"])
    op.create_index("ix_operations_trust_id", "operations", ["trust_id"])
    op.create_index(
        "ix_recovery_documents_standing",
        "recovery_documents",
        ["standing", "group_id", "checksum", "acknowledged"],
    )


def _outline_all() -> None:
    groups = sa.table("protection_groups", sa.column("id"), sa.column("outline", sa.JSON()))
    documents = sa.table(
        "recovery_documents", sa.column("group_id"), sa.column("standing"), sa.column("body")
    )
    connection = op.get_bind()
    ids = connection.scalars(sa.select(groups.c.id)).all()
    for some in (ids[n : n + AT_ONCE] for n in range(0, len(ids), AT_ONCE)):
        in_force = sa.select(documents.c.group_id, documents.c.body).where(
            documents.c.group_id.in_(some), documents.c.standing == "current"
        )
        for id, body in connection.execute(in_force).all():
            outlined = groups.update().where(groups.c.id == id).values(outline=_outline(body))
            connection.execute(outlined)


def _outline(text: str) -> dict[str, object]:
    """Return what the release of this migration makes of a document, of whichever schema."""
    body = json.loads(text)
    return {
        "rpo_minutes": body["policy"]["rpo_minutes"],
        "replication_interval": body["policy"]["replication_interval"],
        "network_mapping": body["mappings"]["networks"],
        "flavor_mapping": body["mappings"]["flavors"],
        "members": [
            {"server_id": one["server_id"], "name": one["name"]} for one in body["members"]
        ],
        "fencing": body.get("fencing", "stop"),
    }
