# SPDX-License-Identifier: Apache-2.0
"""One site: makes it, starts it, kills it."""

import concurrent.futures
import contextlib
import datetime
import pathlib
import signal
import time
from collections.abc import Callable, Iterator

from openstack.connection import Connection

from testbed import clouds, furniture, identity, openstack, protector, rabbitmq, readiness, schemas
from testbed.config import configure
from testbed.errors import BrokenTestbed
from testbed.layout import PORTS, Folders, Place
from testbed.mariadb import DATABASES, MariaDB
from testbed.openstack import Api, Worker
from testbed.processes import Processes, expect_free
from testbed.progress import Progress
from testbed.protector import Protector
from testbed.rabbitmq import RabbitMQ

# Seconds.
API_START = 180.0
READY = 180.0
# What services are given to end by themselves; MariaDB and RabbitMQ have more to do.
SERVICE_GRACE = 3.0
INFRASTRUCTURE_GRACE = 15.0
# What one of them is given that is stopped alone.
STOP_GRACE = 60.0
INFRASTRUCTURE = ("mariadb", *rabbitmq.NAMES)
# Tables in which services report that they are alive. Put back, they would all be long dead.
REPORTS = ("nova_cell0.services", "nova_cell1.services", "cinder.services")


class Site:
    def __init__(self, place: Place, folders: Folders, progress: Progress) -> None:
        self.place = place
        self.folder = folders.site(place)
        self.processes = Processes(self.folder)
        self.mariadb = MariaDB(place, self.folder, self.processes)
        self._rabbitmq = RabbitMQ(place, self.folder, self.processes)
        self.protector = Protector(place, folders, self.processes, self._rabbitmq)
        self._folders = folders
        self._progress = progress

    def say(self, what: str) -> None:
        self._progress.say(f"{self.place.name}: {what}")

    def cloud(self, suffix: str = "") -> Connection:
        return clouds.connect(self._folders.clouds_yaml, self.place.name + suffix)

    def expected(self) -> list[str]:
        """Return the names of all processes of a running site."""
        return [*INFRASTRUCTURE, *(s.name for s in openstack.SERVICES), *protector.NAMES]

    def missing(self) -> list[str]:
        """Return the processes that do not run."""
        return [name for name in self.expected() if not self.processes.alive(name)]

    def dead(self) -> bool:
        """Whether nothing of it runs."""
        return len(self.missing()) == len(self.expected())

    def make(self) -> None:
        """Start the site for the first time."""
        self._start_infrastructure()
        self.say(schemas.make_tables(self._folders, self.folder, self.mariadb))
        self._start_services(openstack.FIRST[1:])
        identity.bootstrap(self.place, self._folders, self.folder)
        self._start_services(openstack.FIRST[:1])
        self._start_services(openstack.THEN[:-1])
        self._await_api("keystone")
        with self.cloud("-admin") as admin:
            identity.make_accounts(admin)
            identity.make_catalog(self.place, admin)
        self.say("accounts and catalog made")
        self._start_services(openstack.THEN[-1:])
        self._start_protector()
        self._furnish()
        self._await_ready()
        self._rows.write_text(self.mariadb.rows(schemas.OPENSTACK_DATABASES))

    def start(self) -> None:
        """Start the site, which has been made, on its data."""
        self._start_infrastructure()
        self._start_services(openstack.FIRST)
        self._start_services(openstack.THEN[:-1])
        self._await_api("keystone")
        self._await_api("placement")
        self._start_services(openstack.THEN[-1:])
        self._start_protector()
        self._await_ready()

    def restore(self) -> None:
        """Put the running site back to what it was when it was made."""
        self.protector.stop()
        self.mariadb.execute(self._rows.read_text())
        self.mariadb.empty("protector")
        self.protector.start()
        self._await_ready()

    def keep(self, checkpoint: str) -> None:
        """Remember all rows of the site's databases."""
        self._kept(checkpoint).write_text(self.mariadb.rows(DATABASES, besides=REPORTS))

    def put_back(self, checkpoint: str) -> None:
        """Make the databases what they were, under services that run on; the engines end."""
        self.processes.end(protector.ENGINES, grace=0)
        self.mariadb.execute(self._kept(checkpoint).read_text())

    def sign_in_to_array(self) -> None:
        """Let Cinder's driver notice by one request that the array has forgotten its session.

        It fails some of several requests that find out at once.
        """
        cinder = self.cloud("-admin").block_storage
        (pool,) = cinder.backend_pools()
        cinder.get("/manageable_volumes", params={"host": pool.name}, microversion="3.8")

    @property
    def _rows(self) -> pathlib.Path:
        """The rows of OpenStack's databases at the end of ``make``."""
        return self.folder / "made.sql"

    def _kept(self, checkpoint: str) -> pathlib.Path:
        return self.folder / f"checkpoint-{checkpoint}.sql"

    def _start_infrastructure(self) -> None:
        # What an interrupted start or kill has left.
        self.processes.end(grace=0)
        expect_free((self.place.address, PORTS[name]) for name in PORTS if name != "array")
        configure(self.place, self._folders)
        self.mariadb.start()
        self._rabbitmq.start()
        self.mariadb.wait()
        self._rabbitmq.wait()
        self.say("MariaDB and RabbitMQ are up")

    def _start_services(self, services: tuple[Api | Worker, ...]) -> None:
        config = self.folder / "etc"
        for service in services:
            self.processes.start(
                service.name,
                openstack.command(service, self._folders, self.place),
                env=openstack.environment(self._folders, config),
                cwd=config,
            )

    def _start_protector(self) -> None:
        self.protector.prepare()
        self.protector.start()

    def _await_api(self, name: str) -> None:
        self.processes.wait_for_port(name, self.place.address, PORTS[name], seconds=API_START)

    def _furnish(self) -> None:
        # Only connections made now have the catalog.
        admin, tenant = self.cloud("-admin"), self.cloud()
        jobs: list[tuple[str, Callable[[], None]]] = [
            ("neutron", lambda: furniture.make_networks(self.place, tenant)),
            ("nova", lambda: furniture.make_flavors(self.place, admin)),
            ("nova", lambda: furniture.make_keypair(tenant)),
            ("cinder", lambda: furniture.make_volume_types(self.place, admin)),
        ]

        def furnish(api: str, make: Callable[[], None]) -> None:
            self._await_api(api)
            make()

        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            for job in [pool.submit(furnish, *job) for job in jobs]:
                job.result()
        self.say("networks, flavors, volume types and a keypair made")

    def _await_ready(self) -> None:
        began = datetime.datetime.now(datetime.UTC)
        for api in openstack.APIS:
            self._await_api(api.name)
        self.protector.wait()
        admin, tenant = self.cloud("-admin"), self.cloud()
        end = time.monotonic() + READY
        while lacking := readiness.missing(admin, tenant, began):
            if dead := self.missing():
                raise BrokenTestbed(
                    f"{self.place.name}: {', '.join(dead)} ended; see {self.folder / 'log'}"
                )
            if time.monotonic() > end:
                raise BrokenTestbed(
                    f"{self.place.name} lacks {', '.join(sorted(lacking))} after {READY:.0f} s;"
                    f" see {self.folder / 'log'}"
                )
            time.sleep(0.5)
        self.say("ready")

    def kill(self) -> None:
        """Let the site die: SIGKILL to all of it at once."""
        self.processes.end(grace=0)

    def stop(self) -> None:
        """End the site's processes, so that nothing is lost."""
        services = [name for name in self.processes.names() if name not in INFRASTRUCTURE]
        self.processes.end(services, grace=SERVICE_GRACE)
        self.processes.end(grace=INFRASTRUCTURE_GRACE)

    def restart(self, service: str) -> None:
        """Kill one of OpenStack's services, start it again, and wait until it does its work."""
        self.processes.end([service], grace=0)
        self._start_services(tuple(s for s in openstack.SERVICES if s.name == service))
        self._await_ready()

    def kill_service(self, name: str) -> None:
        """Let Protector's API, one of its engines, MariaDB or RabbitMQ die."""
        self.processes.end(rabbitmq.NAMES if name == "rabbitmq" else [name], grace=0)

    def stop_service(self, name: str) -> None:
        """Ask it to end, and wait until it has."""
        self.processes.end([name], grace=STOP_GRACE)

    def start_service(self, *names: str, fates: pathlib.Path | None = None) -> None:
        """Start again what was ended alone, or a second engine; wait until it can be asked."""
        if "mariadb" in names:
            self.mariadb.start()
            self.mariadb.wait()
        if "rabbitmq" in names:
            self._rabbitmq.start()
            self._rabbitmq.wait()
        if of_protector := [name for name in names if name not in INFRASTRUCTURE]:
            self.protector.start(*of_protector, fates=fates)
            self.protector.wait()

    @contextlib.contextmanager
    def protector_stopped(self) -> Iterator[None]:
        self.protector.stop()
        try:
            yield
        finally:
            self.protector.start()
            self.protector.wait()

    @contextlib.contextmanager
    def protector_configured(self, options: str) -> Iterator[None]:
        """Lay options over those of Protector's file, for a while."""
        over = self.protector.configured_over
        with self.protector_stopped():
            over.write_text(options)
        try:
            yield
        finally:
            with self.protector_stopped():
                over.unlink()

    @contextlib.contextmanager
    def cinder_policy_missing(self) -> Iterator[None]:
        """Make Cinder's policy empty; Cinder sees by itself that the file has changed."""
        policy = self.folder / "etc" / "cinder-policy.yaml"
        rules = policy.read_text()
        policy.write_text("{}\n")
        try:
            yield
        finally:
            policy.write_text(rules)

    @contextlib.contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """Hold a service still, as if it were very slow."""
        self.processes.signal(service, signal.SIGSTOP)
        try:
            yield
        finally:
            self.processes.signal(service, signal.SIGCONT)
