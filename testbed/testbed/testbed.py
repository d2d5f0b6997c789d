# SPDX-License-Identifier: Apache-2.0
"""The whole testbed: two sites and their arrays."""

import concurrent.futures
import contextlib
import fcntl
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator

import psutil
from openstack.connection import Connection

from flasharray_simulator.control import Control
from testbed import clouds, firewall, openstack, schemas
from testbed.array import Arrays
from testbed.errors import BrokenTestbed
from testbed.layout import PLACES, PORTS, Folders, peer_of, repository
from testbed.processes import expect_free, listening
from testbed.progress import Progress
from testbed.site import Site

STATE_VARIABLE = "TESTBED_STATE"


class Testbed:
    """Two sites to kill and to start again; its state outlives the process that uses it."""

    # Not a test, whatever pytest makes of the name.
    __test__ = False

    def __init__(self, state: pathlib.Path | None = None, *, quiet: bool = False) -> None:
        root = repository()
        given = state or os.environ.get(STATE_VARIABLE) or root / "build" / "testbed"
        self.folders = Folders(repository=root, state=pathlib.Path(given).resolve())
        self._progress = Progress(quiet=quiet)
        self._arrays = Arrays(self.folders)
        # Name -> the sites that lived.
        self._checkpoints: dict[str, list[Site]] = {}
        self._sites = {
            name: Site(place, self.folders, self._progress) for name, place in PLACES.items()
        }

    @property
    def sites(self) -> list[str]:
        return list(self._sites)

    @property
    def ports(self) -> list[int]:
        """Every port of a site, its array's included."""
        return list(PORTS.values())

    @property
    def clouds_yaml(self) -> pathlib.Path:
        return self.folders.clouds_yaml

    @property
    def control(self) -> Control:
        """The control port of the simulated arrays."""
        return self._arrays.control

    def address(self, site: str) -> str:
        return self._sites[site].place.address

    def auth_url(self, site: str) -> str:
        return f"{self._sites[site].place.url('keystone')}/v3"

    def protector_password_file(self, site: str) -> pathlib.Path:
        """Return the file with the password of the site's user ``protector``."""
        return self._sites[site].folder / "etc" / "protector-password"

    def log_folder(self, site: str) -> pathlib.Path:
        return self._sites[site].folder / "log"

    def cloud(self, name: str) -> Connection:
        """Return a new connection by a name of clouds.yaml, such as ``site-a-admin``."""
        return clouds.connect(self.clouds_yaml, name)

    def paused(self, site: str, service: str) -> contextlib.AbstractContextManager[None]:
        """Hold one of the site's services still for a while, as if it were very slow."""
        return self._sites[site].paused(service)

    def restart(self, site: str, service: str) -> None:
        """Kill one of the site's OpenStack services, and start it again."""
        with self._alone():
            self._sites[site].restart(service)

    def kill_service(self, site: str, name: str) -> None:
        """Let one of the site's processes die, alone.

        ``name``: protector-api, protector-engine, protector-engine-2, mariadb or rabbitmq.
        """
        self._sites[site].kill_service(name)

    def stop_service(self, site: str, name: str) -> None:
        """Ask one of them to end, alone, and wait until it has."""
        self._sites[site].stop_service(name)

    def start_service(self, site: str, *names: str, fates: pathlib.Path | None = None) -> None:
        """Start again what was ended alone, or a second engine: ``protector-engine-2``.

        :param fates: by which an engine knows when to die; see :mod:`testbed.fate`.
        """
        with self._alone():
            self._sites[site].start_service(*names, fates=fates)

    def fallen(self, site: str, *engines: str) -> list[str]:
        """Return those that have died, once any has."""
        return self._sites[site].protector.fallen(*engines)

    def revive(self, site: str, *engines: str, fates: pathlib.Path) -> None:
        """Start them again, and do not wait: they may die again before they listen."""
        self._sites[site].protector.start(*engines, fates=fates)

    def process(self, site: str, name: str) -> psutil.Process:
        """Return one of the site's processes, for whoever wants to know what it costs."""
        return self._sites[site].processes.process(name)

    def query(self, site: str, statement: str) -> list[list[str]]:
        """Ask the site's database; return the rows."""
        answer = self._sites[site].mariadb.execute(statement)
        return [line.split("\t") for line in answer.splitlines()]

    def partition(self, from_site: str) -> contextlib.AbstractContextManager[None]:
        """Keep one site's Protector from reaching the other site, which still reaches it.

        :raises BrokenTestbed: this needs root and nftables (see :func:`firewall.lacking`).
        """
        place = self._sites[from_site].place
        return firewall.partition(place, peer_of(place))

    def protector_stopped(self, site: str) -> contextlib.AbstractContextManager[None]:
        """Do without the site's Protector for a while."""
        return self._sites[site].protector_stopped()

    def protector_configured(
        self, site: str, options: str
    ) -> contextlib.AbstractContextManager[None]:
        """Lay options over those of the site's Protector for a while."""
        return self._sites[site].protector_configured(options)

    def cinder_policy_missing(self, site: str) -> contextlib.AbstractContextManager[None]:
        """Take away, for a while, the rules that Protector asks of the site's Cinder."""
        return self._sites[site].cinder_policy_missing()

    # -- commands -----------------------------------------------------------------------------

    def up(self) -> None:
        """Bring up what does not run; make it first when there is nothing."""
        with self._alone():
            self._up()

    def down(self) -> None:
        """End everything; the data stay for the next ``up``.

        :raises BrokenTestbed: somebody else listens on the sites' ports.
        """
        with self._alone():
            firewall.remove_all()
            self._for_each_site(Site.stop)
            self._arrays.stop()
            expect_free(self._ports())
            self._progress.say("down; nothing runs or listens")

    def kill(self, site: str) -> None:
        """Let a site die at once: its services, its database, its broker, its array."""
        with self._alone(), concurrent.futures.ThreadPoolExecutor() as pool:
            killed = pool.submit(self._sites[site].kill)
            if self._arrays.running():
                self.control.array_down(self._sites[site].place.array)
            killed.result()
            self._progress.say(f"{site}: dead, and its array with it")

    def start(self, site: str) -> None:
        """Bring a killed site back with its data, array first."""
        with self._alone():
            if not self._made():
                raise BrokenTestbed("the testbed was never up; run `testbed up` first")
            self._start(self._sites[site])

    def reset(self) -> None:
        """Put both sites back to what they were when they were made, and a killed one on its feet.

        Servers, volumes, groups and all else that came since are gone, from Protector's databases
        and from the arrays too.
        """
        with self._alone():
            self._up()
            self._for_each_site(lambda site: site.protector.stop())
            self._arrays.restore()
            self._for_each_site(Site.restore)
            self._progress.say("reset")

    def checkpoint(self, name: str) -> None:
        """Remember the arrays, and the databases of the sites that run, for ``restore``."""
        with self._alone():
            self._arrays.keep(f"checkpoint-{name}")
            living = self._living()
            for site in living:
                site.keep(name)
            self._checkpoints[name] = living

    def remembers(self, name: str) -> bool:
        """Whether the checkpoint was made by this process: an older one may be of other code."""
        return name in self._checkpoints

    def restore(self, name: str) -> None:
        """Put arrays and databases back to a checkpoint, while the services run on.

        Protector's engines end: they must not go on with what is to be forgotten. A site that did
        not run then dies, one that did must run now.
        """
        with self._alone(), concurrent.futures.ThreadPoolExecutor() as pool:
            arrays = pool.submit(self._arrays.restore, f"checkpoint-{name}")
            living = self._checkpoints[name]
            for site in self._sites.values():
                if site in living:
                    site.put_back(name)
                else:
                    site.kill()
            arrays.result()
            for site in living:
                site.sign_in_to_array()

    def status(self) -> dict[str, list[str]]:
        """Return site -> what of it does not run."""
        missing = {name: site.missing() for name, site in self._sites.items()}
        for name, site in self._sites.items():
            if not listening(site.place.address, PORTS["array"]):
                missing[name].append("array")
        return missing

    # -- parts --------------------------------------------------------------------------------

    def _up(self) -> None:
        firewall.remove_all()
        self._make_once()
        self._start_arrays()
        self._for_each_site(self._start)
        self._progress.say(f"up; export OS_CLIENT_CONFIG_FILE={self.clouds_yaml}")

    def _make_once(self) -> None:
        """Make what is needed once, one testbed after the other.

        The first fills the cache that all share, and making keeps every core busy.
        """
        with _locked(self.folders.cache / "making.lock"):
            if openstack.compile_once(self.folders):
                self._progress.say("OpenStack's code compiled, once")
            if not self._made():
                self._make()

    def _make(self) -> None:
        if self._made_file.exists():
            self._progress.say("the data are of other versions of OpenStack: they go")
        for site in self._sites.values():
            site.kill()
        self._arrays.stop()
        shutil.rmtree(self.folders.state, ignore_errors=True)
        self.folders.state.mkdir(parents=True)
        clouds.write(self.folders)
        self._start_arrays()
        self._for_each_site(Site.make)
        self._arrays.keep()
        self._made_file.write_text(self._versions)

    def _living(self) -> list[Site]:
        return [site for site in self._sites.values() if not site.dead()]

    def _start(self, site: Site) -> None:
        self._start_arrays()
        self.control.array_up(site.place.array)
        if missing := site.missing():
            site.say(f"starting; {len(missing)} processes do not run")
            site.kill()
            site.start()

    def _start_arrays(self) -> None:
        if not self._arrays.running():
            self._arrays.start()
            self._progress.say("arrays are up")

    @property
    def _made_file(self) -> pathlib.Path:
        return self.folders.state / "made"

    @property
    def _versions(self) -> str:
        return schemas.template(self.folders).stem

    def _made(self) -> bool:
        """Whether there are complete data, made by these versions."""
        return self._made_file.exists() and self._made_file.read_text() == self._versions

    def _ports(self) -> Iterator[tuple[str, int]]:
        for site in self._sites.values():
            for port in PORTS.values():
                yield site.place.address, port

    def _for_each_site(self, act: Callable[[Site], None]) -> None:
        """Do it to both at once; a failure of one is raised when the other is through."""
        with concurrent.futures.ThreadPoolExecutor(len(self._sites)) as pool:
            for job in [pool.submit(act, site) for site in self._sites.values()]:
                job.result()

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        """Keep other commands away; two that start the same site would both be wrong."""
        return _locked(self.folders.state.with_suffix(".lock"))


@contextlib.contextmanager
def _locked(lock: pathlib.Path) -> Iterator[None]:
    """Wait until no other command holds the lock, and hold it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
