# SPDX-License-Identifier: Apache-2.0
"""A cloud in memory, for tests and for trying Protector out.

    cloud = FakeCloud("site-b", array=FakeArray("array-b"))
    web = cloud.add_network("web", "10.10.0.0/24"); cloud.add_flavor("m1.small")
    cloud.add_server("acme", "web1", networks=["web"], volumes=2)
    cloud.resize(server_id, "m1.large"); cloud.power_off(server_id)
    cloud.faults.set("recreate_server", errors.CloudError(...))

Whatever is made can be looked at: ``made_servers``, ``made_volumes`` and ``volume_groups`` by key,
``made_ports`` by the server's key and their own, ``trusts`` by id. The array, when given one, sees
what Cinder's driver would do to it.
"""

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from protector import errors
from protector.cloud.base import (
    BlockDevice,
    Cloud,
    Glance,
    Inventory,
    Named,
    Network,
    NetworkRequest,
    Outcome,
    PortRequest,
    Quota,
    Quotas,
    Server,
    ServerFacts,
    ServerRequest,
    ServiceCloud,
    StandingBy,
    Subnet,
    TargetFlavor,
    TenantCloud,
    UsedPort,
    VolumeFacts,
    VolumeRequest,
    VolumeType,
)
from protector.cloud.fake_servers import Backend, FakeServers, new_id
from protector.domain.document import FixedAddress, Member, Nic, Volume
from protector.faults import Faults, faulty

SERVICES = ("keystone", "nova", "neutron", "cinder")


@dataclasses.dataclass
class Trust:
    user_id: str
    project_id: str
    roles: Sequence[str]


@dataclasses.dataclass
class MadeVolume:
    id: str
    project_id: str
    request: VolumeRequest


@dataclasses.dataclass
class MadeServer:
    project_id: str
    request: ServerRequest
    server: Server


@dataclasses.dataclass
class MadePort:
    """``notes``: what of the request the network had no room for."""

    id: str
    request: PortRequest
    notes: list[str]


@dataclasses.dataclass
class MadeNetwork:
    project_id: str
    request: NetworkRequest
    network: Network


@dataclasses.dataclass
class VolumeGroup:
    id: str
    project_id: str
    array_group: str
    volumes: set[str]


def fingerprint(facts: ServerFacts) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()


class FakeCloud(FakeServers, Cloud):
    """``doubles``: servers made late under a key that has one; ``manages``: whether tenants may
    manage volumes, as Cinder's policy says; ``taken``: MAC and fixed addresses that others have.
    ``limits``: quota -> how much of it a project may have. ``locks``: id of a server -> why it is
    locked. ``marked``: id of a volume -> group that it stands by for. ``foreign``: id of a network
    or volume that something else holds -> what.
    """

    def __init__(self, site: str = "site-b", *, array: Backend | None = None) -> None:
        super().__init__(site, array)
        self.faults = Faults()
        self.lock = threading.RLock()
        self.manages = True
        self.taken: set[str] = set()
        self.limits: dict[str, int] = {}
        self.server_groups: list[Named] = []
        self.keypairs: list[str] = []
        self.trusts: dict[str, Trust] = {}
        self.locks: dict[str, str] = {}
        self.marked: dict[str, str] = {}
        self.made_servers: dict[str, MadeServer] = {}
        self.made_ports: dict[tuple[str, str], MadePort] = {}
        self.doubles: list[MadeServer] = []
        self.made_volumes: dict[str, MadeVolume] = {}
        self.made_networks: dict[str, MadeNetwork] = {}
        self.foreign: dict[str, str] = {}
        self.volume_groups: dict[str, VolumeGroup] = {}

    def attach_to_made(self, made: MadeServer) -> Volume:
        """Do what a tenant does: attach a new volume, a replicated one, to a server made here."""
        disk = self._disk(made.server.name, len(made.request.volumes))
        attached = BlockDevice(disk.id, None, disk.device, delete_on_termination=False)
        made.request = dataclasses.replace(made.request, volumes=[*made.request.volumes, attached])
        return disk

    # -- the way in ---------------------------------------------------------------------------

    def as_service(self) -> "FakeServiceCloud":
        return FakeServiceCloud(self)

    def by_token(self, token: str, project_id: str) -> "FakeTenantCloud":
        return FakeTenantCloud(self, project_id)

    @faulty
    def of_project(self, project_id: str) -> "FakeTenantCloud":
        return FakeTenantCloud(self, project_id)

    @faulty
    def by_trust(self, trust_id: str) -> "FakeTenantCloud":
        if trust_id not in self.trusts:
            raise errors.CloudRefused(
                service="Keystone",
                site=self.site,
                action="act by a trust",
                reason=f"trust {trust_id} is gone",
            )
        return FakeTenantCloud(self, self.trusts[trust_id].project_id)

    @faulty
    def take_trust(self, token: str, *, user_id: str, project_id: str, roles: Sequence[str]) -> str:
        trust_id = new_id()
        self.trusts[trust_id] = Trust(user_id, project_id, list(roles))
        return trust_id


class _Eyes:
    """Shares its cloud's faults and lock."""

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud = cloud
        self.faults = cloud.faults
        self.lock = cloud.lock

    @faulty
    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        group = next(g for g in self.cloud.volume_groups.values() if g.id == group_id)
        for volume in set(add) - group.volumes:
            group.volumes.add(volume)
            if self.cloud.array:
                name = self.cloud.volume_on_array(volume)
                self.cloud.array.add_to_group(group.array_group, name)
        for volume in set(remove) & group.volumes:
            group.volumes.remove(volume)
            if self.cloud.array:
                name = self.cloud.volume_on_array(volume)
                self.cloud.array.remove_from_group(group.array_group, name)


class FakeServiceCloud(_Eyes, ServiceCloud):
    @faulty
    def check(self) -> dict[str, str | None]:
        return dict.fromkeys(SERVICES)

    @faulty
    def describe_server(self, project_id: str, server: str) -> ServerFacts:
        made = list(self.cloud.made_servers.values())
        found = [
            facts
            for project, facts in [*self.cloud.servers.values(), *map(self._made, made)]
            if project == project_id and server in (facts.member.server_id, facts.member.name)
        ]
        if not found:
            raise errors.ServerNotFound(server=server, site=self.cloud.site)
        if len(found) > 1:
            reason = f"{len(found)} servers are named {server}. Give the id of the one you mean."
            raise errors.InvalidRequest(reason=reason)
        return found[0]

    @faulty
    def look(self, project_id: str) -> dict[str, Glance]:
        found = {
            id: Glance(id, facts.member.name, self.cloud.status(id), fingerprint(facts))
            for id, (project, facts) in self.cloud.servers.items()
            if project == project_id
        }
        made = [one for one in self.cloud.made_servers.values() if one.project_id == project_id]
        return found | {
            one.server.id: Glance(
                one.server.id,
                one.server.name,
                self.cloud.status(one.server.id),
                fingerprint(self._made(one)[1]),
            )
            for one in made
        }

    @faulty
    def stop_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        return [self._stop(server_id) for server_id in server_ids]

    @faulty
    def start_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        return [self._start(server_id) for server_id in server_ids]

    @faulty
    def standing_by(self, project_id: str) -> StandingBy:
        servers = {
            id: reason for id, reason in self.cloud.locks.items() if self._project(id) == project_id
        }
        return StandingBy(servers, dict(self.cloud.marked))

    @faulty
    def stand_by(
        self, servers: Iterable[str], volumes: Iterable[str], *, group_id: str, reason: str
    ) -> None:
        for id in servers:
            if self._project(id):
                self.cloud.locks.setdefault(id, reason)
        there = self._volumes()
        self.cloud.marked |= {id: group_id for id in volumes if id in there}

    @faulty
    def stand_down(self, servers: Iterable[str], volumes: Iterable[str]) -> None:
        for id in servers:
            self.cloud.locks.pop(id, None)
        for id in volumes:
            self.cloud.marked.pop(id, None)

    @faulty
    def delete_server(self, server_id: str, *, project_id: str) -> None:
        if self._project(server_id) == project_id:
            self.cloud.servers.pop(server_id, None)

    @faulty
    def volume_group(self, key: str) -> str | None:
        found = self.cloud.volume_groups.get(key)
        return found.id if found else None

    @faulty
    def delete_volume_group(self, *, key: str) -> None:
        group = self.cloud.volume_groups.pop(key, None)
        if group and self.cloud.array:
            self.cloud.array.delete_group(group.array_group)

    @faulty
    def volume_types(self, replication_type: str) -> list[VolumeType]:
        types = {"async": self.cloud.volume_type, "sync": self.cloud.sync_type}
        return [types[replication_type]] if replication_type in types else []

    @faulty
    def consistent_group_type(self) -> str:
        return "consistent"

    @faulty
    def pool_for(self, volume_type: VolumeType) -> str:
        if volume_type.backend != self.cloud.volume_type.backend:
            reason = f"no backend serves volume type {volume_type.name}"
            raise errors.CloudError(service="Cinder", site=self.cloud.site, reason=reason)
        return self.cloud.pool

    @faulty
    def landing_type(self, volume_type: VolumeType) -> VolumeType:
        self.pool_for(volume_type)
        if self.cloud.landing_type is None:
            raise errors.NoVolumeType(
                reason=f"{self.cloud.site} has no volume type of backend {volume_type.backend} that"
                " does not replicate. Make one: openstack volume type create"
                f" --property volume_backend_name={volume_type.backend} <name>"
            )
        return self.cloud.landing_type

    @faulty
    def ports(self, network_ids: Iterable[str]) -> list[UsedPort]:
        wanted = set(network_ids)
        made = [
            UsedPort(
                port.id,
                port.request.network_id,
                _mac(port.request, port.id),
                _fixed(port.request),
                made_for=key,
                attached=key in self.cloud.made_servers,
            )
            for (key, _), port in self.cloud.made_ports.items()
            if port.request.network_id in wanted
        ]
        others = [
            UsedPort("someone's", network, address, [address], None, True)
            for network in wanted
            for address in sorted(self.cloud.taken)
        ]
        return made + others

    @faulty
    def drop_trust(self, trust_id: str) -> None:
        self.cloud.trusts.pop(trust_id, None)

    @faulty
    def trusts(self) -> list[str]:
        return list(self.cloud.trusts)

    # -- inside -------------------------------------------------------------------------------

    def _made(self, made: MadeServer) -> tuple[str, ServerFacts]:
        """Return a server that Protector made, as any other is described."""
        cloud, request = self.cloud, made.request
        networks = {network.id: network for network in cloud.networks}
        names = {group.id: group.name for group in cloud.security_groups}
        nics = [
            Nic(
                port_id=id,
                name=port.name,
                network_id=port.network_id,
                network_name=networks[port.network_id].name,
                mac_address=_mac(port, id),
                fixed_addresses=[
                    FixedAddress(ip_address=address, cidr=subnet.cidr)
                    for id, address in port.fixed_addresses
                    for subnet in networks[port.network_id].subnets
                    if subnet.id == id
                ],
                security_groups=sorted(names[id] for id in port.security_groups),
                port_security=port.port_security,
            )
            for id, port in zip(made.server.port_ids, request.ports, strict=True)
        ]
        disks = [(device, *self._disk(device.volume_id)) for device in request.volumes]
        member = Member(
            server_id=made.server.id,
            name=request.name,
            description=request.description,
            flavor=next(one for one in cloud.flavors.values() if one.id == request.flavor_id),
            nics=nics,
            volumes=[
                disk.model_copy(
                    update={
                        "boot_index": device.boot_index,
                        "device": device.device,
                        "delete_on_termination": device.delete_on_termination,
                    }
                )
                for device, disk, _ in disks
            ],
            key_name=request.key_name,
            metadata=dict(request.metadata),
            tags=list(request.tags),
            availability_zone=request.availability_zone,
            server_group=None,
            user_data=request.user_data,
            config_drive=request.config_drive,
        )
        facts = ServerFacts(member, False, [described for _, _, described in disks])
        return made.project_id, facts

    def _disk(self, volume_id: str) -> tuple[Volume, VolumeFacts]:
        """Return a volume that was there, or was managed, as a server has it."""
        cloud = self.cloud
        if volume_id in cloud.disks:
            disk = cloud.disks[volume_id]
            disk = disk.model_copy(update={"volume_type": cloud.type_of(volume_id).name})
            return disk, cloud.described(disk)
        made = next(one for one in cloud.made_volumes.values() if one.id == volume_id)
        disk = Volume(
            id=made.id,
            name=made.request.name,
            array_volume=self.cloud.volume_on_array(made.id),
            size_gb=1,
            volume_type=cloud.type_of(made.id).name,
            bootable=made.request.bootable,
            boot_index=None,
            device="",
            delete_on_termination=False,
            metadata=dict(made.request.metadata),
        )
        return disk, cloud.described(disk)

    def _stop(self, server_id: str) -> Outcome:
        if self.cloud.status(server_id) == "PAUSED":
            return Outcome(server_id, None, f"server {server_id} is PAUSED; unpause and stop it")
        if self._project(server_id):
            self.cloud.power_off(server_id)
        return Outcome(server_id, server_id, seconds=0)

    def _start(self, server_id: str) -> Outcome:
        if not self._project(server_id):
            return Outcome(server_id, None, f"server {server_id} is not there any more")
        self.cloud.power_on(server_id)
        return Outcome(server_id, server_id, seconds=0)

    def _project(self, server_id: str) -> str | None:
        """Return whose server it is, if there is one of that id."""
        made = {one.server.id: one.project_id for one in self.cloud.made_servers.values()}
        return {id: project for id, (project, _) in self.cloud.servers.items()}.get(
            server_id, made.get(server_id)
        )

    def _volumes(self) -> set[str]:
        own = {v.id for _, facts in self.cloud.servers.values() for v in facts.member.volumes}
        return own | {made.id for made in self.cloud.made_volumes.values()}


class FakeTenantCloud(_Eyes, TenantCloud):
    def __init__(self, cloud: FakeCloud, project_id: str) -> None:
        super().__init__(cloud)
        self.project_id = project_id

    # -- protecting ---------------------------------------------------------------------------

    @faulty
    def create_volume_group(self, *, key: str, group_type_id: str, volume_type_id: str) -> str:
        groups = self.cloud.volume_groups
        if key not in groups:
            id = new_id()
            name = self.cloud.on_array(f"consisgroup-{id}-cinder", volume_type_id)
            groups[key] = VolumeGroup(id, self.project_id, name, set())
            if self.cloud.array:
                self.cloud.array.create_group(groups[key].array_group)
        return groups[key].id

    @faulty
    def delete_volume_group(self, *, key: str) -> None:
        group = self.cloud.volume_groups.pop(key, None)
        if group and self.cloud.array:
            self.cloud.array.delete_group(group.array_group)

    # -- recovering ---------------------------------------------------------------------------

    @faulty
    def inventory(self) -> Inventory:
        return Inventory(
            networks=list(self.cloud.networks),
            flavors=[
                TargetFlavor(one.id, one.name, one.vcpus, one.ram_mb)
                for one in self.cloud.flavors.values()
            ],
            security_groups=list(self.cloud.security_groups),
            server_groups=list(self.cloud.server_groups),
            keypairs=list(self.cloud.keypairs),
            availability_zones=["nova"],
        )

    @faulty
    def quotas(self) -> Quotas:
        used = self._used()
        limited = {name: Quota(most, used.get(name, 0)) for name, most in self.cloud.limits.items()}
        return Quotas(limited, {})

    @faulty
    def must_manage_volumes(self, volume_type_id: str) -> None:
        self._may_manage()

    def manage_volumes(
        self,
        requests: Sequence[VolumeRequest],
        *,
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
        managed: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
    ) -> list[Outcome]:
        outcomes = self._manage_volumes(requests, volume_type_id, reclaim)
        managed([outcome for outcome in outcomes if outcome.id])
        return outcomes

    @faulty
    def unmanage_volumes(self, keys: Sequence[str]) -> list[Outcome]:
        return [self._unmanage(key) for key in keys]

    @faulty
    def remove_volumes(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        return [self._delete(key, id) for key, id in volumes.items()]

    @faulty
    def retype_volumes(self, volume_ids: Sequence[str], *, volume_type_id: str) -> list[Outcome]:
        return [self._retype(volume_id, volume_type_id) for volume_id in volume_ids]

    @faulty
    def make_isolated_network(self, request: NetworkRequest) -> Network:
        made = self.cloud.made_networks
        if request.key not in made:
            subnets = [Subnet(new_id(), cidr) for cidr in request.subnets]
            network = Network(new_id(), request.name, subnets)
            made[request.key] = MadeNetwork(self.project_id, request, network)
            self.cloud.networks.append(network)
        return made[request.key].network

    @faulty
    def remove_isolated_network(self, key: str) -> None:
        made = self.cloud.made_networks.get(key)
        if made is None or made.project_id != self.project_id:
            return
        own = [port.id for port in self.cloud.made_ports.values() if _is_on(port, made.network)]
        holders = [self.cloud.foreign.get(made.network.id), *own]
        if any(holders):
            reason = f"network {made.network.name} is in use by {holders[0] or own[0]}"
            raise errors.CloudError(service="Neutron", site=self.cloud.site, reason=reason)
        del self.cloud.made_networks[key]
        self.cloud.networks.remove(made.network)

    @faulty
    def recreate_server(self, request: ServerRequest) -> Server:
        made = self.cloud.made_servers
        if request.flavor_id not in {flavor.id for flavor in self.cloud.flavors.values()}:
            reason = f"Flavor {request.flavor_id} could not be found."
            raise errors.CloudError(service="Nova", site=self.cloud.site, reason=reason)
        if request.key not in made:
            ports = [self._port(request.key, port) for port in request.ports]
            notes = [note for port in ports for note in port.notes]
            server = Server(new_id(), request.name, "ACTIVE", [port.id for port in ports], notes)
            made[request.key] = MadeServer(self.project_id, request, server)
        self._remove_doubles(request.key)
        return made[request.key].server

    @faulty
    def addresses(self, server_id: str) -> list[str]:
        return [
            address
            for made in self.cloud.made_servers.values()
            if made.server.id == server_id
            for port in made.request.ports
            for _, address in port.fixed_addresses
        ]

    @faulty
    def remove_server(self, key: str, *, keep_ports: bool = False) -> None:
        made = self.cloud.made_servers.get(key)
        if made and made.project_id != self.project_id:
            return
        self.cloud.made_servers.pop(key, None)
        self._remove_doubles(key)
        if not keep_ports:
            for server_key, port_key in list(self.cloud.made_ports):
                if server_key == key:
                    del self.cloud.made_ports[server_key, port_key]

    # -- inside -------------------------------------------------------------------------------

    def _used(self) -> dict[str, int]:
        """Return what the project has of some things that have quotas."""
        cloud, project = self.cloud, self.project_id
        own = [facts.member for owner, facts in cloud.servers.values() if owner == project]
        made = [one.request for one in cloud.made_servers.values() if one.project_id == project]
        volumes = [one for one in cloud.made_volumes.values() if one.project_id == project]
        return {
            "instances": len(own) + len(made),
            "ports": sum(len(one.nics) for one in own) + sum(len(one.ports) for one in made),
            "volumes": sum(len(one.volumes) for one in own) + len(volumes),
        }

    def _may_manage(self) -> None:
        if not self.cloud.manages:
            raise errors.CloudRefused(
                service="Cinder",
                site=self.cloud.site,
                action="manage a volume",
                reason="Policy doesn't allow volume_extension:volume_manage to be performed.",
            )

    @faulty
    def _manage_volumes(
        self,
        requests: Sequence[VolumeRequest],
        volume_type_id: str,
        reclaim: Callable[[str], None],
    ) -> list[Outcome]:
        self._may_manage()
        before = {made.id for made in self.cloud.made_volumes.values()}
        outcomes = [self._manage(request, reclaim) for request in requests]
        type = self._type(volume_type_id)
        if type and type != self.cloud.volume_type:
            new = {outcome.id for outcome in outcomes if outcome.id} - before
            self.cloud.retyped |= dict.fromkeys(new, type)
        return outcomes

    def _manage(self, request: VolumeRequest, reclaim: Callable[[str], None]) -> Outcome:
        made = self.cloud.made_volumes
        if request.key not in made:
            id = new_id()
            try:
                reclaim(request.key)
                self._rename(request.array_volume, f"volume-{id}-cinder")
            except errors.StorageError as error:
                return Outcome(
                    request.key, None, error.text, passing=isinstance(error, errors.PASSING)
                )
            made[request.key] = MadeVolume(id, self.project_id, request)
        return Outcome(request.key, made[request.key].id)

    def _unmanage(self, key: str) -> Outcome:
        volume = self.cloud.made_volumes.pop(key, None)
        if volume is None:
            return Outcome(key, None)
        name = self.cloud.volume_on_array(volume.id)
        self._rename(name, f"{name}-unmanaged")
        return Outcome(key, volume.id)

    def _delete(self, key: str, id: str | None) -> Outcome:
        made = self.cloud.made_volumes
        found = next((k for k, one in made.items() if k == key or one.id == id), None)
        if found is None or made[found].project_id != self.project_id:
            return Outcome(key, None)
        volume = made[found]
        holder = self.cloud.foreign.get(volume.id) or self._server_of(volume.id)
        if holder:
            return Outcome(key, None, f"volume {volume.id} is attached to {holder}")
        if volume.id in {id for group in self.cloud.volume_groups.values() for id in group.volumes}:
            return Outcome(key, None, f"volume {volume.id} is in a group")
        del made[found]
        if self.cloud.array:
            self.cloud.array.delete_volume(self.cloud.volume_on_array(volume.id))
        return Outcome(key, volume.id)

    def _retype(self, volume_id: str, type_id: str) -> Outcome:
        cloud, type = self.cloud, self._type(type_id)
        made = {one.id for one in cloud.made_volumes.values() if one.project_id == self.project_id}
        if volume_id not in made | cloud.disks.keys():
            return Outcome(volume_id, None, f"Cinder of {cloud.site} has no volume {volume_id}")
        if cloud.type_of(volume_id).id == type_id:
            return Outcome(volume_id, volume_id)
        if type is None:
            return Outcome(volume_id, None, f"Invalid volume_type passed: {type_id}.")
        if any(volume_id in group.volumes for group in cloud.volume_groups.values()):
            fault = f"volume {volume_id} must not be part of a consistency group to be retyped"
            return Outcome(volume_id, None, fault)
        cloud.retype_volume(volume_id, type)
        return Outcome(volume_id, volume_id)

    def _type(self, type_id: str) -> VolumeType | None:
        types = (self.cloud.volume_type, self.cloud.sync_type, self.cloud.landing_type)
        return next((type for type in types if type and type.id == type_id), None)

    def _server_of(self, volume_id: str) -> str | None:
        for made in self.cloud.made_servers.values():
            if volume_id in {disk.volume_id for disk in made.request.volumes}:
                return f"server {made.server.id}"
        return None

    def _rename(self, name: str, new_name: str) -> None:
        if self.cloud.array:
            self.cloud.array.rename_volume(name, new_name)

    def _remove_doubles(self, key: str) -> None:
        self.cloud.doubles = [one for one in self.cloud.doubles if one.request.key != key]

    def _port(self, key: str, request: PortRequest) -> MadePort:
        there = self.cloud.made_ports.pop((key, request.key), None)
        same = there is not None and there.request.network_id == request.network_id
        reuse = None if request.reuse in self._attached() else request.reuse
        id = there.id if there and same else reuse or new_id()
        port = MadePort(id, request, self._given_up(request))
        self.cloud.made_ports[key, request.key] = port
        return port

    def _attached(self) -> set[str]:
        own = {nic.port_id for _, f in self.cloud.servers.values() for nic in f.member.nics}
        return own.union(*(one.server.port_ids for one in self.cloud.made_servers.values()))

    def _given_up(self, port: PortRequest) -> list[str]:
        others = [made.request for made in self.cloud.made_ports.values()]
        taken = self.cloud.taken.union(*map(_addresses, others))
        return [
            f"{address} of {port.name} is taken on {self.cloud.site}; another was given"
            for address in _addresses(port)
            if address in taken
        ]


def _mac(port: PortRequest, id: str) -> str:
    """Return the port's MAC address: the one asked for, or one that the network has chosen."""
    return port.mac_address or f"fa:16:3e:{id[:2]}:{id[2:4]}:{id[4:6]}"


def _is_on(port: MadePort, network: Network) -> bool:
    return port.request.network_id == network.id


def _addresses(port: PortRequest) -> list[str]:
    return [*filter(None, [port.mac_address]), *_fixed(port)]


def _fixed(port: PortRequest) -> list[str]:
    return [address for _, address in port.fixed_addresses]
