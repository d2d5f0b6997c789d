# SPDX-License-Identifier: Apache-2.0
"""What is in the two clouds before anybody works there; they differ as two real clouds do."""

import dataclasses

from openstack.connection import Connection

from testbed.layout import Place

PUBLIC_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJnOYMrgTcBCdbcD1XHzkf6Cz1kYMmRgOCiCGgQr5EhJ alice"
)


@dataclasses.dataclass(frozen=True)
class Flavor:
    name: str
    vcpus: int
    ram: int


@dataclasses.dataclass(frozen=True)
class Furniture:
    """``networks``: name -> range."""

    flavors: tuple[Flavor, ...]
    networks: dict[str, str]


FURNITURE = {
    "site-a": Furniture(
        flavors=(Flavor("m1.large", 2, 4096), Flavor("m1.small", 1, 1024)),
        networks={"web": "10.10.0.0/24", "db": "10.20.0.0/24"},
    ),
    # dr-web can hold web's addresses, dr-db cannot hold db's.
    "site-b": Furniture(
        flavors=(Flavor("m1.xlarge", 4, 8192), Flavor("m1.small", 1, 1024)),
        networks={"dr-web": "10.10.0.0/24", "dr-db": "10.99.20.0/24"},
    ),
}
# Security group -> TCP ports open to everybody.
SECURITY_GROUPS = {"web-sg": (80, 443), "db-sg": (5432,)}
# Volume type -> how its volumes are replicated.
VOLUME_TYPES: dict[str, dict[str, str]] = {
    "plain": {},
    "replicated": {"replication_enabled": "<is> True", "replication_type": "<in> async"},
    "replicated-sync": {"replication_enabled": "<is> True", "replication_type": "<in> sync"},
}


def make_volume_types(place: Place, admin: Connection) -> None:
    backend = {"volume_backend_name": place.array}
    for name, replication in VOLUME_TYPES.items():
        admin.block_storage.create_type(name=name, extra_specs=backend | replication)


def make_flavors(place: Place, admin: Connection) -> None:
    for flavor in FURNITURE[place.name].flavors:
        admin.compute.create_flavor(name=flavor.name, vcpus=flavor.vcpus, ram=flavor.ram, disk=0)


def make_networks(place: Place, tenant: Connection) -> None:
    for name, cidr in FURNITURE[place.name].networks.items():
        network = tenant.network.create_network(name=name)
        tenant.network.create_subnet(
            name=f"{name}-subnet", network_id=network.id, cidr=cidr, ip_version=4
        )
    for name, ports in SECURITY_GROUPS.items():
        group = tenant.network.create_security_group(name=name)
        for port in ports:
            tenant.network.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                ether_type="IPv4",
                protocol="tcp",
                port_range_min=port,
                port_range_max=port,
            )


def make_keypair(tenant: Connection) -> None:
    tenant.compute.create_keypair(name="alice-key", public_key=PUBLIC_KEY)
