# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import orm

from protector.db import groups, pairs, schema
from protector.db.models import Base
from protector.domain import recovery
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
    assert schema.version(empty) == before == "0006"


def test_taskflow_has_its_own_tables_in_the_same_database(empty: sa.Engine) -> None:
    Persistence(empty)
    schema.upgrade(empty)
    Persistence(empty)
    assert schema.version(empty) == "0006"
    assert {"flowdetails", "protection_groups"} <= set(sa.inspect(empty).get_table_names())


def test_groups_of_an_older_release_are_listed_with_what_their_documents_say(
    empty: sa.Engine,
) -> None:
    schema.upgrade(empty, "0005")
    body = {
        "policy": {"rpo_minutes": 15, "replication_interval": 300},
        "mappings": {"networks": {"web": "dr-web"}, "flavors": {}},
        "members": [{"server_id": "the-server", "name": "web1", "tags": []}],
    }
    with empty.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO protection_groups (id, project_id, name, description, status,"
                " primary_site, secondary_site, current_primary_site, replication_type, epoch,"
                " version, failover_count, remote_sync_status, drift, fenced, created_at) VALUES"
                " ('pg-1', 'p', 'web', '', 'active', 'a', 'b', 'a', 'async', 0, 2, 0, 'SYNCED',"
                " '[]', '[]', '2026-11-29'), ('pg-2', 'p', 'new', '', 'creating', 'a', 'b', 'a',"
                " 'async', 0, 0, 0, 'PENDING', '[]', '[]', '2026-11-29')"
            )
        )
        for version, standing in ((1, "past"), (2, "current")):
            connection.execute(
                sa.text(
                    "INSERT INTO recovery_documents (group_id, epoch, version, checksum, body,"
                    " standing, acknowledged, overwrites, created_at) VALUES"
                    " ('pg-1', 0, :version, :version, :body, :standing, 1, 0, '2026-11-29')"
                ),
                {
                    "version": version,
                    "standing": standing,
                    "body": json.dumps(body if standing == "current" else {}),
                },
            )
    schema.upgrade(empty)
    with orm.Session(empty) as session:
        assert groups.get(session, "pg-1").outline == {
            "rpo_minutes": 15,
            "replication_interval": 300,
            "network_mapping": {"web": "dr-web"},
            "flavor_mapping": {},
            "members": [{"server_id": "the-server", "name": "web1"}],
            "fencing": "stop",
        }
        assert groups.get(session, "pg-2").outline is None


def test_what_a_failover_of_an_older_release_made_is_found_again(empty: sa.Engine) -> None:
    schema.upgrade(empty, "0003")
    with empty.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO server_pairs VALUES ('pg-1', 2, 'the-source', 'the-server')")
        )
    schema.upgrade(empty)
    with orm.Session(empty) as session:
        made = pairs.servers(session, "pg-1", recovery.label(2))
    assert made == {"the-source": "the-server"}
