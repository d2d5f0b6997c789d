# SPDX-License-Identifier: Apache-2.0
"""Operations that go on with another, or are cancelled"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("operations") as operations:
        operations.add_column(sa.Column("retry_of", sa.String(length=39), nullable=True))
        operations.add_column(sa.Column("cancel", sa.String(length=32), nullable=True))
        operations.add_column(sa.Column("cancelled_by", sa.String(length=64), nullable=True))
