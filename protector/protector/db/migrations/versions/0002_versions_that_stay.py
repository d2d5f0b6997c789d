# SPDX-License-Identifier: Apache-2.0
"""Settled conflicts, drift, fencing, one edit of a group at a time"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "deleted_groups",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("deleted_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_groups")),
    )
    with op.batch_alter_table("protection_groups") as groups:
        # The rows that there are need a value.
        groups.add_column(sa.Column("drift", sa.JSON(), nullable=False, server_default="[]"))
        groups.add_column(sa.Column("fenced", sa.JSON(), nullable=False, server_default="[]"))
        groups.add_column(sa.Column("editor", sa.String(length=255), nullable=True))
        groups.add_column(sa.Column("edited_since", TIME, nullable=True))
        groups.alter_column("sync_error", type_=LONG_TEXT, existing_type=sa.Text())
    with op.batch_alter_table("recovery_documents") as documents:
        documents.add_column(
            sa.Column("overwrites", sa.Boolean(), nullable=False, server_default=sa.false())
        )
