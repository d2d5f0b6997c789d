# SPDX-License-Identifier: Apache-2.0
"""What is in a cloud in memory before Protector comes, and what its tenants do to their servers."""

import dataclasses
import itertools
import string
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from protector.cloud.base import Named, Network, ServerFacts, Subnet, VolumeFacts, VolumeType
from protector.domain.document import FixedAddress, Flavor, Member, Nic, Volume


class Backend(Protocol):
    """What Cinder's driver does on the array behind it."""

    array: str

    def create_volume(self, name: str) -> object: ...
    def rename_volume(self, name: str, new_name: str) -> None: ...
    def create_group(self, name: str) -> None: ...
    def add_to_group(self, name: str, volume: str) -> None: ...
    def remove_from_group(self, name: str, volume: str) -> None: ...
    def delete_group(self, name: str) -> None: ...
    def delete_volume(self, name: str) -> None: ...


def new_id() -> str:
    return str(uuid.uuid4())


def device(number: int) -> str:
    return f"/dev/vd{string.ascii_lowercase[number]}"


class FakeServers:
    """``servers``: id -> project and facts; ``statuses``: of servers that are not ACTIVE.

    ``disks``: by id, every volume that was ever there before Protector came. ``retyped``: id of a
    volume -> its type, if that is another than ``volume_type``. ``landing_type``: None, if Cinder
    has none. ``pod``: into which Cinder puts, on the array, what is of ``sync_type``.
    """

    def __init__(self, site: str, array: Backend | None) -> None:
        self.site = site
        self.array = array
        self.networks: list[Network] = []
        self.flavors: dict[str, Flavor] = {}
        self.security_groups: list[Named] = [Named(new_id(), "default")]
        self.volume_type = VolumeType(new_id(), "replicated", "pure")
        self.sync_type = VolumeType(new_id(), "replicated-sync", "pure")
        self.landing_type: VolumeType | None = VolumeType(new_id(), "plain", "pure")
        self.retyped: dict[str, VolumeType] = {}
        self.pod: str | None = None
        self.servers: dict[str, tuple[str, ServerFacts]] = {}
        self.statuses: dict[str, str] = {}
        self.disks: dict[str, Volume] = {}

    @property
    def pool(self) -> str:
        return f"{self.site}@pure#pure"

    # -- what is there before Protector comes -------------------------------------------------

    def add_network(self, name: str, *cidrs: str) -> Network:
        network = Network(new_id(), name, [Subnet(new_id(), cidr) for cidr in cidrs])
        self.networks.append(network)
        return network

    def add_flavor(self, name: str, *, vcpus: int = 1, ram_mb: int = 1024) -> Flavor:
        flavor = Flavor(id=new_id(), name=name, vcpus=vcpus, ram_mb=ram_mb, disk_gb=0)
        self.flavors[name] = flavor
        return flavor

    def add_security_group(self, name: str) -> Named:
        group = Named(new_id(), name)
        self.security_groups.append(group)
        return group

    def add_server(
        self,
        project_id: str,
        name: str,
        *,
        flavor: str = "m1.small",
        networks: Sequence[str] = (),
        volumes: int = 1,
        user_data: str | None = None,
        volume_type: VolumeType | None = None,
    ) -> ServerFacts:
        """Add a server that boots from the first of its volumes, all of them replicated.

        Other facts: ``cloud.servers[id] = (project, dataclasses.replace(facts, ...))``.
        """
        disks = [self._disk(name, number, volume_type) for number in range(volumes)]
        member = Member(
            server_id=new_id(),
            name=name,
            description=None,
            flavor=self.flavors.get(flavor) or self.add_flavor(flavor),
            nics=[self._nic(network, name) for network in networks],
            volumes=disks,
            key_name=None,
            metadata={"role": name},
            tags=[],
            availability_zone="nova",
            server_group=None,
            user_data=user_data,
            config_drive=False,
        )
        facts = ServerFacts(member, boots_from_image=False, volumes=[*map(self.described, disks)])
        self.servers[member.server_id] = (project_id, facts)
        return facts

    # -- what a tenant does to a server without Protector -------------------------------------

    def rename(self, server_id: str, name: str) -> None:
        self._change(server_id, name=name)

    def resize(self, server_id: str, flavor: str) -> None:
        self._change(server_id, flavor=self.flavors.get(flavor) or self.add_flavor(flavor))

    def change_address(self, server_id: str, address: str) -> None:
        """Give the first of its ports another address of the same subnet."""
        first, *others = self._member(server_id).nics
        fixed = first.fixed_addresses[0].model_copy(update={"ip_address": address})
        nic = first.model_copy(update={"fixed_addresses": [fixed]})
        self._change(server_id, nics=[nic, *others])

    def attach_port(self, server_id: str, network: str) -> Nic:
        member = self._member(server_id)
        nic = self._nic(network, member.name)
        self._change(server_id, nics=[*member.nics, nic])
        return nic

    def detach_port(self, server_id: str, port_id: str) -> None:
        nics = self._member(server_id).nics
        self._change(server_id, nics=[nic for nic in nics if nic.port_id != port_id])

    def attach_volume(self, server_id: str, *, type: str | None = None) -> Volume:
        """Attach a new volume: a replicated one, or one of another type."""
        facts = self.servers[server_id][1]
        disk = self._disk(facts.member.name, self._free_place(facts.member))
        if type and type != disk.volume_type:
            self.retyped[disk.id] = VolumeType(new_id(), type, None)
            disk = disk.model_copy(update={"volume_type": type})
        described = [*facts.volumes, self.described(disk)]
        self._set_volumes(server_id, [*facts.member.volumes, disk], described)
        return disk

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        facts = self.servers[server_id][1]
        self._set_volumes(
            server_id,
            [volume for volume in facts.member.volumes if volume.id != volume_id],
            [volume for volume in facts.volumes if volume.id != volume_id],
        )

    def rename_volume(self, server_id: str, volume_id: str, name: str) -> None:
        self._change_volume(server_id, volume_id, {"name": name}, {"name": name})

    def retype_volume(self, volume_id: str, type: VolumeType) -> None:
        before = self.volume_on_array(volume_id)
        self.retyped[volume_id] = type
        after = self.volume_on_array(volume_id)
        if self.array:
            self.array.rename_volume(before, after)
        of_disk = {"volume_type": type.name, "array_volume": after}
        if volume_id in self.disks:
            self.disks[volume_id] = self.disks[volume_id].model_copy(update=of_disk)
        described = {"type_id": type.id, "type_name": type.name}
        for server_id in self.servers:
            self._change_volume(server_id, volume_id, of_disk, described)

    def on_array(self, name: str, type_id: str) -> str:
        """Return what Cinder's driver calls something of this name, of volumes of this type."""
        return f"{self.pod}::{name}" if self.pod and type_id == self.sync_type.id else name

    def volume_on_array(self, volume_id: str) -> str:
        return self.on_array(f"volume-{volume_id}-cinder", self.type_of(volume_id).id)

    def delete_server(self, server_id: str) -> None:
        del self.servers[server_id]

    def status(self, server_id: str) -> str:
        return self.statuses.get(server_id, "ACTIVE")

    def power_on(self, server_id: str) -> None:
        self.statuses[server_id] = "ACTIVE"

    def power_off(self, server_id: str) -> None:
        self.statuses[server_id] = "SHUTOFF"

    def pause(self, server_id: str) -> None:
        self.statuses[server_id] = "PAUSED"

    # -- inside -------------------------------------------------------------------------------

    def _member(self, server_id: str) -> Member:
        return self.servers[server_id][1].member

    def _change(self, server_id: str, **changes: object) -> None:
        project_id, facts = self.servers[server_id]
        member = facts.member.model_copy(update=changes)
        self.servers[server_id] = project_id, dataclasses.replace(facts, member=member)

    def _set_volumes(
        self, server_id: str, disks: Sequence[Volume], described: Sequence[VolumeFacts]
    ) -> None:
        project_id, facts = self.servers[server_id]
        self.servers[server_id] = project_id, dataclasses.replace(facts, volumes=described)
        self._change(server_id, volumes=list(disks))

    def _change_volume(
        self,
        server_id: str,
        volume_id: str,
        of_disk: Mapping[str, Any],
        of_facts: Mapping[str, Any],
    ) -> None:
        facts = self.servers[server_id][1]
        self._set_volumes(
            server_id,
            [
                volume.model_copy(update=of_disk) if volume.id == volume_id else volume
                for volume in facts.member.volumes
            ],
            [
                dataclasses.replace(volume, **of_facts) if volume.id == volume_id else volume
                for volume in facts.volumes
            ],
        )

    def _free_place(self, member: Member) -> int:
        taken = {volume.device for volume in member.volumes}
        return next(number for number in itertools.count() if device(number) not in taken)

    def _disk(self, server: str, number: int, type: VolumeType | None = None) -> Volume:
        id = new_id()
        if type:
            self.retyped[id] = type
        array_volume = self.volume_on_array(id)
        if self.array:
            self.array.create_volume(array_volume)
        self.disks[id] = Volume(
            id=id,
            name=f"{server}-{number}",
            array_volume=array_volume,
            size_gb=1,
            volume_type=self.type_of(id).name,
            bootable=number == 0,
            boot_index=0 if number == 0 else None,
            device=device(number),
            delete_on_termination=False,
            metadata={},
        )
        return self.disks[id]

    def type_of(self, volume_id: str) -> VolumeType:
        return self.retyped.get(volume_id, self.volume_type)

    def described(self, disk: Volume) -> VolumeFacts:
        return VolumeFacts(
            id=disk.id,
            name=disk.name,
            type_id=self.type_of(disk.id).id,
            type_name=self.type_of(disk.id).name,
            pool=self.pool,
            array=self.array.array if self.array else None,
            multiattach=False,
            encrypted=False,
        )

    def _nic(self, name: str, server: str) -> Nic:
        network = next(network for network in self.networks if network.name == name)
        number = sum(len(facts.member.nics) for _, facts in self.servers.values()) + 11
        addresses = [
            FixedAddress(ip_address=subnet.cidr.replace("0/24", str(number)), cidr=subnet.cidr)
            for subnet in network.subnets
        ]
        return Nic(
            port_id=new_id(),
            name=f"{server}-{name}",
            network_id=network.id,
            network_name=network.name,
            mac_address=f"fa:16:3e:00:{len(self.networks):02x}:{number:02x}",
            fixed_addresses=addresses,
            security_groups=["default"],
            port_security=True,
        )
