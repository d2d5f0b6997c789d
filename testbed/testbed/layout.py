# SPDX-License-Identifier: Apache-2.0
"""Where everything is: the two sites with their addresses, ports, and folders of files."""

import dataclasses
import pathlib

# The password of every account: all of it listens on loopback only.
PASSWORD = "testbed"  # noqa: S105

PORTS = {
    "keystone": 5000,
    "glance": 9292,
    "placement": 8778,
    "nova": 8774,
    "neutron": 9696,
    "cinder": 8776,
    "protector": 8788,
    "array": 8443,
    "mariadb": 3306,
    "rabbitmq": 5672,
}
SIMULATOR_CONTROL = ("127.0.0.1", 8440)


@dataclasses.dataclass(frozen=True)
class Place:
    """A site as seen from outside.

    ``erlang_port`` and the next one differ between sites: epmd always listens on 127.0.0.1 too, and
    RabbitMQ wants its port for other nodes to be free on every address. ``protector_group``: the
    id of the group that the site's Protector runs in, by which a firewall knows its packets.
    """

    name: str
    address: str
    array: str
    api_token: str
    erlang_port: int
    protector_group: int

    def url(self, service: str) -> str:
        return f"http://{self.address}:{PORTS[service]}"

    @property
    def array_target(self) -> str:
        return f"{self.address}:{PORTS['array']}"


SITE_A = Place(
    name="site-a",
    address="127.0.1.1",
    array="flasharray-a",
    api_token="a0000000-0000-4000-8000-00000000000a",  # noqa: S106
    erlang_port=14369,
    protector_group=88201,
)
SITE_B = Place(
    name="site-b",
    address="127.0.2.1",
    array="flasharray-b",
    api_token="b0000000-0000-4000-8000-00000000000b",  # noqa: S106
    erlang_port=24369,
    protector_group=88202,
)
PLACES = {place.name: place for place in (SITE_A, SITE_B)}


def peer_of(place: Place) -> Place:
    (peer,) = (other for other in PLACES.values() if other is not place)
    return peer


def repository() -> pathlib.Path:
    """Return the checkout this package, or else the caller, works in."""
    for start in (pathlib.Path(__file__).resolve(), pathlib.Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "requirements" / "openstack.lock").is_file():
                return folder
    raise FileNotFoundError(
        "requirements/openstack.lock is not in this folder or one above it; "
        "run the testbed inside its repository"
    )


@dataclasses.dataclass(frozen=True)
class Folders:
    """The repository's folders, and ``state``: all that a running testbed writes."""

    repository: pathlib.Path
    state: pathlib.Path

    @property
    def openstack(self) -> pathlib.Path:
        """The virtual environment of OpenStack's services."""
        return self.repository / "build" / "openstack"

    @property
    def commands(self) -> pathlib.Path:
        """Where the commands of Protector and the simulator are."""
        return self.repository / "build" / "venv" / "bin"

    @property
    def lock(self) -> pathlib.Path:
        return self.repository / "requirements" / "openstack.lock"

    @property
    def cache(self) -> pathlib.Path:
        """What is kept when the state is thrown away."""
        return self.repository / "build" / "testbed-cache"

    @property
    def simulator(self) -> pathlib.Path:
        return self.state / "simulator"

    @property
    def clouds_yaml(self) -> pathlib.Path:
        return self.state / "clouds.yaml"

    def site(self, place: Place) -> pathlib.Path:
        return self.state / place.name
