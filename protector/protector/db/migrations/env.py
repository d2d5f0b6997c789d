# SPDX-License-Identifier: Apache-2.0
"""Run by Alembic with the connection that schema.py gives it."""

from alembic import context

from protector.db.models import Base
from protector.db.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
