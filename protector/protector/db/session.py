# SPDX-License-Identifier: Apache-2.0
"""The way into the database. Rows may be read after their transaction has ended."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

# Seconds. MariaDB closes connections that nobody has used for hours.
RECYCLE = 3600
# Seconds that a transaction may stand still before MariaDB ends it: whoever began it was stopped,
# or is cut off, and an engine that is to take over would wait for its rows.
STANDSTILL = 10
# Seconds that one writer of an SQLite file waits for another.
SQLITE_PATIENCE = 30


def connect(url: str) -> sa.Engine:
    """Return the engine of the database at the URL; no connection is made yet.

    Its errors go to the log, and what was to be stored may be a password or user data.
    """
    if sa.make_url(url).get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url, hide_parameters=True, connect_args={"timeout": SQLITE_PATIENCE}
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_recycle=RECYCLE,
        isolation_level="READ COMMITTED",
    )
    sa.event.listen(engine, "connect", _prepare_mariadb)
    return engine


def make_sessions(engine: sa.Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False)


def answers(sessions: sessionmaker[Session]) -> bool:
    """Tell whether the database can be asked anything."""
    try:
        with sessions.begin() as session:
            session.execute(sa.select(1))
    except SQLAlchemyError:
        return False
    return True


def _prepare_mariadb(connection: Any, _record: Any) -> None:
    if "MariaDB" in connection.get_server_info():  # MySQL has nothing of the kind
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION idle_transaction_timeout = %s", (STANDSTILL,))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own accord
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads and then writes cannot wait for another writer: it starts as one.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
