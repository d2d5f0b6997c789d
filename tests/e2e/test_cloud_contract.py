# SPDX-License-Identifier: Apache-2.0
"""What every cloud must do, asked of a real one: the testbed's second site."""

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import openstack.exceptions
import pytest
from contract.cloud import Bench, CloudContract, ShownServer, ShownVolume
from oslo_config import cfg
from pypureclient import flasharray

from protector import conf
from protector.cloud.base import KEY, ServerRequest
from protector.cloud.openstack import OpenStackCloud
from protector.storage.purity import GONE, Purity
from testbed.layout import PLACES
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

SITE = "site-b"
GIB = 1024**3
# Seconds.
PATIENCE = 120
NOT_THE_TENANTS = {"array_name", "array_volume_name", "protector_key"}


class RealBench(Bench):
    network = "dr-web"
    cidr = "10.10.0.0/24"
    free_address = "10.10.0.177"

    def __init__(self, testbed: Testbed) -> None:
        self._mine = f"contract-{uuid.uuid4().hex[:8]}"
        self._count = 0
        self._on_array: list[str] = []
        self._alice = testbed.cloud(SITE)
        self._admin = testbed.cloud(f"{SITE}-admin")
        self.token = self._alice.auth_token
        self.user_id = self._alice.current_user_id
        self.project_id = self._alice.current_project_id
        self.other_project_id = testbed.cloud(f"{SITE}-rival").current_project_id
        self.cloud = OpenStackCloud.from_conf(configured := options(testbed))
        self._array = array(configured)

    def name(self, name: str) -> str:
        self._count += 1
        return f"{self._mine}-{name}-{self._count}"

    @contextlib.contextmanager
    def limited(self, most: int) -> Iterator[None]:
        admin, project = self._admin, self.project_id
        admin.set_compute_quotas(project, instances=most, cores=most, ram=most)
        admin.set_network_quotas(project, port=most)
        admin.set_volume_quotas(project, volumes=most, gigabytes=most)
        try:
            yield
        finally:
            admin.delete_compute_quotas(project)
            admin.delete_network_quotas(project)
            admin.delete_volume_quotas(project)

    def make_server(self, name: str, *, volumes: int) -> str:
        disks = [self._disk(f"{name}-{number}") for number in range(volumes)]
        self._alice.block_storage.set_volume_bootable_status(disks[0], True)
        port = self._alice.network.create_port(name=name, network_id=self._network_id)
        mapping = [
            {
                "uuid": disk,
                "source_type": "volume",
                "destination_type": "volume",
                "boot_index": 0 if number == 0 else -1,
            }
            for number, disk in enumerate(disks)
        ]
        compute = self._alice.compute
        server = compute.create_server(
            name=name,
            flavor_id=next(compute.flavors()).id,
            networks=[{"port": port.id}],
            block_device_mapping=mapping,
        )
        return compute.wait_for_server(server, interval=0.5, wait=PATIENCE).id

    def rename_server(self, server_id: str, name: str) -> None:
        self._alice.compute.update_server(server_id, name=name)

    def resize_server(self, server_id: str) -> None:
        compute = self._alice.compute
        now = compute.get_server(server_id).flavor.original_name
        other = next(flavor for flavor in compute.flavors() if flavor.name != now)
        compute.resize_server(server_id, other)
        self._await_status(server_id, "VERIFY_RESIZE")
        compute.confirm_server_resize(server_id)
        self._await_status(server_id, "ACTIVE")

    def change_address(self, server_id: str) -> None:
        network = self._alice.network
        (port,) = network.ports(device_id=server_id)
        network.update_port(port, fixed_ips=[{"ip_address": self.free_address}])

    def attach_volume(self, server_id: str) -> str:
        disk = self._disk(self.name("disk"))
        self._alice.compute.create_volume_attachment(server_id, volume=disk)
        self._await_disk(disk, "in-use")
        return disk

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        self._alice.compute.delete_volume_attachment(server_id, volume_id)
        self._await_disk(volume_id, "available")

    def rename_volume(self, server_id: str, volume_id: str, name: str) -> None:
        self._alice.block_storage.update_volume(volume_id, name=name)

    def stop_server(self, server_id: str) -> None:
        self._alice.compute.stop_server(server_id)
        self._await_status(server_id, "SHUTOFF")

    def pause_server(self, server_id: str) -> None:
        self._alice.compute.pause_server(server_id)
        self._await_status(server_id, "PAUSED")

    def delete_server(self, server_id: str) -> None:
        compute = self._alice.compute
        compute.delete_server(server := compute.get_server(server_id))
        compute.wait_for_delete(server, interval=0.5, wait=PATIENCE)

    def grouped(self, group_id: str) -> set[str]:
        volumes = self._alice.block_storage.volumes()
        return {volume.id for volume in volumes if volume.group_id == group_id}

    def make_double(self, request: ServerRequest) -> str:
        server_id = self.make_server(self.name(request.name), volumes=1)
        self._alice.compute.set_server_metadata(server_id, **{KEY: request.key})
        return server_id

    def make_array_volumes(self, count: int) -> list[str]:
        made = [self.name("replica") for _ in range(count)]
        for name in made:
            (volume,) = self._array.ask(
                "post_volumes", names=[name], volume=flasharray.VolumePost(provisioned=GIB)
            )
            self._on_array.append(volume.id)
        return made

    def show_volume(self, volume_id: str) -> ShownVolume | None:
        found = found_by(self._alice.block_storage.get_volume, volume_id)
        return found and ShownVolume(found.name, found.is_bootable, tenants(found.metadata))

    def type_of(self, volume_id: str) -> str:
        return str(self._alice.block_storage.get_volume(volume_id).volume_type_id)

    def show_server(self, server_id: str) -> ShownServer | None:
        server = found_by(self._alice.compute.get_server, server_id)
        if server is None:
            return None
        (addresses,) = server.addresses.values()
        attached = self._alice.compute.volume_attachments(server)
        return ShownServer(
            name=server.name,
            metadata=tenants(server.metadata),
            tags=server.tags,
            macs=[address["OS-EXT-IPS-MAC:mac_addr"] for address in addresses],
            addresses=[address["addr"] for address in addresses],
            volumes=[one.volume_id for one in sorted(attached, key=lambda one: one.device)],
        )

    def is_on_array(self, volume_id: str) -> bool:
        found = self._array.ask("get_volumes", names=[f"volume-{volume_id}-cinder"], unless=GONE)
        return any(not volume.destroyed for volume in found)

    def make_port(self, network_id: str) -> str:
        return str(self._alice.network.create_port(network_id=network_id).id)

    def delete_port(self, port_id: str) -> None:
        self._alice.network.delete_port(port_id)

    def clean_up(self) -> None:
        """Remove what the test left: others use the testbed too."""
        compute, storage = self._alice.compute, self._alice.block_storage
        for server in (servers := self._all_mine(compute.servers)):
            self._admin.compute.unlock_server(server)  # what an administrator locked
            compute.delete_server(server)
        for server in servers:
            compute.wait_for_delete(server, interval=0.5, wait=PATIENCE)
        for port in self._all_mine(self._alice.network.ports):
            self._alice.network.delete_port(port)
        for network in self._all_mine(self._alice.network.networks):
            self._alice.network.delete_network(network)
        for group in self._all_mine(storage.groups):
            storage.delete_group(group, delete_volumes=True)
        for volume in (volumes := self._all_mine(storage.volumes)):
            storage.delete_volume(volume)
        for volume in volumes:
            storage.wait_for_delete(volume, interval=0.5, wait=PATIENCE)
        self._destroy_on_array()

    # -- inside -------------------------------------------------------------------------------

    @property
    def _network_id(self) -> str:
        return str(self._alice.network.find_network(self.network, ignore_missing=False).id)

    def _disk(self, name: str) -> str:
        storage = self._alice.block_storage
        disk = storage.create_volume(name=name, size=1, volume_type="replicated")
        return self._await_disk(disk.id, "available")

    def _await_disk(self, volume_id: str, status: str) -> str:
        storage = self._alice.block_storage
        disk = storage.get_volume(volume_id)
        return str(storage.wait_for_status(disk, status, interval=0.5, wait=PATIENCE).id)

    def _await_status(self, server_id: str, status: str) -> None:
        compute = self._alice.compute
        server = compute.get_server(server_id)
        compute.wait_for_server(server, status=status, interval=0.5, wait=PATIENCE)

    def _all_mine(self, read: Callable[[], Iterable[Any]]) -> list[Any]:
        return [thing for thing in read() if self._is_mine(thing)]

    def _is_mine(self, thing: Any) -> bool:
        marks = (thing.name, thing.description, getattr(thing, "metadata", None))
        return any(self._mine in str(mark) for mark in marks)

    def _destroy_on_array(self) -> None:
        gone = flasharray.VolumePatch(destroyed=True)
        for id in self._on_array:
            for volume in self._array.ask("get_volumes", ids=[id], unless=GONE):
                self._array.ask("patch_volumes", names=[volume.name], volume=gone, unless=GONE)


def found_by(read: Callable[[str], Any], id: str) -> Any:
    try:
        return read(id)
    except openstack.exceptions.NotFoundException:
        return None


def tenants(metadata: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name not in NOT_THE_TENANTS}


def options(testbed: Testbed) -> cfg.ConfigOpts:
    """Return what the site's own Protector is configured with."""
    options = cfg.ConfigOpts()
    conf.register(options)
    file = testbed.folders.site(PLACES[SITE]) / "etc" / "protector.conf"
    options(["--config-file", str(file)])
    return options


def array(options: cfg.ConfigOpts) -> Purity:
    """Return the array to ask for what no driver does."""
    return Purity(
        options.flasharray.name,
        target=options.flasharray.target,
        api_token=options.flasharray.api_token,
        ca_file=options.flasharray.ca_file,
        connect_timeout=options.flasharray.connect_timeout,
        timeout=options.flasharray.timeout,
        parallel_requests=1,
    )


class TestOpenStackCloud(CloudContract):
    @pytest.fixture(scope="class", autouse=True)
    def _as_new(self, testbed: Testbed) -> None:
        """Whatever an earlier run has left: a link that is down, a fault, a group."""
        testbed.reset()

    @pytest.fixture
    def bench(self, testbed: Testbed) -> Iterator[RealBench]:
        bench = RealBench(testbed)
        yield bench
        bench.clean_up()
