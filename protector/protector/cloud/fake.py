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
from collections.abc import Callable, Iterable, Sequence

from protector import errors
from protector.cloud.base import (
    Cloud,
    Glance,
    Inventory,
    Named,
    Outcome,
    PortRequest,
    Quota,
    Quotas,
    Server,
    ServerFacts,
    ServerRequest,
    ServiceCloud,
    TargetFlavor,
    TenantCloud,
    UsedPort,
    VolumeRequest,
    VolumeType,
)
from protector.cloud.fake_servers import Backend, FakeServers, new_id
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
    array_volume: str


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
    ``limits``: quota -> how much of it a project may have.
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
        self.made_servers: dict[str, MadeServer] = {}
        self.made_ports: dict[tuple[str, str], MadePort] = {}
        self.doubles: list[MadeServer] = []
        self.made_volumes: dict[str, MadeVolume] = {}
        self.volume_groups: dict[str, VolumeGroup] = {}

    # -- the way in ---------------------------------------------------------------------------

    def as_service(self) -> "FakeServiceCloud":
        return FakeServiceCloud(self)

    def by_token(self, token: str, project_id: str) -> "FakeTenantCloud":
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
                self.cloud.array.add_to_group(group.array_group, f"volume-{volume}-cinder")
        for volume in set(remove) & group.volumes:
            group.volumes.remove(volume)
            if self.cloud.array:
                self.cloud.array.remove_from_group(group.array_group, f"volume-{volume}-cinder")


class FakeServiceCloud(_Eyes, ServiceCloud):
    @faulty
    def check(self) -> dict[str, str | None]:
        return dict.fromkeys(SERVICES)

    @faulty
    def describe_server(self, project_id: str, server: str) -> ServerFacts:
        found = [
            facts
            for project, facts in self.cloud.servers.values()
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
        made = [m.server for m in self.cloud.made_servers.values() if m.project_id == project_id]
        return found | {
            one.id: Glance(one.id, one.name, self.cloud.status(one.id), "") for one in made
        }

    @faulty
    def stop_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        return [self._stop(server_id) for server_id in server_ids]

    @faulty
    def volume_types(self, replication_type: str) -> list[VolumeType]:
        return [self.cloud.volume_type] if replication_type == "async" else []

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
    def ports(self, network_ids: Iterable[str]) -> list[UsedPort]:
        wanted = set(network_ids)
        made = [
            UsedPort(id, port.network_id, port.mac_address, _fixed(port), one.request.key, True)
            for one in self.cloud.made_servers.values()
            for id, port in zip(one.server.port_ids, one.request.ports, strict=True)
            if port.network_id in wanted
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

    def _stop(self, server_id: str) -> Outcome:
        if self.cloud.status(server_id) == "PAUSED":
            return Outcome(server_id, None, f"server {server_id} is PAUSED; unpause and stop it")
        made = {one.server.id for one in self.cloud.made_servers.values()}
        if server_id in self.cloud.servers.keys() | made:
            self.cloud.power_off(server_id)
        return Outcome(server_id, server_id)


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
            groups[key] = VolumeGroup(id, self.project_id, f"consisgroup-{id}-cinder", set())
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

    @faulty
    def manage_volumes(
        self,
        requests: Sequence[VolumeRequest],
        *,
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
    ) -> list[Outcome]:
        self._may_manage()
        return [self._manage(request, reclaim) for request in requests]

    @faulty
    def unmanage_volumes(self, keys: Sequence[str]) -> list[Outcome]:
        return [self._unmanage(key) for key in keys]

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
            made[request.key] = MadeVolume(id, self.project_id, request, f"volume-{id}-cinder")
        return Outcome(request.key, made[request.key].id)

    def _unmanage(self, key: str) -> Outcome:
        volume = self.cloud.made_volumes.pop(key, None)
        if volume is None:
            return Outcome(key, None)
        self._rename(volume.array_volume, f"{volume.array_volume}-unmanaged")
        return Outcome(key, volume.id)

    def _rename(self, name: str, new_name: str) -> None:
        if self.cloud.array:
            self.cloud.array.rename_volume(name, new_name)

    def _remove_doubles(self, key: str) -> None:
        self.cloud.doubles = [one for one in self.cloud.doubles if one.request.key != key]

    def _port(self, key: str, request: PortRequest) -> MadePort:
        there = self.cloud.made_ports.pop((key, request.key), None)
        same = there is not None and there.request.network_id == request.network_id
        port = MadePort(there.id if there and same else new_id(), request, self._given_up(request))
        self.cloud.made_ports[key, request.key] = port
        return port

    def _given_up(self, port: PortRequest) -> list[str]:
        others = [made.request for made in self.cloud.made_ports.values()]
        taken = self.cloud.taken.union(*map(_addresses, others))
        return [
            f"{address} of {port.name} is taken on {self.cloud.site}; another was given"
            for address in _addresses(port)
            if address in taken
        ]


def _addresses(port: PortRequest) -> list[str]:
    return [port.mac_address, *_fixed(port)]


def _fixed(port: PortRequest) -> list[str]:
    return [address for _, address in port.fixed_addresses]
