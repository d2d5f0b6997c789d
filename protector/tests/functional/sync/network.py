# SPDX-License-Identifier: Apache-2.0
"""Two sites with real tables, each with real protocol code, and a network that cannot be trusted.

A site may be killed between any two effects: before and after a transaction is committed, before
and after a message is sent. Nothing here is threaded: what happens "meanwhile" is called while a
message is on its way.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from protector import errors
from protector.db import session as database
from protector.db import tenant_mappings
from protector.db.models import Base
from protector.db.session import Sessions
from protector.domain import release
from protector.sync import receive
from protector.sync.editing import Editors
from protector.sync.peer import Fate, HandOver, Peer, PeerSite, ReplicatedPoint, Standing, Version

T = TypeVar("T")

DELIVERED, LOST, ANSWER_LOST, DELAYED, DOUBLED = (
    "delivered",
    "lost",
    "answer lost",
    "delayed",
    "doubled",
)
PROJECTS = {"site-a": "project-a", "site-b": "project-b"}


class Killed(BaseException):
    """The site's processes are gone: nothing of them may catch this."""


class Site:
    """``fuse``: the number of effects that it lives for yet; None: for ever."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.fuse: int | None = None
        self._engine = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        sa.event.listen(self._engine, "connect", _autocommit)
        sa.event.listen(self._engine, "begin", _begin)
        Base.metadata.create_all(self._engine)
        self.plain: Sessions = database.make_sessions(self._engine)
        self.sessions: Any = Mortal(self)
        self.start()
        (other,) = PROJECTS.keys() - {name}
        with self.plain.begin() as session:
            tenant_mappings.create(
                session,
                project_id=PROJECTS[name],
                peer_site=other,
                peer_project_id=PROJECTS[other],
            )

    def start(self) -> None:
        self.alive, self.fuse = True, None
        self.editors = Editors(self.sessions, f"engine-of-{self.name}")

    def effect(self) -> None:
        """Come to a point at which the site may die."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.alive = False
        if not self.alive:
            raise Killed

    def close(self) -> None:
        self._engine.dispose()

    # -- its backup ---------------------------------------------------------------------------

    def copy(self) -> sqlite3.Connection:
        target = sqlite3.connect(":memory:", check_same_thread=False)
        with self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.backup(target)
        return target

    def restore(self, copy: sqlite3.Connection) -> None:
        with self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            copy.backup(driver)


class Mortal:
    """The way to a site's database, as long as the site lives."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @contextlib.contextmanager
    def begin(self) -> Iterator[Session]:
        self._site.effect()
        with self._site.plain.begin() as session:
            yield session
            self._site.effect()
        self._site.effect()


def _autocommit(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


class Network:
    """``fate`` says what becomes of the next message; ``meanwhile`` is called while one travels."""

    def __init__(self) -> None:
        self.parted = False
        self.fate: Callable[[], str] = lambda: DELIVERED
        self.meanwhile: Callable[[], None] = lambda: None
        self.late: list[Callable[[], object]] = []

    def send(self, sender: Site, target: Site, ask: Callable[[Session], T]) -> T:
        sender.effect()
        fate = LOST if self.parted else self.fate()
        if fate == DELAYED:
            self.late.append(lambda: _handle(target, ask))
        if fate in (LOST, DELAYED):
            raise _silence(sender, target)
        self.meanwhile()
        try:
            told = _handle(target, ask)
        except Killed:
            raise _silence(sender, target) from None
        finally:
            if fate == DOUBLED:
                self.late.append(lambda: _handle(target, ask))
        sender.effect()
        if fate == ANSWER_LOST:
            raise _silence(sender, target)
        return told


def _handle(target: Site, ask: Callable[[Session], T]) -> T:
    """Do what protector-api does with a message, and answer as it would over HTTP."""
    try:
        with target.sessions.begin() as session:
            return ask(session)
    except errors.DocumentConflict as conflict:
        raise errors.DocumentConflict(**conflict.kwargs) from None
    except errors.ProtectorError as refusal:
        raise errors.PeerRefused(peer_site=target.name, reason=refusal.text) from None


def _silence(sender: Site, target: Site) -> errors.PeerUnreachable:
    return errors.PeerUnreachable(peer_site=target.name, site=sender.name, reason="no answer")


class Wire(Peer):
    """What ``here`` sees of ``there``."""

    def __init__(self, network: Network, here: Site, there: Site) -> None:
        self.site = there.name
        self._network = network
        self._here, self._there = here, there

    def _send(self, ask: Callable[[Session], T]) -> T:
        return self._network.send(self._here, self._there, ask)

    def introduce(self) -> PeerSite:
        return self._send(lambda session: PeerSite(self.site, "array", release.NEWEST))

    def standings(self, ours: Mapping[str, str]) -> dict[str, Standing]:
        theirs = dict(ours)
        return self._send(lambda session: receive.standings(session, self._here.name, theirs))

    def standing(self, group_id: str, checksum: str | None) -> Standing:
        return self._send(lambda session: receive.standing(session, group_id, checksum))

    def version(self, group_id: str) -> Version | None:
        return self._send(lambda session: receive.version(session, group_id))

    def prepare(self, version: Version, base: str | None) -> None:
        body = json.loads(json.dumps(version.body))
        sent = Version(version.group_id, version.checksum, body, version.overwrites)
        self._send(lambda session: receive.prepare(session, self.site, sent, base))

    def commit(self, group_id: str, checksum: str) -> None:
        self._send(lambda session: receive.commit(session, self.site, group_id, checksum))

    def withdraw(self, group_id: str, checksum: str) -> None:
        self._send(lambda session: receive.withdraw(session, group_id, checksum))

    def delete(self, group_id: str) -> None:
        self._send(lambda session: receive.delete(session, self.site, group_id))

    def replicated_points(self, source_array: str, array_group: str) -> list[ReplicatedPoint]:
        raise NotImplementedError

    def copies_left(self, group_id: str) -> int:
        raise NotImplementedError

    def allow_replication(self, source_array: str, array_group: str) -> str:
        raise NotImplementedError

    def hand_over(self, group_id: str, operation_id: str, checksum: str) -> None:
        raise NotImplementedError

    def hand_over_state(self, group_id: str, operation_id: str) -> HandOver | None:
        raise NotImplementedError

    def hand_back(self, group_id: str, operation_id: str) -> None:
        raise NotImplementedError

    def fate(self, group_id: str, operation_id: str) -> Fate | None:
        raise NotImplementedError
