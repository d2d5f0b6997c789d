# SPDX-License-Identifier: Apache-2.0
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from protector.db import schema
from protector.db.models import Base
from protector.engine.persistence import Persistence


def ours(thing: Any, name: str, kind: str, reflected: bool, compared: Any) -> bool:
    """TaskFlow's tables in the same database are its own affair."""
    return not (kind == "table" and reflected and compared is None)


def test_the_migrations_make_the_tables_of_the_models(empty: sa.Engine) -> None:
    schema.upgrade(empty)
    with empty.connect() as connection:
        options = {"include_object": ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(empty: sa.Engine) -> None:
    assert schema.version(empty) is None
    schema.upgrade(empty)
    before = schema.version(empty)
    schema.upgrade(empty)
    assert schema.version(empty) == before == "0003"


def test_taskflow_has_its_own_tables_in_the_same_database(empty: sa.Engine) -> None:
    Persistence(empty)
    schema.upgrade(empty)
    Persistence(empty)
    assert schema.version(empty) == "0003"
    assert {"flowdetails", "protection_groups"} <= set(sa.inspect(empty).get_table_names())
