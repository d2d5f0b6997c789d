# SPDX-License-Identifier: Apache-2.0
"""Two sites in memory: real engine, real synchronization, real tables; fake clouds and arrays."""

import contextlib
import datetime
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from oslo_context.context import RequestContext
from sqlalchemy.orm import Session

from protector import conf as options
from protector import errors
from protector.cloud.base import VolumeType
from protector.cloud.fake import FakeCloud
from protector.db import (
    claims,
    copies,
    documents,
    groups,
    operations,
    session,
    steps,
    tenant_mappings,
)
from protector.db.models import Base, Operation, OperationStep, ProtectionGroup
from protector.domain import release
from protector.domain.document import Document
from protector.domain.group import COURSES, Event, Status
from protector.domain.operation import ARGUMENTS, FailoverArguments, Kind
from protector.engine import inspection
from protector.engine.capture import Capture
from protector.engine.edits import Edits
from protector.engine.execution import Execution
from protector.engine.persistence import Persistence
from protector.engine.sweeps.copies import Copies
from protector.engine.sweeps.fencing import Fencing
from protector.engine.work import Equipment
from protector.storage.base import ReplicaGroup
from protector.storage.fake import FakeArray
from protector.sync import exchange, handover, peer, receive

NETWORKS = {"web": "dr-web", "db": "dr-db"}
FLAVORS = {"m1.small": "dr.small"}
GROUP = "prod-web-app"


class Killed(BaseException):
    """The engine's process is gone: nothing of it may catch this."""


def configure(site: str) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf.set_override("site_name", site)
    conf.set_override("host", f"engine-of-{site}", group="engine")
    conf.set_override("step_budget", 0, group="engine")  # unless a test is about it
    conf.set_override("watch_interval", 0.01, group="engine")
    conf.set_override("standstill_timeout", 5, group="engine")
    conf([], default_config_files=[], default_config_dirs=[])
    return conf


def _hasty(connection: Any, _record: Any) -> None:
    """A test's database need not survive a power cut."""
    connection.execute("PRAGMA synchronous = OFF")


class InMemoryPeer(peer.Peer):
    """Another site's Protector; ``journal`` is all that it was asked.

    ``lose``: the names of what is asked whose answer gets lost, once each.
    """

    def __init__(self, target: "Site", here: str) -> None:
        self.site = target.name
        self._here = here
        self.journal: list[str] = []
        self.down = False
        self.asked: Callable[[str], None] = lambda what: None
        self.lose: list[str] = []
        self._target = target

    def _ask(self, what: str) -> None:
        self.journal.append(what)
        self.asked(what)
        if self.down:
            raise self._silence()

    def _silence(self) -> errors.PeerUnreachable:
        return errors.PeerUnreachable(
            peer_site=self.site, site="the other", reason="Connection refused"
        )

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[Session]:
        """Ask as over HTTP: what is refused is told in a sentence."""
        self._ask(what)
        try:
            with self._target.sessions.begin() as transaction:
                yield transaction
        except errors.DocumentConflict:
            raise
        except errors.ProtectorError as refusal:
            raise errors.PeerRefused(peer_site=self.site, reason=refusal.text) from None
        if what in self.lose:
            self.lose.remove(what)
            raise self._silence()

    def introduce(self) -> peer.PeerSite:
        self._ask("introduce")
        return peer.PeerSite(self.site, self._target.array.array, release.NEWEST)

    def standings(self, ours: Mapping[str, str]) -> dict[str, peer.Standing]:
        self._ask("standings")
        with self._target.sessions.begin() as transaction:
            return receive.standings(transaction, self._here, ours)

    def standing(self, group_id: str, checksum: str | None) -> peer.Standing:
        self._ask("standing")
        with self._target.sessions.begin() as transaction:
            return receive.standing(transaction, group_id, checksum)

    def version(self, group_id: str) -> peer.Version | None:
        self._ask("version")
        with self._target.sessions.begin() as transaction:
            return receive.version(transaction, group_id)

    def prepare(self, version: peer.Version, base: str | None) -> None:
        with self._asking("prepare") as transaction:
            receive.prepare(transaction, self.site, version, base)

    def commit(self, group_id: str, checksum: str) -> None:
        with self._asking("commit") as transaction:
            receive.commit(transaction, self.site, group_id, checksum)

    def withdraw(self, group_id: str, checksum: str) -> None:
        self._ask("withdraw")
        with self._target.sessions.begin() as transaction:
            receive.withdraw(transaction, group_id, checksum)

    def delete(self, group_id: str) -> None:
        self._ask("delete")
        with self._target.sessions.begin() as transaction:
            receive.delete(transaction, self.site, group_id)

    def allow_replication(self, source_array: str, array_group: str) -> str:
        self._ask("allow_replication")
        self._target.array.allow(ReplicaGroup(source_array, array_group))
        return self._target.array.array

    def replicated_points(self, source_array: str, array_group: str) -> list[peer.ReplicatedPoint]:
        self._ask("replicated_points")
        found = inspection.replicated_points(self._target.equipment, source_array, array_group)
        return [peer.ReplicatedPoint(**one) for one in found]

    def copies_left(self, group_id: str) -> int:
        self._ask("copies_left")
        Copies(self._target.equipment).look()
        with self._target.sessions.begin() as transaction:
            return copies.left(transaction, self.site, group_id)

    # -- its engine works whenever it is asked something ----------------------------------------

    def hand_over(self, group_id: str, operation_id: str, checksum: str) -> None:
        with self._asking("hand_over") as transaction:
            handover.begin(
                transaction,
                self.site,
                group_id,
                operation_id,
                checksum,
                user_id="protector",
                request_id="req-peer",
            )

    def hand_over_state(self, group_id: str, operation_id: str) -> peer.HandOver | None:
        with self._asking("hand_over_state") as transaction:
            state = handover.state(transaction, group_id, operation_id)
        self._target.work()
        return state

    def hand_back(self, group_id: str, operation_id: str) -> None:
        with self._asking("hand_back") as transaction:
            handover.give_back(transaction, self.site, group_id, operation_id)

    def fate(self, group_id: str, operation_id: str) -> peer.Fate | None:
        with self._asking("fate") as transaction:
            return handover.fate(transaction, self.site, group_id, operation_id)


class Site:
    """``asleep``: no engine of it works."""

    def __init__(self, name: str, database: pathlib.Path) -> None:
        self.name = name
        self.array = FakeArray(f"array-{name[-1]}")
        self.cloud = FakeCloud(name, array=self.array)
        self.conf = configure(name)
        self.engine = session.connect(f"sqlite:///{database}")
        sa.event.listen(self.engine, "connect", _hasty)
        Base.metadata.create_all(self.engine)
        self.sessions = session.make_sessions(self.engine)
        self.persistence = Persistence(self.engine)
        self.peer: InMemoryPeer
        self.asleep = False

    def meet(self, other: "Site", *, project: str, peer_project: str) -> None:
        self.peer = InMemoryPeer(other, self.name)
        self.equipment = Equipment(
            conf=self.conf,
            sessions=self.sessions,
            cloud=self.cloud,
            array=self.array,
            peer=lambda name: self.peer,
        )
        self.edits = Edits(self.equipment)
        with self.sessions.begin() as transaction:
            tenant_mappings.create(
                transaction,
                project_id=project,
                peer_site=other.name,
                peer_project_id=peer_project,
            )

    def run(self, operation_id: str) -> Operation:
        """Claim the operation and run it, here and now."""
        with self.sessions.begin() as transaction:
            claim = claims.take(transaction, operation_id, self.conf.engine.host)
        assert claim is not None
        Execution(self.equipment, self.persistence, claim).run()
        return self.operation(operation_id)

    def restart(self) -> None:
        """Start an engine after the last one was killed, and let it resume."""
        self.persistence = Persistence(self.engine)
        with self.sessions.begin() as transaction:
            host = self.conf.engine.host
            left = claims.orphaned(transaction, host, alive=None)
            again = [claims.take_over(transaction, claim, host) for claim in left]
        for claim in filter(None, again):
            Execution(self.equipment, self.persistence, claim).run()

    def work(self) -> None:
        """Do what an engine finds to be done; one that is killed is followed by another."""
        if self.asleep:
            return
        host = self.conf.engine.host
        with self.sessions.begin() as transaction:
            left = claims.orphaned(transaction, host, alive=None)
            again = [claims.take_over(transaction, claim, host) for claim in left]
            queued = claims.queued(transaction)
            begun = [claims.take(transaction, id, host) for id in queued]
        for claim in filter(None, [*again, *begun]):
            with contextlib.suppress(Killed):
                Execution(self.equipment, Persistence(self.engine), claim).run()

    def capture(self) -> None:
        """Look at the protected VMs, and take in what has changed."""
        Capture(self.equipment).look()

    def operations(self, kind: Kind) -> list[Operation]:
        with self.sessions.begin() as transaction:
            rows = transaction.scalars(sa.select(Operation).filter_by(kind=kind))
            return sorted(rows, key=lambda row: row.created_at)

    def group(self, group_id: str) -> ProtectionGroup:
        with self.sessions.begin() as transaction:
            return groups.get(transaction, group_id)

    def operation(self, operation_id: str) -> Operation:
        with self.sessions.begin() as transaction:
            return operations.get(transaction, operation_id)

    def steps(self, operation_id: str) -> dict[str, OperationStep]:
        with self.sessions.begin() as transaction:
            return steps.get_all(transaction, operation_id)


class World:
    """``a`` is the primary site of ``project-a``'s group, ``b`` the other one."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.a = Site("site-a", directory / "a.db")
        self.b = Site("site-b", directory / "b.db")
        self.a.array.connect(self.b.array)
        self.a.meet(self.b, project="project-a", peer_project="project-b")
        self.b.meet(self.a, project="project-b", peer_project="project-a")
        for network in NETWORKS:
            self.a.cloud.add_network(network, "10.10.0.0/24")
        self.b.cloud.add_network("dr-web", "10.10.0.0/24")
        self.b.cloud.add_network("dr-db", "10.99.0.0/24")
        self.a.cloud.add_flavor("m1.small")
        self.b.cloud.add_flavor("dr.small")
        self.group_id = ""

    # -- before the disaster ------------------------------------------------------------------

    def create_group(self, replication_type: str = "async", **request: Any) -> str:
        with self.a.sessions.begin() as transaction:
            row = groups.create(
                transaction,
                name=GROUP,
                project_id="project-a",
                primary_site="site-a",
                secondary_site="site-b",
                replication_type=replication_type,
            )
        self.group_id = row.id
        asked = {
            "volume_type": None,
            "rpo_minutes": 15,
            "replication_interval": 300,
            "networks": NETWORKS,
            "flavors": FLAVORS,
            "fencing": "stop",
        }
        self.a.edits.create_group(context(), row.id, {**asked, **request})
        return row.id

    def add_server(
        self,
        name: str,
        *,
        volumes: int = 1,
        network: str = "web",
        user_data: str | None = None,
        volume_type: VolumeType | None = None,
        **wishes: Any,
    ) -> str:
        facts = self.a.cloud.add_server(
            "project-a",
            name,
            networks=[network],
            volumes=volumes,
            user_data=user_data,
            volume_type=volume_type,
        )
        self.a.edits.add_member(context(), self.group_id, name, wishes)
        return facts.member.server_id

    def add_member(self, server: str) -> None:
        self.a.edits.add_member(context(), self.group_id, server)

    def protect(self, *names: str) -> None:
        """Have a group of these VMs with two volumes each, and one complete point of it."""
        self.create_group()
        for name in names:
            self.add_server(name, volumes=2)
        self.take_point()

    def mirror(self, *names: str) -> None:
        """Have a group of type sync, of these VMs with two volumes each, in site-a's pod."""
        for site, other in ((self.a, self.b), (self.b, self.a)):
            site.cloud.pod = f"pod-{site.name}"
            site.array.create_pod(site.cloud.pod, stretched_to=other.array)
        self.create_group("sync", replication_interval=0)
        for name in names:
            self.add_server(name, volumes=2, volume_type=self.a.cloud.sync_type)

    def take_point(self, **facts: Any) -> None:
        chain = self.document().consistency_group
        assert chain is not None
        self.a.array.send_point(chain.array_group, **facts)

    def document(self, site: "Site | None" = None) -> Document:
        with (site or self.a).sessions.begin() as transaction:
            return documents.in_force(transaction, self.group_id).document

    def lose_a(self) -> None:
        self.a.array.down = True
        self.b.peer.down = True
        self.b.peer.journal.clear()

    # -- the failover -------------------------------------------------------------------------

    def submit(self, **arguments: Any) -> str:
        """Do what protector-api of site-b does when it is asked for a failover."""
        trust = self.b.cloud.take_trust(
            "token", user_id="alice", project_id="project-b", roles=["member"]
        )
        with self.b.sessions.begin() as transaction:
            row = groups.get(transaction, self.group_id)
            groups.advance(transaction, row, Event.FAIL_OVER)
            return operations.create(
                transaction,
                group_id=row.id,
                project_id=row.project_id,
                user_id="alice",
                request_id="req-1",
                kind=Kind.FAILOVER,
                source_site="site-a",
                target_site="site-b",
                arguments=FailoverArguments(**arguments).model_dump(mode="json"),
                trust_id=trust,
            ).id

    def run(self, operation_id: str) -> Operation:
        """Have site-b claim the operation and run it, here and now."""
        return self.b.run(operation_id)

    def ask(self, site: "Site", kind: Kind, **arguments: Any) -> str:
        """Do what protector-api of a site does when it is asked for an operation there."""
        project = f"project-{site.name[-1]}"
        trust = site.cloud.take_trust(
            "token", user_id="alice", project_id=project, roles=["member"]
        )
        with site.sessions.begin() as transaction:
            row = groups.get(transaction, self.group_id)
            groups.advance(transaction, row, COURSES[kind].begin)
            return operations.create(
                transaction,
                group_id=row.id,
                project_id=row.project_id,
                user_id="alice",
                request_id="req-1",
                kind=kind,
                source_site=row.peer_of(site.name),
                target_site=site.name,
                arguments=ARGUMENTS[kind](**arguments).model_dump(),
                trust_id=trust,
            ).id

    def do(self, site: "Site", kind: Kind, **arguments: Any) -> Operation:
        """Ask a site for an operation, and run it there, here and now."""
        return site.run(self.ask(site, kind, **arguments))

    def return_of_a(self) -> None:
        """Let the lost site come back, be told, and be made equal by a person."""
        self.a.array.down = False
        self.b.peer.down = False
        exchange.exchange(self.a.sessions, self.a.peer, self.a.name)
        exchange.exchange(self.b.sessions, self.b.peer, self.b.name)
        self.b.edits.sync_force(self.group_id, None)
        Fencing(self.a.equipment).look()

    def fail_over(self, **arguments: Any) -> Operation:
        return self.run(self.submit(**arguments))

    def restart(self) -> None:
        """Start an engine of site-b after the last one was killed, and let it resume."""
        self.b.restart()

    def set_status(self, status: Status) -> None:
        """Do what reset-state does on site-b."""
        with self.b.sessions.begin() as transaction:
            groups.get(transaction, self.group_id).status = status

    def source(self) -> dict[str, str]:
        """Return name -> status of the VMs on site-a."""
        return {
            facts.member.name: self.a.cloud.status(id)
            for id, (_, facts) in self.a.cloud.servers.items()
        }

    # -- what can be seen afterwards ----------------------------------------------------------

    @property
    def a_version(self) -> int:
        return self.a.group(self.group_id).version

    @property
    def group(self) -> ProtectionGroup:
        return self.b.group(self.group_id)

    def servers(self) -> dict[str, str]:
        """Return name -> status of the VMs on site-b."""
        made = self.b.cloud.made_servers.values()
        return {one.server.name: one.server.status for one in made}

    def leftovers(self) -> list[str]:
        """Return what there is on site-b of a recovery."""
        return [
            *self.b.cloud.made_servers,
            *self.b.cloud.made_volumes,
            *(volume.name for volume in self.b.array.volumes.values()),
        ]

    def failed_steps(self, operation: Operation) -> list[str]:
        found = self.b.steps(operation.id)
        return [
            name
            for names in operation.plan.values()
            for name in names
            if name in found and found[name].status == "failed"
        ]


def context() -> RequestContext:
    return RequestContext(auth_token="token", user_id="alice", project_id="project-a")


def minutes_ago(minutes: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)
