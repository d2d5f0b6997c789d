# SPDX-License-Identifier: Apache-2.0
"""What every cloud must do, as tests: a cloud's test module subclasses the suite.

The *bench* is what there is and what happens without Protector: a tenant with a server of two
volumes, volumes on the array that Cinder does not know, and a look at what was made.
"""

import abc
import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest

from protector import errors
from protector.cloud.base import (
    BlockDevice,
    Cloud,
    NetworkRequest,
    Outcome,
    PortRequest,
    ServerRequest,
    TenantCloud,
    UsedPort,
    VolumeRequest,
    VolumeType,
)

QUOTAS = ("instances", "cores", "ram", "ports", "volumes", "gigabytes")
PLENTY = 10**6
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclasses.dataclass
class ShownVolume:
    name: str
    bootable: bool
    metadata: dict[str, str]


@dataclasses.dataclass
class ShownServer:
    """``addresses`` and ``macs`` are of its ports, in the order of the NICs."""

    name: str
    metadata: dict[str, str]
    tags: list[str]
    macs: list[str]
    addresses: list[str]
    volumes: list[str]


class Bench(abc.ABC):
    cloud: Cloud
    token: str
    user_id: str
    project_id: str
    other_project_id: str
    roles: Sequence[str] = ("member",)
    #: A network of the tenant's, its only subnet, and an address of it that nobody has.
    network: str
    cidr: str
    free_address: str

    @abc.abstractmethod
    def name(self, name: str) -> str:
        """Return a name or key like this one that nothing else bears."""

    @abc.abstractmethod
    def make_server(self, name: str, *, volumes: int) -> str:
        """Make a server of replicated volumes with a port on the network; return its id."""

    @abc.abstractmethod
    def rename_server(self, server_id: str, name: str) -> None: ...

    @abc.abstractmethod
    def resize_server(self, server_id: str) -> None:
        """Let it have another flavor."""

    @abc.abstractmethod
    def change_address(self, server_id: str) -> None:
        """Let its port have :attr:`free_address`."""

    @abc.abstractmethod
    def attach_volume(self, server_id: str) -> str:
        """Attach a new replicated volume; return its id."""

    @abc.abstractmethod
    def detach_volume(self, server_id: str, volume_id: str) -> None: ...

    @abc.abstractmethod
    def rename_volume(self, server_id: str, volume_id: str, name: str) -> None: ...

    @abc.abstractmethod
    def stop_server(self, server_id: str) -> None: ...

    @abc.abstractmethod
    def pause_server(self, server_id: str) -> None: ...

    @abc.abstractmethod
    def delete_server(self, server_id: str) -> None: ...

    @abc.abstractmethod
    def make_double(self, request: ServerRequest) -> str:
        """Let one more server bear the request's key, as when one is made late; return its id."""

    @abc.abstractmethod
    def make_array_volumes(self, count: int) -> list[str]:
        """Make volumes on the array that Cinder does not know; return their names."""

    @abc.abstractmethod
    def show_volume(self, volume_id: str) -> ShownVolume | None: ...

    @abc.abstractmethod
    def type_of(self, volume_id: str) -> str:
        """Return the id of a volume's type."""

    @abc.abstractmethod
    def show_server(self, server_id: str) -> ShownServer | None: ...

    @abc.abstractmethod
    def grouped(self, group_id: str) -> set[str]:
        """Return the ids of a consistency group's volumes."""

    @abc.abstractmethod
    def limited(self, most: int) -> AbstractContextManager[None]:
        """Let the tenant have so many of each of QUOTAS meanwhile; else there is no limit."""

    @abc.abstractmethod
    def is_on_array(self, volume_id: str) -> bool:
        """Tell whether the array still has what a volume lies on."""

    @abc.abstractmethod
    def make_port(self, network_id: str) -> str:
        """Make a port of the tenant's own on a network; return its id."""

    @abc.abstractmethod
    def delete_port(self, port_id: str) -> None: ...

    # -- in short -----------------------------------------------------------------------------

    @property
    def tenant(self) -> TenantCloud:
        return self.cloud.by_token(self.token, self.project_id)

    @property
    def volume_type(self) -> VolumeType:
        return self.cloud.as_service().volume_types("async")[0]

    @property
    def sync_type(self) -> VolumeType:
        return self.cloud.as_service().volume_types("sync")[0]

    @property
    def landing_type(self) -> VolumeType:
        return self.cloud.as_service().landing_type(self.sync_type)

    def fingerprint(self, server_id: str) -> str:
        return self.cloud.as_service().look(self.project_id)[server_id].fingerprint

    def manage(
        self,
        requests: Sequence[VolumeRequest],
        reclaim: Callable[[str], None] = lambda key: None,
        volume_type: VolumeType | None = None,
        managed: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
    ) -> list[Outcome]:
        service = self.cloud.as_service()
        pool = service.pool_for(self.volume_type)
        return self.tenant.manage_volumes(
            requests,
            pool=pool,
            volume_type_id=(volume_type or self.volume_type).id,
            reclaim=reclaim,
            managed=managed,
        )

    def land(self, count: int) -> list[str]:
        """Manage volumes with the landing type; return their ids."""
        outcomes = self.manage(self.request_volumes(count), volume_type=self.landing_type)
        return [outcome.id or "" for outcome in outcomes]

    def mirror(self, volumes: Sequence[str]) -> list[Outcome]:
        return self.tenant.retype_volumes(volumes, volume_type_id=self.sync_type.id)

    def request_volumes(self, count: int) -> list[VolumeRequest]:
        return [
            VolumeRequest(
                key=self.name(f"volume{number}"),
                array_volume=array_volume,
                name=f"disk{number}",
                bootable=number == 0,
                metadata={"purpose": f"disk {number}"},
            )
            for number, array_volume in enumerate(self.make_array_volumes(count))
        ]

    def request_network(self) -> NetworkRequest:
        key = self.name("network")
        return NetworkRequest(key, f"of-{key}", {"10.77.0.0/24": ["10.77.0.1", "10.77.0.9"]})

    def request_server(
        self,
        name: str,
        *,
        mac_address: str | None = None,
        volume_type: VolumeType | None = None,
    ) -> ServerRequest:
        """Ask for a server of two volumes that are managed by now."""
        inventory = self.tenant.inventory()
        network = next(one for one in inventory.networks if one.name == self.network)
        port = PortRequest(
            key="0",
            name=f"{name}-port",
            network_id=network.id,
            mac_address=mac_address or "fa:16:3e:7a:7a:01",
            fixed_addresses=[(network.subnets[0].id, self.free_address)],
            security_groups=[g.id for g in inventory.security_groups if g.name == "default"],
            port_security=True,
        )
        volumes = self.manage(self.request_volumes(2), volume_type=volume_type)
        return ServerRequest(
            key=self.name(name),
            name=name,
            description=None,
            flavor_id=inventory.flavors[0].id,
            ports=[port],
            volumes=[
                BlockDevice(volumes[0].id or "", 0, "/dev/vda", False),
                BlockDevice(volumes[1].id or "", None, "/dev/vdb", False),
            ],
            key_name=None,
            metadata={"role": "web"},
            tags=["blue"],
            availability_zone=None,
            server_group=None,
            user_data="I2Nsb3VkLWNvbmZpZw==",
            config_drive=False,
        )


def ports_of(bench: Bench, request: ServerRequest) -> set[str]:
    """Return the ids of the ports that are made for the server, on the networks asked for."""
    networks = {port.network_id for port in request.ports}
    found = bench.cloud.as_service().ports(networks)
    return {port.id for port in found if port.made_for == request.key}


class ServiceCloudContract:
    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def test_every_service_answers(self, bench: Bench) -> None:
        answers = bench.cloud.as_service().check()
        assert answers == {"keystone": None, "nova": None, "neutron": None, "cinder": None}

    def test_a_server_is_described_with_all_it_consists_of(self, bench: Bench) -> None:
        server_id = bench.make_server(name := bench.name("web"), volumes=2)
        service = bench.cloud.as_service()
        facts = service.describe_server(bench.project_id, server_id)
        member = facts.member
        assert (member.server_id, member.name) == (server_id, name)
        assert not facts.boots_from_image
        assert [nic.network_name for nic in member.nics] == [bench.network]
        assert member.nics[0].fixed_addresses[0].cidr == bench.cidr
        assert member.nics[0].security_groups == ["default"]
        assert [volume.boot_index for volume in member.volumes] == [0, None]
        assert [volume.device[-1] for volume in member.volumes] == ["a", "b"]
        assert all(volume.array_volume for volume in member.volumes)
        assert [volume.id for volume in facts.volumes] == [volume.id for volume in member.volumes]
        assert {volume.type_id for volume in facts.volumes} == {bench.volume_type.id}
        assert {volume.pool for volume in facts.volumes} == {service.pool_for(bench.volume_type)}

    def test_a_server_is_found_by_name_as_by_id(self, bench: Bench) -> None:
        server_id = bench.make_server(name := bench.name("web"), volumes=1)
        describe = bench.cloud.as_service().describe_server
        assert describe(bench.project_id, name) == describe(bench.project_id, server_id)

    def test_a_name_that_two_servers_bear_is_refused(self, bench: Bench) -> None:
        name = bench.name("web")
        bench.make_server(name, volumes=1)
        bench.make_server(name, volumes=1)
        with pytest.raises(errors.InvalidRequest, match=name):
            bench.cloud.as_service().describe_server(bench.project_id, name)

    def test_a_server_of_another_project_is_not_found(self, bench: Bench) -> None:
        server_id = bench.make_server(name := bench.name("web"), volumes=1)
        for server in (name, server_id, "no-such-server"):
            with pytest.raises(errors.ServerNotFound, match=server):
                bench.cloud.as_service().describe_server(bench.other_project_id, server)

    def test_a_look_shows_the_projects_servers_and_no_others(self, bench: Bench) -> None:
        running = bench.make_server(name := bench.name("web"), volumes=1)
        stopped = bench.make_server(bench.name("db"), volumes=1)
        bench.stop_server(stopped)
        seen = bench.cloud.as_service().look(bench.project_id)
        assert (seen[running].id, seen[running].name) == (running, name)
        assert (seen[running].status, seen[stopped].status) == ("ACTIVE", "SHUTOFF")
        assert seen[running].fingerprint != seen[stopped].fingerprint
        assert running not in bench.cloud.as_service().look(bench.other_project_id)

    def test_what_runs_or_not_is_no_change_of_the_server(self, bench: Bench) -> None:
        server = bench.make_server(bench.name("web"), volumes=1)
        before = bench.fingerprint(server)
        assert bench.fingerprint(server) == before
        bench.stop_server(server)
        assert bench.fingerprint(server) == before

    def test_each_change_of_a_server_its_ports_or_volumes_is_seen(self, bench: Bench) -> None:
        server = bench.make_server(bench.name("web"), volumes=1)
        seen = [bench.fingerprint(server)]
        bench.rename_server(server, bench.name("shop"))
        seen.append(bench.fingerprint(server))
        bench.resize_server(server)
        seen.append(bench.fingerprint(server))
        bench.change_address(server)
        seen.append(bench.fingerprint(server))
        volume = bench.attach_volume(server)
        seen.append(bench.fingerprint(server))
        bench.rename_volume(server, volume, bench.name("data"))
        seen.append(bench.fingerprint(server))
        bench.detach_volume(server, volume)
        seen.append(bench.fingerprint(server))
        assert len(set(seen)) == len(seen) - 1  # a volume that came and went has changed nothing
        assert seen[-1] == seen[3]

    def test_a_server_that_is_deleted_is_seen_no_more(self, bench: Bench) -> None:
        server = bench.make_server(bench.name("web"), volumes=1)
        bench.delete_server(server)
        assert server not in bench.cloud.as_service().look(bench.project_id)

    def test_servers_are_stopped_and_stopping_again_or_what_is_gone_is_no_error(
        self, bench: Bench
    ) -> None:
        servers = [bench.make_server(bench.name("web"), volumes=1) for _ in range(2)]
        gone = [NOBODY, *servers]
        for _ in range(2):
            outcomes = bench.cloud.as_service().stop_servers(gone)
            assert outcomes == [Outcome(server, server) for server in gone]
        seen = bench.cloud.as_service().look(bench.project_id)
        assert {seen[server].status for server in servers} == {"SHUTOFF"}

    def test_a_server_that_cannot_be_stopped_does_not_stop_the_others(self, bench: Bench) -> None:
        paused, running = (bench.make_server(bench.name("web"), volumes=1) for _ in range(2))
        bench.pause_server(paused)
        refused, stopped = bench.cloud.as_service().stop_servers([paused, running])
        assert (refused.key, refused.id) == (paused, None)
        assert "PAUSED" in (refused.fault or "")
        assert "unpause" in (refused.fault or "")
        assert stopped == Outcome(running, running)

    def test_servers_are_started_and_starting_again_is_no_error(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        servers = [bench.make_server(bench.name("web"), volumes=1) for _ in range(2)]
        service.stop_servers(servers)
        for _ in range(2):
            assert service.start_servers(servers) == [Outcome(one, one) for one in servers]
        seen = service.look(bench.project_id)
        assert {seen[server].status for server in servers} == {"ACTIVE"}

    def test_a_server_that_cannot_be_started_does_not_keep_the_others(self, bench: Bench) -> None:
        server = bench.make_server(bench.name("web"), volumes=1)
        bench.stop_server(server)
        gone, started = bench.cloud.as_service().start_servers([NOBODY, server])
        assert (gone.key, gone.id) == (NOBODY, None)
        assert NOBODY in (gone.fault or "")
        assert started == Outcome(server, server)

    def test_what_stands_by_is_locked_and_marked_until_it_does_no_more(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        server = bench.make_server(bench.name("web"), volumes=2)
        volumes = [one.id for one in service.describe_server(bench.project_id, server).volumes]
        for _ in range(2):
            service.stand_by(
                [NOBODY, server], [NOBODY, *volumes], group_id="pg-1", reason="of pg-1"
            )
        seen = service.standing_by(bench.project_id)
        assert seen.servers[server] == "of pg-1"
        assert {volume: seen.volumes[volume] for volume in volumes} == dict.fromkeys(
            volumes, "pg-1"
        )
        assert server not in service.standing_by(bench.other_project_id).servers
        for _ in range(2):
            service.stand_down([NOBODY, server], [NOBODY, *volumes])
        seen = service.standing_by(bench.project_id)
        assert server not in seen.servers
        assert not seen.volumes.keys() & set(volumes)

    def test_a_mark_is_no_change_of_the_server(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        server = bench.make_server(bench.name("web"), volumes=1)
        before = service.describe_server(bench.project_id, server)
        seen = bench.fingerprint(server)
        disks = [one.id for one in before.volumes]
        service.stand_by([server], disks, group_id="pg-1", reason="of pg-1")
        assert service.describe_server(bench.project_id, server) == before
        assert bench.fingerprint(server) == seen

    def test_a_server_that_somebody_has_locked_stays_locked_for_that(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        server = bench.make_server(bench.name("web"), volumes=1)
        service.stand_by([server], [], group_id="pg-1", reason="by its owner")
        service.stand_by([server], [], group_id="pg-1", reason="of pg-1")
        assert service.standing_by(bench.project_id).servers[server] == "by its owner"

    def test_a_server_that_is_locked_is_stopped_and_started_all_the_same(
        self, bench: Bench
    ) -> None:
        service = bench.cloud.as_service()
        server = bench.make_server(bench.name("web"), volumes=1)
        service.stand_by([server], [], group_id="pg-1", reason="of pg-1")
        assert service.stop_servers([server]) == [Outcome(server, server)]
        assert service.start_servers([server]) == [Outcome(server, server)]

    def test_volume_types_are_found_by_how_they_replicate(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        assert [type.name for type in service.volume_types("async")] == ["replicated"]
        assert "replicated" not in [type.name for type in service.volume_types("sync")]

    def test_the_consistent_group_type_is_the_same_each_time(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        assert service.consistent_group_type() == service.consistent_group_type()

    def test_a_type_that_no_backend_serves_has_no_pool(self, bench: Bench) -> None:
        nowhere = VolumeType(NOBODY, "gold", "no-such-backend")
        with pytest.raises(errors.CloudError, match="gold"):
            bench.cloud.as_service().pool_for(nowhere)

    def test_a_landing_type_is_of_the_same_pool_and_does_not_replicate(self, bench: Bench) -> None:
        service, landing = bench.cloud.as_service(), bench.landing_type
        assert service.pool_for(landing) == service.pool_for(bench.sync_type)
        assert landing not in service.volume_types("async") + service.volume_types("sync")
        assert bench.landing_type == landing

    def test_a_type_that_no_backend_serves_has_no_landing_type(self, bench: Bench) -> None:
        nowhere = VolumeType(NOBODY, "gold", "no-such-backend")
        with pytest.raises(errors.CloudError, match="gold"):
            bench.cloud.as_service().landing_type(nowhere)


class TrustContract:
    def test_a_tenants_trust_lets_protector_act_for_it(self, bench: Bench) -> None:
        trust = bench.cloud.take_trust(
            bench.token, user_id=bench.user_id, project_id=bench.project_id, roles=bench.roles
        )
        networks = {network.name for network in bench.cloud.by_trust(trust).inventory().networks}
        bench.cloud.as_service().drop_trust(trust)
        assert bench.network in networks

    def test_trusts_taken_in_one_moment_are_as_many(self, bench: Bench) -> None:
        trusts = {
            bench.cloud.take_trust(
                bench.token, user_id=bench.user_id, project_id=bench.project_id, roles=bench.roles
            )
            for _ in range(3)
        }
        assert len(trusts) == 3
        for trust in trusts:
            bench.cloud.as_service().drop_trust(trust)

    def test_the_trusts_that_there_are_can_be_listed(self, bench: Bench) -> None:
        service = bench.cloud.as_service()
        trust = bench.cloud.take_trust(
            bench.token, user_id=bench.user_id, project_id=bench.project_id, roles=bench.roles
        )
        assert trust in service.trusts()
        service.drop_trust(trust)
        assert trust not in service.trusts()

    def test_a_trust_that_is_dropped_is_of_no_use(self, bench: Bench) -> None:
        trust = bench.cloud.take_trust(
            bench.token, user_id=bench.user_id, project_id=bench.project_id, roles=bench.roles
        )
        bench.cloud.as_service().drop_trust(trust)
        bench.cloud.as_service().drop_trust(trust)
        with pytest.raises(errors.CloudRefused, match="Keystone"):
            bench.cloud.by_trust(trust).inventory()


class ProtectingContract:
    def make_group(self, bench: Bench, key: str) -> str:
        group_type = bench.cloud.as_service().consistent_group_type()
        return bench.tenant.create_volume_group(
            key=key, group_type_id=group_type, volume_type_id=bench.volume_type.id
        )

    def test_a_group_made_twice_is_one(self, bench: Bench) -> None:
        key = bench.name("group")
        first = self.make_group(bench, key)
        assert self.make_group(bench, key) == first
        bench.tenant.delete_volume_group(key=key)

    def test_a_groups_volumes_come_and_go_and_repeating_it_is_no_error(self, bench: Bench) -> None:
        server_id = bench.make_server(bench.name("web"), volumes=2)
        facts = bench.cloud.as_service().describe_server(bench.project_id, server_id)
        volumes = [volume.id for volume in facts.volumes]
        key = bench.name("group")
        group = self.make_group(bench, key)
        for _ in range(2):
            bench.tenant.change_volume_group(group, add=volumes)
        for _ in range(2):
            bench.tenant.change_volume_group(group, remove=volumes[:1])
        bench.tenant.delete_volume_group(key=key)
        bench.tenant.delete_volume_group(key=key)
        assert all(bench.show_volume(volume) for volume in volumes)
        assert self.make_group(bench, key) != group
        bench.tenant.delete_volume_group(key=key)

    def test_the_service_user_finds_and_deletes_a_tenants_group(self, bench: Bench) -> None:
        service, key = bench.cloud.as_service(), bench.name("group")
        assert service.volume_group(key) is None
        group = self.make_group(bench, key)
        assert service.volume_group(key) == group
        for _ in range(2):
            service.delete_volume_group(key=key)
        assert service.volume_group(key) is None

    def test_the_service_user_changes_a_tenants_group(self, bench: Bench) -> None:
        server_id = bench.make_server(bench.name("web"), volumes=2)
        service = bench.cloud.as_service()
        facts = service.describe_server(bench.project_id, server_id)
        first, second = (volume.id for volume in facts.volumes)
        group = self.make_group(bench, key := bench.name("group"))
        for _ in range(2):
            service.change_volume_group(group, add=[first, second])
        assert bench.grouped(group) == {first, second}
        for _ in range(2):
            service.change_volume_group(group, remove=[first, NOBODY])
        assert bench.grouped(group) == {second}
        bench.tenant.delete_volume_group(key=key)


class RecoveringContract:
    def test_the_inventory_is_what_the_tenant_can_use(self, bench: Bench) -> None:
        inventory = bench.tenant.inventory()
        network = next(one for one in inventory.networks if one.name == bench.network)
        assert [subnet.cidr for subnet in network.subnets] == [bench.cidr]
        assert "default" in {group.name for group in inventory.security_groups}
        assert inventory.flavors
        assert inventory.availability_zones

    def test_volumes_are_managed_with_name_and_metadata(self, bench: Bench) -> None:
        requests = bench.request_volumes(2)
        outcomes = bench.manage(requests)
        assert [outcome.key for outcome in outcomes] == [request.key for request in requests]
        shown = [bench.show_volume(outcome.id or "") for outcome in outcomes]
        assert [volume and volume.name for volume in shown] == ["disk0", "disk1"]
        assert [volume and volume.bootable for volume in shown] == [True, False]
        assert [volume and volume.metadata for volume in shown] == [
            {"purpose": "disk 0"},
            {"purpose": "disk 1"},
        ]

    def test_managing_twice_is_managing_once(self, bench: Bench) -> None:
        requests = bench.request_volumes(1)
        assert bench.manage(requests) == bench.manage(requests)

    def test_what_has_been_managed_is_told_meanwhile_and_only_that(self, bench: Bench) -> None:
        good, other, bad = bench.request_volumes(3)
        bad = dataclasses.replace(bad, array_volume=bench.name("missing"))
        told: list[Outcome] = []
        outcomes = bench.manage([good, bad, other], managed=told.extend)
        assert {one.key: one.id for one in told} == {
            one.key: one.id for one in outcomes if one.key != bad.key
        }
        assert len(told) == 2

    def test_a_volume_is_reclaimed_before_it_is_managed_and_then_left_alone(
        self, bench: Bench
    ) -> None:
        (request,) = bench.request_volumes(1)
        reclaimed: list[str] = []
        bench.manage([request], reclaimed.append)
        bench.manage([request], reclaimed.append)
        assert reclaimed == [request.key]

    def test_a_volume_that_cannot_be_reclaimed_does_not_stop_the_others(self, bench: Bench) -> None:
        good, bad = bench.request_volumes(2)

        def reclaim(key: str) -> None:
            if key == bad.key:
                raise errors.StorageError(array="array-b", reason="volume 7 is gone")

        outcomes = bench.manage([bad, good], reclaim)
        assert "volume 7 is gone" in (outcomes[0].fault or "")
        assert outcomes[1].fault is None

    def test_a_volume_that_cannot_be_managed_does_not_stop_the_others(self, bench: Bench) -> None:
        good, bad = bench.request_volumes(2)
        bad = dataclasses.replace(bad, array_volume=bench.name("missing"))
        outcomes = bench.manage([bad, good])
        assert outcomes[0].id is None
        assert bad.array_volume in (outcomes[0].fault or "")
        assert outcomes[1].id is not None
        assert outcomes[1].fault is None

    def test_a_volume_that_could_not_be_managed_can_be_tried_again(self, bench: Bench) -> None:
        good = bench.request_volumes(1)[0]
        bench.manage([dataclasses.replace(good, array_volume=bench.name("missing"))])
        assert bench.manage([good])[0].fault is None

    def test_unmanaging_gives_the_volume_back_and_repeating_it_is_no_error(
        self, bench: Bench
    ) -> None:
        requests = bench.request_volumes(1)
        (managed,) = bench.manage(requests)
        assert bench.tenant.unmanage_volumes([managed.key]) == [Outcome(managed.key, managed.id)]
        assert bench.show_volume(managed.id or "") is None
        assert bench.tenant.unmanage_volumes([managed.key]) == [Outcome(managed.key, None)]

    def test_a_server_is_made_as_asked_for(self, bench: Bench) -> None:
        request = bench.request_server("again")
        server = bench.tenant.recreate_server(request)
        assert (server.name, server.status, server.notes) == ("again", "ACTIVE", [])
        shown = bench.show_server(server.id)
        assert shown == ShownServer(
            name="again",
            metadata={"role": "web"},
            tags=["blue"],
            macs=["fa:16:3e:7a:7a:01"],
            addresses=[bench.free_address],
            volumes=[volume.volume_id for volume in request.volumes],
        )
        assert bench.tenant.addresses(server.id) == [bench.free_address]
        bench.tenant.remove_server(request.key)

    def test_recreating_twice_is_recreating_once(self, bench: Bench) -> None:
        request = bench.request_server("again")
        first = bench.tenant.recreate_server(request)
        assert bench.tenant.recreate_server(request) == first
        assert ports_of(bench, request) == set(first.port_ids)
        bench.tenant.remove_server(request.key)

    def test_nobody_has_asked_for_it_yet(self, bench: Bench) -> None:
        request = bench.request_server("again")
        alone = dataclasses.replace(request, alone_since=time.monotonic())
        first = bench.tenant.recreate_server(alone)
        assert bench.tenant.recreate_server(request) == first
        bench.tenant.remove_server(request.key)

    def test_what_was_made_before_the_caller_was_alone_is_found(self, bench: Bench) -> None:
        request = bench.request_server("again")
        first = bench.tenant.recreate_server(request)
        alone = dataclasses.replace(request, alone_since=time.monotonic())
        assert bench.tenant.recreate_server(alone) == first
        bench.tenant.remove_server(request.key)

    def test_removing_undoes_recreating_and_repeating_it_is_no_error(self, bench: Bench) -> None:
        request = bench.request_server("again")
        server = bench.tenant.recreate_server(request)
        bench.tenant.remove_server(request.key)
        bench.tenant.remove_server(request.key)
        assert bench.show_server(server.id) is None
        assert ports_of(bench, request) == set()

    def test_removing_a_server_leaves_its_volumes(self, bench: Bench) -> None:
        request = bench.request_server("again")
        ending = [dataclasses.replace(disk, delete_on_termination=True) for disk in request.volumes]
        bench.tenant.recreate_server(dataclasses.replace(request, volumes=ending))
        bench.tenant.remove_server(request.key)
        assert all(bench.show_volume(disk.volume_id) for disk in ending)

    def test_the_service_user_deletes_no_server_of_another_project(self, bench: Bench) -> None:
        server = bench.make_server(bench.name("web"), volumes=1)
        service = bench.cloud.as_service()
        service.delete_server(server, project_id=bench.other_project_id)
        assert service.describe_server(bench.project_id, server).member.server_id == server

    def test_a_server_that_is_deleted_leaves_its_volumes_and_its_port_which_another_reuses(
        self, bench: Bench
    ) -> None:
        first = bench.make_server(bench.name("first"), volumes=1)
        service = bench.cloud.as_service()
        member = service.describe_server(bench.project_id, first).member
        for _ in range(2):
            service.delete_server(first, project_id=bench.project_id)
        (nic,) = member.nics
        asked = bench.request_server("again")
        ports = [dataclasses.replace(port, reuse=nic.port_id) for port in asked.ports]
        disks = [
            BlockDevice(volume.id, volume.boot_index, volume.device, False)
            for volume in member.volumes
        ]
        request = dataclasses.replace(asked, ports=ports, volumes=disks)
        for _ in range(2):
            server = bench.tenant.recreate_server(request)
        assert list(server.port_ids) == [nic.port_id]
        bench.tenant.remove_server(request.key)

    def test_a_port_that_a_server_has_is_not_reused(self, bench: Bench) -> None:
        other = bench.make_server(bench.name("other"), volumes=1)
        described = bench.cloud.as_service().describe_server(bench.project_id, other)
        asked = bench.request_server("again")
        taken = described.member.nics[0].port_id
        ports = [dataclasses.replace(port, reuse=taken) for port in asked.ports]
        server = bench.tenant.recreate_server(dataclasses.replace(asked, ports=ports))
        assert taken not in server.port_ids
        bench.tenant.remove_server(asked.key)

    def test_of_several_servers_with_one_key_the_oldest_stays(self, bench: Bench) -> None:
        request = bench.request_server("again")
        server = bench.tenant.recreate_server(request)
        double = bench.make_double(request)
        assert bench.tenant.recreate_server(request) == server
        assert bench.show_server(double) is None
        assert bench.show_server(server.id) is not None
        bench.tenant.remove_server(request.key)

    def test_ports_can_be_kept_for_another_attempt(self, bench: Bench) -> None:
        request = bench.request_server("again")
        first = bench.tenant.recreate_server(request)
        bench.tenant.remove_server(request.key, keep_ports=True)
        assert ports_of(bench, request) == set(first.port_ids)
        again = bench.tenant.recreate_server(request)
        assert again.id != first.id
        assert again.port_ids == first.port_ids
        bench.tenant.remove_server(request.key)
        assert ports_of(bench, request) == set()

    def test_a_kept_port_that_is_on_another_network_than_asked_for_is_replaced(
        self, bench: Bench
    ) -> None:
        request = bench.request_server("again")
        first = bench.tenant.recreate_server(request)
        bench.tenant.remove_server(request.key, keep_ports=True)
        networks = bench.tenant.inventory().networks
        other = next(one for one in networks if one.name != bench.network and one.subnets)
        port = dataclasses.replace(request.ports[0], network_id=other.id, fixed_addresses=[])
        elsewhere = dataclasses.replace(request, ports=[port])
        again = bench.tenant.recreate_server(elsewhere)
        assert again.port_ids != first.port_ids
        assert ports_of(bench, request) == set()
        assert ports_of(bench, elsewhere) == set(again.port_ids)
        bench.tenant.remove_server(request.key)

    def test_an_address_that_is_free_by_now_is_given_to_a_kept_port(self, bench: Bench) -> None:
        first = bench.request_server("first")
        bench.tenant.recreate_server(first)
        second = bench.request_server("second")
        bench.tenant.recreate_server(second)
        bench.tenant.remove_server(second.key, keep_ports=True)
        bench.tenant.remove_server(first.key)
        server = bench.tenant.recreate_server(second)
        assert not any(bench.free_address in note for note in server.notes)
        bench.tenant.remove_server(second.key)

    def test_quotas_tell_what_is_used_of_them(self, bench: Bench) -> None:
        assert not bench.tenant.quotas().limited.keys() & set(QUOTAS)
        with bench.limited(PLENTY):
            before = bench.tenant.quotas()
            bench.make_server(bench.name("web"), volumes=2)
            after = bench.tenant.quotas()
        assert (before.unread, after.unread) == ({}, {})
        assert {after.limited[name].limit for name in QUOTAS} == {PLENTY}
        used = {
            name: after.limited[name].used - before.limited[name].used
            for name in ("instances", "ports", "volumes")
        }
        assert used == {"instances": 1, "ports": 1, "volumes": 2}

    def test_whether_volumes_may_be_managed_is_tried_and_nothing_is_made(
        self, bench: Bench
    ) -> None:
        with bench.limited(PLENTY):
            before = bench.tenant.quotas()
            bench.tenant.must_manage_volumes(bench.volume_type.id)
            assert bench.tenant.quotas() == before

    def test_ports_are_seen_with_what_they_were_made_for(self, bench: Bench) -> None:
        request = bench.request_server("again")
        server = bench.tenant.recreate_server(request)
        ports = bench.cloud.as_service().ports([request.ports[0].network_id])
        assert [port for port in ports if port.made_for == request.key] == [
            UsedPort(
                id=server.port_ids[0],
                network_id=request.ports[0].network_id,
                mac_address="fa:16:3e:7a:7a:01",
                addresses=[bench.free_address],
                made_for=request.key,
                attached=True,
            )
        ]
        assert bench.cloud.as_service().ports([]) == []
        bench.tenant.remove_server(request.key)

    def test_addresses_that_are_taken_are_given_up_with_a_note(self, bench: Bench) -> None:
        first = bench.request_server("first")
        bench.tenant.recreate_server(first)
        second = bench.request_server("second")
        server = bench.tenant.recreate_server(second)
        assert server.status == "ACTIVE"
        assert len(server.notes) == 2
        assert "fa:16:3e:7a:7a:01" in server.notes[0]
        assert bench.free_address in server.notes[1]
        assert bench.tenant.recreate_server(second).notes == server.notes
        bench.tenant.remove_server(first.key)
        bench.tenant.remove_server(second.key)

    def test_a_server_nova_refuses_is_an_error_with_its_reason(self, bench: Bench) -> None:
        request = dataclasses.replace(bench.request_server("again"), flavor_id=NOBODY)
        with pytest.raises(errors.CloudError, match=NOBODY):
            bench.tenant.recreate_server(request)
        bench.tenant.remove_server(request.key)


class MirroringContract:
    """Volumes are managed with the landing type first, and mirrored by being retyped."""

    def test_a_volume_that_is_retyped_has_the_type_and_is_the_same(self, bench: Bench) -> None:
        (volume,) = bench.land(1)
        before = bench.show_volume(volume)
        assert bench.type_of(volume) == bench.landing_type.id
        assert bench.mirror([volume]) == [Outcome(volume, volume)]
        assert bench.type_of(volume) == bench.sync_type.id
        assert bench.show_volume(volume) == before

    def test_retyping_twice_is_retyping_once(self, bench: Bench) -> None:
        volumes = bench.land(3)
        assert bench.mirror(volumes) == [Outcome(volume, volume) for volume in volumes]
        assert bench.mirror(volumes) == [Outcome(volume, volume) for volume in volumes]
        assert {bench.type_of(volume) for volume in volumes} == {bench.sync_type.id}
        assert bench.mirror([]) == []

    def test_a_volume_that_cannot_be_retyped_does_not_stop_the_others(self, bench: Bench) -> None:
        """One that is not there cannot, nor one in a consistency group."""
        service, key = bench.cloud.as_service(), bench.name("group")
        server = bench.make_server(bench.name("web"), volumes=1)
        (grouped,) = service.describe_server(bench.project_id, server).volumes
        group = bench.tenant.create_volume_group(
            key=key,
            group_type_id=service.consistent_group_type(),
            volume_type_id=bench.volume_type.id,
        )
        bench.tenant.change_volume_group(group, add=[grouped.id])
        (good,) = bench.land(1)
        missing, refused, retyped = bench.mirror([NOBODY, grouped.id, good])
        assert (missing.key, missing.id) == (NOBODY, None)
        assert NOBODY in (missing.fault or "")
        assert (refused.key, refused.id) == (grouped.id, None)
        assert "group" in (refused.fault or "")
        assert retyped == Outcome(good, good)
        assert bench.type_of(grouped.id) == grouped.type_id
        assert bench.type_of(good) == bench.sync_type.id
        bench.tenant.delete_volume_group(key=key)

    def test_a_volume_that_a_server_has_is_retyped(self, bench: Bench) -> None:
        request = bench.request_server("again", volume_type=bench.landing_type)
        server = bench.tenant.recreate_server(request)
        used = [disk.volume_id for disk in request.volumes]
        assert bench.mirror(used) == [Outcome(volume, volume) for volume in used]
        facts = bench.cloud.as_service().describe_server(bench.project_id, server.id)
        assert {volume.type_id for volume in facts.volumes} == {bench.sync_type.id}
        bench.tenant.remove_server(request.key)


class RehearsingContract:
    """What is made for a test alone, and removed without a trace."""

    def test_volumes_are_deleted_on_the_array_too_and_repeating_it_is_no_error(
        self, bench: Bench
    ) -> None:
        first, second, third = bench.manage(bench.request_volumes(3))
        gone = {first.key: first.id, second.key: None}
        outcomes = bench.tenant.remove_volumes(gone)
        assert outcomes == [Outcome(first.key, first.id), Outcome(second.key, second.id)]
        assert [bench.show_volume(one.id or "") for one in (first, second)] == [None, None]
        assert not bench.is_on_array(first.id or "")
        assert bench.show_volume(third.id or "")
        assert bench.is_on_array(third.id or "")
        assert bench.tenant.remove_volumes(gone) == [Outcome(key, None) for key in gone]
        assert bench.tenant.remove_volumes({}) == []

    def test_a_volume_that_a_server_has_stays_and_it_is_said_which(self, bench: Bench) -> None:
        request = bench.request_server("again")
        server = bench.tenant.recreate_server(request)
        (free,) = bench.manage(bench.request_volumes(1))
        held = request.volumes[0].volume_id
        stays, goes = bench.tenant.remove_volumes({"no-key": held, free.key: free.id})
        assert stays.id is None
        assert server.id in (stays.fault or "")
        assert goes == Outcome(free.key, free.id)
        assert bench.show_volume(held)
        bench.tenant.remove_server(request.key)

    def test_an_isolated_network_made_twice_is_one(self, bench: Bench) -> None:
        request = bench.request_network()
        first = bench.tenant.make_isolated_network(request)
        assert bench.tenant.make_isolated_network(request) == first
        assert first.name == request.name
        assert [subnet.cidr for subnet in first.subnets] == list(request.subnets)
        listed = [one for one in bench.tenant.inventory().networks if one.name == request.name]
        assert [one.id for one in listed] == [first.id]
        bench.tenant.remove_isolated_network(request.key)

    def test_a_server_on_an_isolated_network_has_the_addresses_it_asks_for(
        self, bench: Bench
    ) -> None:
        """Also the first of the subnet, which a gateway would have, and the MAC address as well."""
        asked = bench.request_network()
        network = bench.tenant.make_isolated_network(asked)
        plain = bench.request_server("again")
        (port,) = plain.ports
        subnet = network.subnets[0].id
        here = dataclasses.replace(
            port, network_id=network.id, fixed_addresses=[(subnet, "10.77.0.1")]
        )
        chosen = dataclasses.replace(here, key="1", mac_address=None, fixed_addresses=[])
        request = dataclasses.replace(plain, ports=[here, chosen])
        server = bench.tenant.recreate_server(request)
        assert server.notes == []
        assert "10.77.0.1" in bench.tenant.addresses(server.id)
        bench.tenant.remove_server(request.key)
        bench.tenant.remove_isolated_network(asked.key)

    def test_removing_a_network_undoes_making_it_and_repeating_it_is_no_error(
        self, bench: Bench
    ) -> None:
        request = bench.request_network()
        bench.tenant.make_isolated_network(request)
        for _ in range(2):
            bench.tenant.remove_isolated_network(request.key)
        names = [network.name for network in bench.tenant.inventory().networks]
        assert request.name not in names

    def test_a_network_with_a_port_of_somebodys_stays_and_it_is_said_which(
        self, bench: Bench
    ) -> None:
        request = bench.request_network()
        network = bench.tenant.make_isolated_network(request)
        port = bench.make_port(network.id)
        with pytest.raises(errors.CloudError, match=port):
            bench.tenant.remove_isolated_network(request.key)
        bench.delete_port(port)
        bench.tenant.remove_isolated_network(request.key)

    def test_the_service_user_removes_what_was_made_in_a_project_and_in_no_other(
        self, bench: Bench
    ) -> None:
        request, asked = bench.request_server("again"), bench.request_network()
        server = bench.tenant.recreate_server(request)
        bench.tenant.make_isolated_network(asked)
        (volume,) = bench.manage(bench.request_volumes(1))

        other = bench.cloud.of_project(bench.other_project_id)
        other.remove_server(request.key)
        assert other.remove_volumes({volume.key: None}) == [Outcome(volume.key, None)]
        other.remove_isolated_network(asked.key)
        assert bench.show_server(server.id)
        assert bench.show_volume(volume.id or "")
        assert ports_of(bench, request) == set(server.port_ids)

        own = bench.cloud.of_project(bench.project_id)
        own.remove_server(request.key)
        assert own.remove_volumes({volume.key: None}) == [Outcome(volume.key, volume.id)]
        own.remove_isolated_network(asked.key)
        assert bench.show_server(server.id) is None
        assert bench.show_volume(volume.id or "") is None
        assert ports_of(bench, request) == set()
        names = [network.name for network in bench.tenant.inventory().networks]
        assert asked.name not in names


class CloudContract(
    ServiceCloudContract,
    TrustContract,
    ProtectingContract,
    RecoveringContract,
    MirroringContract,
    RehearsingContract,
):
    """All of it."""
