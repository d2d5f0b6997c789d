# SPDX-License-Identifier: Apache-2.0
"""What a recovery has made is told apart by a label, of which a failover's is its epoch's"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table in ("volume_pairs", "server_pairs"):
        with op.batch_alter_table(table) as pairs:
            pairs.alter_column(
                "epoch",
                new_column_name="label",
                existing_type=sa.Integer(),
                type_=sa.String(length=16),
                existing_nullable=False,
            )
        op.execute(f"UPDATE {table} SET label = {_prefixed()}")


def _prefixed() -> str:
    return "'e' || label" if op.get_bind().dialect.name == "sqlite" else "CONCAT('e', label)"
