# SPDX-License-Identifier: Apache-2.0
"""The database: one transaction at a time, and time passes before each."""

import contextlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable

from flasharray_simulator import clock, replication
from flasharray_simulator.errors import BadSettings
from flasharray_simulator.model.base import Base
from flasharray_simulator.model.tables import Array, Link
from flasharray_simulator.settings import Settings
from flasharray_simulator.world import World, new_id

FILE = "state.sqlite"


class Store:
    """The state of all arrays; what a finished transaction did is on disk.

    An array that is not running does not replicate: time begins to pass when the store is opened.

    :raises BadSettings: another version wrote what is there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._engine = sqlalchemy.create_engine(f"sqlite:///{settings.state_dir / FILE}")
        sqlalchemy.event.listen(self._engine, "connect", _safe_and_quick)
        _check_version(self._engine, settings)
        Base.metadata.create_all(self._engine)
        with Session(self._engine) as session, session.begin():
            _furnish(session, settings)
            self._seen = clock.now(session)
        # Until then, nothing happens by itself.
        self._quiet_until = 0.0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[World]:
        """Let the time pass that has passed, then give the world; nothing is kept of a failure."""
        with self._lock, Session(self._engine, expire_on_commit=False) as session:
            world = World(session, clock.now(session), self._settings)
            if world.now >= self._quiet_until:
                quiet_until = replication.pass_time(world, self._seen)
            else:
                quiet_until = self._quiet_until
            session.commit()
            self._quiet_until = quiet_until
            self._seen = world.now
            with session.begin(), self._watching(session):
                yield world

    def now(self) -> int:
        """Return world time without letting it pass."""
        with self._lock, Session(self._engine) as session:
            return clock.now(session)

    def pass_time(self) -> None:
        with self.transaction():
            pass

    def reset(self) -> None:
        """Forget everything: the arrays are new ones, with new ids."""
        with self._lock:
            Base.metadata.drop_all(self._engine)
            Base.metadata.create_all(self._engine)
            with Session(self._engine) as session, session.begin():
                _furnish(session, self._settings)
                self._seen, self._quiet_until = clock.now(session), 0

    def close(self) -> None:
        with self._lock:
            self._engine.dispose()

    @contextlib.contextmanager
    def _watching(self, session: Session) -> Iterator[None]:
        """Expect something to happen at any time, unless nothing is changed meanwhile."""
        quiet_until, self._quiet_until = self._quiet_until, 0
        before = _changes(session)
        yield
        session.flush()
        if _changes(session) == before:
            self._quiet_until = quiet_until


def _safe_and_quick(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _changes(session: Session) -> int:
    """Return how many rows have been changed since the connection was made."""
    connection: sqlite3.Connection | None = session.connection().connection.driver_connection
    assert connection
    return connection.total_changes


def _check_version(engine: sqlalchemy.Engine, settings: Settings) -> None:
    """:raises BadSettings: the tables there are not this version's."""
    ours = {
        str(CreateTable(table).compile(engine)).strip() for table in Base.metadata.sorted_tables
    }
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT sql FROM sqlite_master WHERE type = 'table'")
        found = {sql.strip() for sql in connection.scalars(query)}
    if found and found != ours:
        raise BadSettings(
            f"{settings.state_dir} was written by another version of the simulator. "
            "Remove it to begin with new arrays"
        )


def _furnish(session: Session, settings: Settings) -> None:
    """Make what the configuration names and the database does not have yet."""
    clock.clock(session)
    for array in settings.arrays:
        if not session.get(Array, array.name):
            session.add(
                Array(name=array.name, id=new_id(), serial_prefix=secrets.token_hex(8).upper())
            )
    for (first, second), synchronous in sorted(_links(settings).items()):
        link = session.get(Link, (first, second))
        if not link:
            link = Link(
                first=first,
                second=second,
                first_id=new_id(),
                second_id=new_id(),
                bandwidth=settings.replication.bandwidth,
                lag=settings.replication.lag,
            )
            session.add(link)
        link.synchronous = synchronous


def _links(settings: Settings) -> dict[tuple[str, str], bool]:
    """Return the two arrays of each link -> whether it is synchronous; one side need name it."""
    named = [(array.name, peer, False) for array in settings.arrays for peer in array.peers]
    named += [(array.name, peer, True) for array in settings.arrays for peer in array.sync_peers]
    links: dict[tuple[str, str], bool] = {}
    for one, other, synchronous in named:
        pair = (min(one, other), max(one, other))
        links[pair] = links.get(pair, False) or synchronous
    return links
