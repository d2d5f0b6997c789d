# SPDX-License-Identifier: Apache-2.0
"""Counts what there is of a site's workloads, and knows nothing of Protector.

It asks Nova, Neutron, Cinder, Keystone and the array, each with the eyes of its administrator. A
server is known by its name, a volume by its name too, and the array's by what was written to it.
"""

import concurrent.futures
import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from flasharray_simulator.control import Control, ControlError
from testbed.furniture import FURNITURE
from testbed.layout import PLACES
from testbed.testbed import Testbed

# Cinder tells of attachments from here on.
ATTACHMENTS = "3.27"


@dataclasses.dataclass(frozen=True)
class Member:
    """A server as it is to be found.

    ``volumes``: their names. Each one's name was written to it, before there was a copy of it that
    bears ``prefix`` too. ``networks``: names of those that came with it.
    """

    nics: int
    volumes: tuple[str, ...]
    prefix: str = ""
    networks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Count:
    """What is there twice, what belongs to nobody, and what is not there; in sentences."""

    doubles: list[str]
    orphans: list[str]
    missing: list[str]

    def __bool__(self) -> bool:
        """Whether there is anything to complain of."""
        return bool(self.doubles or self.orphans or self.missing)

    def __iter__(self) -> Iterator[str]:
        yield from (*self.doubles, *self.orphans, *self.missing)


def take(testbed: Testbed, site: str, members: Mapping[str, Member]) -> Count:
    """Count a site on which these members run, by name, and nothing else does."""
    world = _look(testbed, site)
    return Count(
        doubles=list(_doubles(world, members)),
        orphans=[*_orphans(world, members), *_network_orphans(world, site, members)],
        missing=list(_missing(world, members)),
    )


def ids(testbed: Testbed, site: str) -> set[str]:
    """Return what tells each thing of the site's from a later one of the same name."""
    world = _look(testbed, site)
    return {
        *(found.id for found in (*world.servers, *world.ports, *world.volumes, *world.networks)),
        *(found["id"] for found in (*world.attachments, *world.trusts)),
        *world.array,
    }


@dataclasses.dataclass(frozen=True)
class _World:
    """``array``: name of a live volume -> what was written to it."""

    servers: list[Any]
    ports: list[Any]
    volumes: list[Any]
    networks: list[Any]
    attachments: list[dict[str, Any]]
    trusts: list[dict[str, Any]]
    array: dict[str, list[str]]

    @property
    def server_ids(self) -> set[str]:
        return {server.id for server in self.servers}

    def ports_of(self, server: Any) -> list[Any]:
        return [port for port in self.ports if port.device_id == server.id]

    def backed_by(self, array_volume: str) -> list[Any]:
        """Return Cinder's volumes that lie on the array's volume."""
        return [volume for volume in self.volumes if _lies_on(volume) == array_volume]


def _look(testbed: Testbed, site: str) -> _World:
    admin, array = testbed.cloud(f"{site}-admin"), PLACES[site].array
    with concurrent.futures.ThreadPoolExecutor() as pool:
        servers = pool.submit(lambda: list(admin.compute.servers(all_projects=True)))
        ports = pool.submit(lambda: list(admin.network.ports()))
        volumes = pool.submit(lambda: list(admin.block_storage.volumes(all_projects=True)))
        networks = pool.submit(lambda: list(admin.network.networks()))
        attachments = pool.submit(
            lambda: admin.block_storage.get(
                "/attachments/detail?all_tenants=1", microversion=ATTACHMENTS
            ).json()["attachments"]
        )
        trusts = pool.submit(lambda: admin.identity.get("/OS-TRUST/trusts").json()["trusts"])
        written = on_array(testbed.control, array)
        written = {name: marks for name, marks in written.items() if _is_of(site, name)}
        return _World(
            servers.result(),
            ports.result(),
            volumes.result(),
            networks.result(),
            attachments.result(),
            trusts.result(),
            written,
        )


def on_array(control: Control, array: str) -> dict[str, list[str]]:
    """Return name -> what was written to it, of the live volumes; one that goes meanwhile is none.

    An operation that goes on beside the count removes and renames them.
    """
    written = {}
    for name in control.live_volumes(array):
        try:
            written[name] = control.markers(array, name)
        except ControlError:
            if name in control.live_volumes(array):
                raise
    return written


def _is_of(site: str, array_volume: str) -> bool:
    """What is in the pod of the other site's backend is on this array, too, and is that site's."""
    pod = array_volume.rpartition("::")[0]
    return not pod or pod == f"pod-{site}"


def _doubles(world: _World, members: Mapping[str, Member]) -> Iterator[str]:
    for name, count in _more_than_once(server.name for server in world.servers):
        yield f"{count} servers are called {name}"
    for server in world.servers:
        ports = len(world.ports_of(server))
        if server.name in members and ports > members[server.name].nics:
            yield f"{server.name} has {ports} ports, not {members[server.name].nics}"
    for name, count in _more_than_once(volume.name for volume in world.volumes):
        yield f"{count} volumes of Cinder's are called {name}"
    for name, count in _more_than_once(network.name for network in world.networks):
        yield f"{count} networks are called {name}"
    for name, count in _more_than_once(_lies_on(volume) for volume in world.volumes):
        yield f"{count} volumes of Cinder's lie on the array's {name}"
    for marker, count in _more_than_once(_first(written) for written in world.array.values()):
        yield f"{count} volumes of the array hold {marker}"


def _orphans(world: _World, members: Mapping[str, Member]) -> Iterator[str]:
    yield from _server_orphans(world, members)
    for port in world.ports:
        if port.device_id not in world.server_ids:
            yield f"Port {port.name or port.id} ({port.description}) has no server"
    yield from _volume_orphans(world, _expected_volumes(members))
    for attachment in world.attachments:
        if attachment["instance"] not in world.server_ids:
            yield f"Attachment {attachment['id']} is to a server that is not there"
    for name in world.array:
        if not world.backed_by(name):
            yield f"The array's volume {name} is none of Cinder's"
    for trust in world.trusts:
        yield f"Trust {trust['id']} is left in Keystone"


def _server_orphans(world: _World, members: Mapping[str, Member]) -> Iterator[str]:
    for server in world.servers:
        if server.status == "ERROR":
            yield f"Server {server.name} ({server.id}) is in ERROR"
        elif server.name not in members:
            yield f"Server {server.name} ({server.id}) is nobody's"


def _volume_orphans(world: _World, expected: Collection[str]) -> Iterator[str]:
    for volume in world.volumes:
        if volume.status.startswith("error"):
            yield f"Volume {volume.name} ({volume.id}) is {volume.status}"
        elif not volume.attachments and volume.name not in expected:
            yield f"Volume {volume.name} ({volume.id}) is attached to nothing, and nobody's"


def _network_orphans(world: _World, site: str, members: Mapping[str, Member]) -> Iterator[str]:
    expected = {*FURNITURE[site].networks, *(n for one in members.values() for n in one.networks)}
    for network in world.networks:
        if network.name not in expected:
            yield f"Network {network.name} ({network.id}) is nobody's"


def _missing(world: _World, members: Mapping[str, Member]) -> Iterator[str]:
    for name, member in members.items():
        active = [s for s in world.servers if s.name == name and s.status == "ACTIVE"]
        if not active:
            yield f"{name} does not run"
            continue
        (server, *_) = active
        if (ports := len(world.ports_of(server))) < member.nics:
            yield f"{name} has {ports} ports, not {member.nics}"
        attached = {
            volume.name: volume
            for volume in world.volumes
            if server.id in {one["server_id"] for one in volume.attachments}
        }
        yield from (
            f"{name} has no volume {volume}, or nothing is written on it"
            for volume in member.volumes
            if volume not in attached
            or volume.removeprefix(member.prefix)
            not in world.array.get(_lies_on(attached[volume]), ())
        )


def _expected_volumes(members: Mapping[str, Member]) -> set[str]:
    return {volume for member in members.values() for volume in member.volumes}


def _lies_on(volume: Any) -> str:
    """Return the name of the array's volume, which Cinder's driver notes on its own."""
    return str(volume.metadata.get("array_volume_name", ""))


def _first(written: list[str]) -> str:
    return written[0] if written else ""


def _more_than_once(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    return ((name, n) for name, n in Counter(names).items() if name and n > 1)
