# SPDX-License-Identifier: Apache-2.0
"""The database's tables, brought to this release's by migrations."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

# TaskFlow keeps an alembic_version of its own in the same database.
VERSION_TABLE = "protector_alembic_version"


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the tables to this release, or to an older one's; none are there at first."""
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)


def version(engine: sa.Engine) -> str | None:
    """Return the migration that was applied last, or None in an empty database."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def config(connection: sa.Connection) -> Config:
    found = Config()
    found.set_main_option("script_location", "protector.db:migrations")
    found.attributes["connection"] = connection
    return found
