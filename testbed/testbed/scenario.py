# SPDX-License-Identifier: Apache-2.0
"""What the demo and the end-to-end tests begin with: two sites, and alice's VMs on one of them.

Administrators and tenants use the real `openstack` command; alice's servers, which were there
before anybody thought of a disaster, are made by the SDK.
"""

import concurrent.futures
import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import requests
from openstack.connection import Connection
from openstack.exceptions import ResourceFailure

from testbed.operator import Operator
from testbed.testbed import Testbed

GROUP = "prod-web-app"
# Network or flavor of site-a -> of site-b.
NETWORKS = {"web": "dr-web", "db": "dr-db"}
FLAVORS = {"m1.large": "m1.xlarge"}
# Seconds.
BOOT_TIMEOUT = 180
# Bytes, and bytes a second.
HOURS_OF_TRANSFER = 10**11
SLOW_LINK = 10**6


@dataclasses.dataclass(frozen=True)
class WebServer:
    """A server to be.

    ``addresses``: network -> fixed address; ``volumes``: sizes in GiB, root first.
    """

    name: str
    addresses: Mapping[str, str]
    volumes: tuple[int, ...]
    security_groups: tuple[str, ...] = ("web-sg",)
    flavor: str = "m1.large"
    volume_type: str = "replicated"


WEB_SERVERS = (
    WebServer("web-server-1", {"web": "10.10.0.11", "db": "10.20.0.11"}, (1, 2)),
    WebServer("web-server-2", {"web": "10.10.0.12"}, (1,)),
)


def introduce_sites(operator: Operator, testbed: Testbed) -> None:
    """Register both sites on both, and pair alice's project with itself."""
    projects = {
        site: testbed.cloud(f"{site}-admin").identity.find_project("acme", ignore_missing=False).id
        for site in testbed.sites
    }
    with concurrent.futures.ThreadPoolExecutor(len(projects)) as pool:
        list(pool.map(lambda site: _introduce(operator, testbed, site, projects), projects))


def _introduce(
    operator: Operator, testbed: Testbed, here: str, projects: Mapping[str, str]
) -> None:
    (there,) = set(projects) - {here}
    create = ("protector", "site", "create")
    operator.openstack(
        f"{here}-admin", *create, here, "--auth-url", testbed.auth_url(here), "--region-name", here
    )
    operator.openstack(
        f"{here}-admin",
        *create,
        there,
        *("--auth-url", testbed.auth_url(there), "--region-name", there),
        *("--username", "protector", "--project-name", "service"),
        *("--password-file", str(testbed.protector_password_file(there))),
    )
    operator.openstack(
        f"{here}-admin",
        *("protector", "tenant-mapping", "create", "--project", projects[here]),
        *("--peer-site", there, "--peer-project", projects[there]),
    )


def boot(cloud: Connection, servers: Iterable[WebServer]) -> list[str]:
    """Boot servers from volumes of their type, side by side; return their ids when ACTIVE."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(lambda server: _boot(cloud, server), servers))


def _boot(cloud: Connection, wanted: WebServer) -> str:
    volumes = [
        cloud.block_storage.create_volume(
            name=f"{wanted.name}-{number}", size=size, volume_type=wanted.volume_type
        )
        for number, size in enumerate(wanted.volumes)
    ]
    for volume in volumes:
        cloud.block_storage.wait_for_status(volume, "available", ["error"], 0.3, BOOT_TIMEOUT)
    cloud.block_storage.set_volume_bootable_status(volumes[0].id, True)
    ports = [_port(cloud, wanted, network) for network in wanted.addresses]
    request = dict(
        name=wanted.name,
        flavor_id=cloud.compute.find_flavor(wanted.flavor, ignore_missing=False).id,
        networks=[{"port": port} for port in ports],
        key_name="alice-key",
        metadata={"role": "web"},
        tags=["tier-web"],
        block_device_mapping=[
            {
                "boot_index": number if number == 0 else -1,
                "uuid": volume.id,
                "source_type": "volume",
                "destination_type": "volume",
                "delete_on_termination": False,
            }
            for number, volume in enumerate(volumes)
        ],
    )
    try:
        return _active(cloud, request)
    except ResourceFailure:
        # When the first two attachments of all come at once, Cinder's driver may find the array's
        # host neither there nor to be made.
        cloud.compute.delete_server(cloud.compute.find_server(wanted.name, ignore_missing=False))
        for volume in volumes:
            cloud.block_storage.wait_for_status(volume, "available", [], 0.3, BOOT_TIMEOUT)
        return _active(cloud, request)


def _active(cloud: Connection, request: Mapping[str, Any]) -> str:
    server = cloud.compute.create_server(**request)
    return str(cloud.compute.wait_for_server(server, interval=0.5, wait=BOOT_TIMEOUT).id)


def _port(cloud: Connection, wanted: WebServer, network: str) -> str:
    return str(
        cloud.network.create_port(
            network_id=cloud.network.find_network(network, ignore_missing=False).id,
            fixed_ips=[{"ip_address": wanted.addresses[network]}],
            security_groups=[
                cloud.network.find_security_group(name, ignore_missing=False).id
                for name in wanted.security_groups
            ],
        ).id
    )


def boot_from_image(testbed: Testbed, name: str) -> None:
    """Boot a server whose root disk is none of Cinder's."""
    admin, tenant = testbed.cloud("site-a-admin"), testbed.cloud("site-a")
    flavor = admin.compute.find_flavor("with-disk") or admin.compute.create_flavor(
        name="with-disk", vcpus=1, ram=256, disk=1
    )
    image = tenant.image.create_image(
        name=f"{name}-image", disk_format="raw", container_format="bare", data=b"empty"
    )
    server = tenant.compute.create_server(
        name=name, flavor_id=flavor.id, image_id=image.id, networks="none"
    )
    tenant.compute.wait_for_server(server, interval=0.5, wait=BOOT_TIMEOUT)


def ask_protector(testbed: Testbed, site: str, token: str) -> requests.Response:
    """Ask a site's Protector for groups, with any token."""
    url = f"http://{testbed.address(site)}:8788/v1/some-project/protection-groups"
    return requests.get(url, headers={"X-Auth-Token": token}, timeout=30)


def protect(operator: Operator, servers: Iterable[str]) -> None:
    """Make the group on site-a and add the servers, one edit each."""
    operator.openstack(
        "site-a",
        *("protector", "protection-group", "create", GROUP),
        *("--primary-site", "site-a", "--secondary-site", "site-b"),
        *("--rpo-minutes", "15", "--replication-interval", "300"),
    )
    add_members(operator, servers)


def add_members(operator: Operator, servers: Iterable[str]) -> None:
    for server in servers:
        operator.openstack(
            "site-a", "protector", "protection-group", "member", "add", GROUP, server
        )


def mapping_options(testbed: Testbed, *, networks: Mapping[str, str] = NETWORKS) -> list[str]:
    """Return the options of the failover, by ids of networks as the procedure gives them.

    :param networks: name on site-a -> name on site-b, or an id that is not there.
    """
    here, there = testbed.cloud("site-a"), testbed.cloud("site-b")
    options = []
    for source, target in networks.items():
        source_id = here.network.find_network(source, ignore_missing=False).id
        found = there.network.find_network(target)
        options += ["--network-mapping", f"{source_id}={found.id if found else target}"]
    for source, target in FLAVORS.items():
        options += ["--flavor-mapping", f"{source}={target}"]
    return options


def array_volumes(cloud: Connection, server: str) -> dict[str, str]:
    """Return volume name -> its name on the site's array, of the server's volumes."""
    attached = cloud.compute.find_server(server, ignore_missing=False).attached_volumes
    found = (cloud.block_storage.get_volume(volume.id) for volume in attached)
    return {volume.name: volume.metadata["array_volume_name"] for volume in found}


# -- what the arrays do meanwhile -----------------------------------------------------------------


def array_group(testbed: Testbed) -> str:
    """Return the name of the protection group behind Protector's, on the source's array."""
    (group,) = testbed.cloud("site-a").block_storage.groups()
    return f"consisgroup-{group.id}-cinder"


def replicate(testbed: Testbed) -> None:
    """Let a snapshot fall due at site-a's array, and wait until site-b's has it complete."""
    group = array_group(testbed)
    suffix = testbed.control.replicate("flasharray-a", group)
    testbed.control.wait_replicated("flasharray-b", f"flasharray-a:{group}.{suffix}")


def begin_to_replicate(testbed: Testbed, volumes: Iterable[str]) -> None:
    """Write so much that the next snapshot takes long, and let it be under way."""
    for volume in volumes:
        testbed.control.write("flasharray-a", volume, "under way", bytes=HOURS_OF_TRANSFER)
    testbed.control.set_link(bandwidth=SLOW_LINK)
    group = array_group(testbed)
    suffix = testbed.control.replicate("flasharray-a", group)
    testbed.control.wait_replicating("flasharray-b", f"flasharray-a:{group}.{suffix}")


def write(testbed: Testbed, volumes: Iterable[str], marker: str) -> float:
    """Write the marker to volumes of site-a's array; return when the last write was made."""
    return max(testbed.control.write("flasharray-a", volume, marker).at for volume in volumes)


def moment(text: str) -> float:
    """Return a time of an answer as seconds since the epoch."""
    return datetime.datetime.fromisoformat(text).timestamp()
