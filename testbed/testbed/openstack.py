# SPDX-License-Identifier: Apache-2.0
"""OpenStack's services as processes of a site, and its one-time commands."""

import dataclasses
import os
import pathlib
import subprocess
from collections.abc import Mapping

from testbed.errors import BrokenTestbed
from testbed.layout import PORTS, Folders, Place

SIDE = pathlib.Path(__file__).parent / "openstack_side"
# Tests, and the many versions of an SDK of which one is used: half of all code.
NOT_COMPILED = r"/tests?/|pypureclient/(flasharray/FA_2_|flashblade|pure1)"


@dataclasses.dataclass(frozen=True)
class Api:
    """An API, served by waitress in one process."""

    name: str
    module: str
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Worker:
    """A service without an API of its own; ``script`` when it is not the stock command."""

    name: str
    config: str
    script: str = ""


# In the order they are started: nova-compute waits long for what is not there when it asks.
KEYSTONE = Api("keystone", "keystone.wsgi.api")
FIRST = (
    KEYSTONE,
    Worker("nova-conductor", "nova.conf"),
    Api("placement", "placement.wsgi.api"),
)
THEN = (
    Api("neutron", "neutron.wsgi.api", ("--log-file", "neutron-api.log")),
    Api("nova", "nova.wsgi.osapi_compute", ("--log-file", "nova-api.log")),
    Worker("cinder-volume", "cinder.conf"),
    Api(
        "cinder",
        "cinder.wsgi.api",
        ("--config-file", "cinder.conf", "--log-file", "cinder-api.log"),
    ),
    Worker("nova-scheduler", "nova.conf"),
    Worker("cinder-scheduler", "cinder.conf"),
    Api("glance", "glance.wsgi.api"),
    Worker("nova-compute", "nova.conf", "nova_compute.py"),
)
SERVICES = (*FIRST, *THEN)
APIS = tuple(service for service in SERVICES if isinstance(service, Api))


def command(service: Api | Worker, folders: Folders, place: Place) -> list[object]:
    """Return what starts the service; its files are found in the folder it runs in."""
    bin_folder = folders.openstack / "bin"
    if isinstance(service, Worker):
        start = [bin_folder / "python", SIDE / service.script] if service.script else []
        return [
            *(start or [bin_folder / service.name]),
            *("--config-file", service.config, "--log-file", f"{service.name}.log"),
        ]
    address, port = place.address, PORTS[service.name]
    return [
        bin_folder / "python",
        SIDE / "serve.py",
        service.module,
        address,
        port,
        *service.options,
    ]


def environment(folders: Folders, config: pathlib.Path) -> dict[str, str]:
    """Return the environment of the services: none of the caller's OpenStack, one site's files."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {
        **inherited,
        "PATH": f"{folders.openstack / 'bin'}:{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
        # Fewer heaps for the threads: a third less memory.
        "MALLOC_ARENA_MAX": "2",
        "OS_KEYSTONE_CONFIG_FILES": str(config / "keystone.conf"),
        "OS_KEYSTONE_CONFIG_DIR": str(config),
        "OS_PLACEMENT_CONFIG_DIR": str(config),
        "OS_GLANCE_CONFIG_DIR": str(config),
        "OS_NOVA_CONFIG_DIR": str(config),
        "OS_NEUTRON_CONFIG_DIR": str(config),
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
        "OS_CINDER_DISABLE_EVENTLET_PATCHING": "1",
    }


def manage(
    folders: Folders,
    site_folder: pathlib.Path,
    *words: str,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Run one of the services' own administration commands.

    :raises BrokenTestbed: it did not end well; what it printed is in the site's logs.
    """
    config = site_folder / "etc"
    log = site_folder / "log" / f"{words[0]}.out"
    with log.open("ab") as output:
        done = subprocess.run(
            [str(folders.openstack / "bin" / words[0]), *words[1:]],
            env={**environment(folders, config), **(extra or {})},
            cwd=config,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    if done.returncode:
        raise BrokenTestbed(f"{' '.join(words)} ended with {done.returncode}; see {log}")


def compile_once(folders: Folders) -> bool:
    """Compile the services' code on all cores; return whether it had to be done.

    Else a dozen processes that start together would each compile the same files.
    """
    stamp = folders.openstack / ".compiled"
    lock = folders.lock.read_bytes()
    if stamp.exists() and stamp.read_bytes() == lock:
        return False
    python = folders.openstack / "bin" / "python"
    packages = next((folders.openstack / "lib").glob("python3*/site-packages"))
    subprocess.run(
        [python, "-m", "compileall", "-q", "-j", "0", "-x", NOT_COMPILED, packages],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    stamp.write_bytes(lock)
    return True
