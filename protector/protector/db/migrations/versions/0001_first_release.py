# SPDX-License-Identifier: Apache-2.0
"""The tables of the first release"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

# MariaDB keeps whole seconds and 64 kB of text unless told otherwise.
TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("group_id", sa.String(length=39), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("source_site", sa.String(length=64), nullable=False),
        sa.Column("target_site", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("trust_id", sa.String(length=64), nullable=True),
        sa.Column("error_message", LONG_TEXT, nullable=True),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("completed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_index(op.f("ix_operations_group_id"), "operations", ["group_id"])
    op.create_index(op.f("ix_operations_project_id"), "operations", ["project_id"])
    op.create_index(op.f("ix_operations_status"), "operations", ["status"])

    op.create_table(
        "protection_groups",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("primary_site", sa.String(length=64), nullable=False),
        sa.Column("secondary_site", sa.String(length=64), nullable=False),
        sa.Column("current_primary_site", sa.String(length=64), nullable=False),
        sa.Column("replication_type", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failover_count", sa.Integer(), nullable=False),
        sa.Column("last_failover_at", TIME, nullable=True),
        sa.Column("remote_sync_status", sa.String(length=32), nullable=False),
        sa.Column("remote_epoch", sa.Integer(), nullable=True),
        sa.Column("remote_version", sa.Integer(), nullable=True),
        sa.Column("last_sync_at", TIME, nullable=True),
        sa.Column("sync_error", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protection_groups")),
        sa.UniqueConstraint("project_id", "name", name="uq_protection_groups_name"),
    )
    op.create_index(op.f("ix_protection_groups_project_id"), "protection_groups", ["project_id"])

    op.create_table(
        "recovery_documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(length=39), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_documents")),
        sa.UniqueConstraint("group_id", "checksum", name="uq_recovery_documents_checksum"),
    )
    op.create_index(op.f("ix_recovery_documents_group_id"), "recovery_documents", ["group_id"])

    op.create_table(
        "server_pairs",
        sa.Column("group_id", sa.String(length=39), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("source_server_id", sa.String(length=36), nullable=False),
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint(
            "group_id", "epoch", "source_server_id", name=op.f("pk_server_pairs")
        ),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("auth_url", sa.String(length=255), nullable=False),
        sa.Column("region_name", sa.String(length=255), nullable=True),
        sa.Column("username", sa.String(length=255), nullable=True),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("project_name", sa.String(length=255), nullable=True),
        sa.Column("user_domain_name", sa.String(length=255), nullable=True),
        sa.Column("project_domain_name", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("validated_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("name", name=op.f("uq_sites_name")),
    )
    op.create_table(
        "tenant_mappings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("peer_site", sa.String(length=64), nullable=False),
        sa.Column("peer_project_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_mappings")),
        sa.UniqueConstraint("peer_site", "peer_project_id", name="uq_tenant_mappings_peer"),
        sa.UniqueConstraint("peer_site", "project_id", name="uq_tenant_mappings_project"),
    )
    op.create_table(
        "volume_pairs",
        sa.Column("group_id", sa.String(length=39), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("source_volume_id", sa.String(length=36), nullable=False),
        sa.Column("point", sa.String(length=255), nullable=False),
        sa.Column("array_volume_id", sa.String(length=64), nullable=False),
        sa.Column("array_volume_name", sa.String(length=255), nullable=False),
        sa.Column("volume_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint(
            "group_id", "epoch", "source_volume_id", name=op.f("pk_volume_pairs")
        ),
    )
    op.create_table(
        "operation_steps",
        sa.Column("operation_id", sa.String(length=39), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("detail", LONG_TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operations.id"],
            name=op.f("fk_operation_steps_operation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("operation_id", "name", name=op.f("pk_operation_steps")),
    )
