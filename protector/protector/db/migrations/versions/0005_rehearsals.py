# SPDX-License-Identifier: Apache-2.0
"""Test failovers"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "rehearsals",
        sa.Column("operation_id", sa.String(length=39), nullable=False),
        sa.Column("group_id", sa.String(length=39), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("point", sa.String(length=255), nullable=True),
        sa.Column("server_ids", sa.JSON(), nullable=False),
        sa.Column("volume_ids", sa.JSON(), nullable=False),
        sa.Column("network_ids", sa.JSON(), nullable=False),
        sa.Column("networks", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("rto_seconds", sa.Integer(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("cleaned_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("operation_id", name="pk_rehearsals"),
    )
    for column in ("group_id", "cleaned_at"):
        op.create_index(f"ix_rehearsals_{column}", "rehearsals", [column])
