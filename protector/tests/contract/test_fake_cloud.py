# SPDX-License-Identifier: Apache-2.0
import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from contract.cloud import QUOTAS, Bench, CloudContract, ShownServer, ShownVolume

from protector import errors
from protector.cloud.base import (
    Glance,
    Network,
    NetworkRequest,
    Outcome,
    PortRequest,
    Server,
    ServerRequest,
    VolumeRequest,
    VolumeType,
)
from protector.cloud.fake import (
    FakeCloud,
    FakeServiceCloud,
    FakeTenantCloud,
    MadePort,
    MadeServer,
)
from protector.cloud.fake_servers import new_id
from protector.storage.fake import FakeArray


class FakeBench(Bench):
    token = "token"
    user_id = "alice"
    project_id = "acme"
    other_project_id = "rival"
    network = "web"
    cidr = "10.10.0.0/24"
    free_address = "10.10.0.77"

    def __init__(self, cloud_type: type[FakeCloud] = FakeCloud) -> None:
        self.array = FakeArray("array-b")
        self.cloud: FakeCloud = cloud_type("site-b", array=self.array)
        self.cloud.add_network(self.network, self.cidr)
        self.cloud.add_network("db", "10.20.0.0/24")
        self.cloud.add_flavor("m1.small")
        self._count = itertools.count(1)

    def name(self, name: str) -> str:
        return f"{name}-{next(self._count)}"

    def make_server(self, name: str, *, volumes: int) -> str:
        facts = self.cloud.add_server(
            self.project_id, name, networks=[self.network], volumes=volumes
        )
        return facts.member.server_id

    def rename_server(self, server_id: str, name: str) -> None:
        self.cloud.rename(server_id, name)

    def resize_server(self, server_id: str) -> None:
        self.cloud.resize(server_id, "m1.large")

    def change_address(self, server_id: str) -> None:
        self.cloud.change_address(server_id, self.free_address)

    def attach_volume(self, server_id: str) -> str:
        return self.cloud.attach_volume(server_id).id

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        self.cloud.detach_volume(server_id, volume_id)

    def rename_volume(self, server_id: str, volume_id: str, name: str) -> None:
        self.cloud.rename_volume(server_id, volume_id, name)

    def stop_server(self, server_id: str) -> None:
        self.cloud.power_off(server_id)

    def pause_server(self, server_id: str) -> None:
        self.cloud.pause(server_id)

    def delete_server(self, server_id: str) -> None:
        self.cloud.delete_server(server_id)

    def grouped(self, group_id: str) -> set[str]:
        return next(g.volumes for g in self.cloud.volume_groups.values() if g.id == group_id)

    def make_double(self, request: ServerRequest) -> str:
        server = Server(new_id(), request.name, "ACTIVE", [], [])
        self.cloud.doubles.append(MadeServer(self.project_id, request, server))
        return server.id

    def make_array_volumes(self, count: int) -> list[str]:
        return [self.array.create_volume(self.name("replica")).name for _ in range(count)]

    def show_volume(self, volume_id: str) -> ShownVolume | None:
        for made in self.cloud.made_volumes.values():
            if made.id == volume_id:
                request = made.request
                return ShownVolume(request.name, request.bootable, dict(request.metadata))
        return self._disk(volume_id)

    def type_of(self, volume_id: str) -> str:
        return self.cloud.type_of(volume_id).id

    def show_server(self, server_id: str) -> ShownServer | None:
        for made in [*self.cloud.made_servers.values(), *self.cloud.doubles]:
            if made.server.id == server_id:
                return self._shown(made.request)
        return None

    @contextlib.contextmanager
    def limited(self, most: int) -> Iterator[None]:
        self.cloud.limits = dict.fromkeys(QUOTAS, most)
        yield
        self.cloud.limits = {}

    def is_on_array(self, volume_id: str) -> bool:
        return f"volume-{volume_id}-cinder" in {one.name for one in self.array.volumes.values()}

    def make_port(self, network_id: str) -> str:
        port = new_id()
        self.cloud.foreign[network_id] = f"port {port}"
        return port

    def delete_port(self, port_id: str) -> None:
        self.cloud.foreign.clear()

    def _disk(self, volume_id: str) -> ShownVolume | None:
        for _, facts in self.cloud.servers.values():
            for volume in facts.member.volumes:
                if volume.id == volume_id:
                    return ShownVolume(volume.name, volume.bootable, volume.metadata)
        return None

    def _shown(self, request: ServerRequest) -> ShownServer:
        return ShownServer(
            name=request.name,
            metadata=dict(request.metadata),
            tags=list(request.tags),
            macs=[port.mac_address or "" for port in request.ports],
            addresses=[address for p in request.ports for _, address in p.fixed_addresses],
            volumes=[volume.volume_id for volume in request.volumes],
        )


class TestFakeCloud(CloudContract):
    @pytest.fixture
    def bench(self) -> FakeBench:
        return FakeBench()

    def test_managing_can_be_forbidden(self, bench: FakeBench) -> None:
        bench.cloud.manages = False
        with pytest.raises(errors.CloudRefused, match="volume_extension:volume_manage"):
            bench.manage(bench.request_volumes(1))
        with pytest.raises(errors.CloudRefused, match="volume_extension:volume_manage"):
            bench.tenant.must_manage_volumes(bench.volume_type.id)

    def test_a_cloud_may_have_no_landing_type(self, bench: FakeBench) -> None:
        bench.cloud.landing_type = None
        with pytest.raises(errors.NoVolumeType, match="volume_backend_name=pure <name>"):
            bench.cloud.as_service().landing_type(bench.sync_type)

    def test_a_fault_that_is_set_is_met(self, bench: FakeBench) -> None:
        request = bench.request_server("again")
        lost = errors.CloudError(service="Nova", site="site-b", reason="the connection broke")
        bench.cloud.faults.set("recreate_server", lost, after=True, times=1)
        with pytest.raises(errors.CloudError):
            bench.tenant.recreate_server(request)
        assert bench.tenant.recreate_server(request).status == "ACTIVE"
        assert len(bench.cloud.made_servers) == 1


class ForgetfulTenant(FakeTenantCloud):
    """Breaks the contract: makes another server each time it is asked, and one fault stops all."""

    _times = itertools.count()

    def recreate_server(self, request: ServerRequest) -> Server:
        self.cloud.made_servers.pop(request.key, None)
        return super().recreate_server(request)

    def _manage(self, request: VolumeRequest, reclaim: Callable[[str], None]) -> Outcome:
        outcome = super()._manage(request, reclaim)
        if outcome.fault:
            raise errors.CloudError(service="Cinder", site="site-b", reason=outcome.fault)
        return outcome


class ForgetfulCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> ForgetfulTenant:
        return ForgetfulTenant(self, project_id)


class BlindService(FakeServiceCloud):
    """Breaks the contract: sees that a server is there, and not what it consists of."""

    def look(self, project_id: str) -> dict[str, Glance]:
        seen = super().look(project_id)
        return {id: dataclasses.replace(one, fingerprint=id) for id, one in seen.items()}


class BlindCloud(FakeCloud):
    def as_service(self) -> BlindService:
        return BlindService(self)


def test_the_suite_catches_a_cloud_that_sees_no_change() -> None:
    with pytest.raises(AssertionError):
        CloudContract().test_each_change_of_a_server_its_ports_or_volumes_is_seen(
            FakeBench(BlindCloud)
        )


def test_the_suite_catches_a_cloud_that_makes_a_second_server() -> None:
    with pytest.raises(AssertionError):
        CloudContract().test_recreating_twice_is_recreating_once(FakeBench(ForgetfulCloud))


def test_the_suite_catches_a_cloud_whose_one_fault_stops_all() -> None:
    with pytest.raises(errors.CloudError):
        CloudContract().test_a_volume_that_cannot_be_managed_does_not_stop_the_others(
            FakeBench(ForgetfulCloud)
        )


class BoastfulTenant(FakeTenantCloud):
    """Breaks the contract: tells of volumes as managed that were not."""

    def manage_volumes(
        self,
        requests: Sequence[VolumeRequest],
        *,
        managed: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
        **how: Any,
    ) -> list[Outcome]:
        outcomes = super().manage_volumes(requests, **how)
        managed(outcomes)
        return outcomes


class BoastfulCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> BoastfulTenant:
        return BoastfulTenant(self, project_id)


def test_the_suite_catches_a_cloud_that_tells_of_what_it_has_not_managed() -> None:
    with pytest.raises(AssertionError):
        CloudContract().test_what_has_been_managed_is_told_meanwhile_and_only_that(
            FakeBench(BoastfulCloud)
        )


class CarelessTenant(FakeTenantCloud):
    """Breaks the contract: leaves doubles, and takes ports and volumes along with a server."""

    def remove_server(self, key: str, *, keep_ports: bool = False) -> None:
        made = self.cloud.made_servers.get(key)
        gone = {disk.volume_id for disk in made.request.volumes} if made else set()
        volumes = self.cloud.made_volumes
        self.cloud.made_volumes = {k: v for k, v in volumes.items() if v.id not in gone}
        super().remove_server(key)

    def _remove_doubles(self, key: str) -> None:
        pass


class StubbornTenant(FakeTenantCloud):
    """Breaks the contract: leaves a kept port as it was."""

    def _port(self, key: str, request: PortRequest) -> MadePort:
        return self.cloud.made_ports.get((key, request.key)) or super()._port(key, request)


class CarelessCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> CarelessTenant:
        return CarelessTenant(self, project_id)


class StubbornCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> StubbornTenant:
        return StubbornTenant(self, project_id)


class HeadlessTenant(FakeTenantCloud):
    """Breaks the contract: sees what others own, and takes what is in use."""

    def remove_server(self, key: str, *, keep_ports: bool = False) -> None:
        self.cloud.made_servers.pop(key, None)

    def remove_volumes(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        for key in volumes:
            self.cloud.made_volumes.pop(key, None)
        return [Outcome(key, None) for key in volumes]

    def remove_isolated_network(self, key: str) -> None:
        self.cloud.foreign.clear()
        super().remove_isolated_network(key)


class HeadlessCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> HeadlessTenant:
        return HeadlessTenant(self, project_id)

    def of_project(self, project_id: str) -> HeadlessTenant:
        return HeadlessTenant(self, project_id)


class ForgetfulNetworks(FakeTenantCloud):
    """Breaks the contract: makes another network each time it is asked."""

    def make_isolated_network(self, request: NetworkRequest) -> Network:
        self.cloud.made_networks.pop(request.key, None)
        return super().make_isolated_network(request)


class ForgetfulNetworksCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> ForgetfulNetworks:
        return ForgetfulNetworks(self, project_id)


class ForgottenTrusts(FakeServiceCloud):
    """Breaks the contract: knows of no trust."""

    def trusts(self) -> list[str]:
        return []


class TrustlessCloud(FakeCloud):
    def as_service(self) -> ForgottenTrusts:
        return ForgottenTrusts(self)


class RoughService(FakeServiceCloud):
    """Breaks the contract: locks over others' locks, and stops at the first that is not there."""

    def start_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        started = super().start_servers(server_ids)
        return started[:1] * len(started)

    def stand_by(
        self, servers: Iterable[str], volumes: Iterable[str], *, group_id: str, reason: str
    ) -> None:
        self.cloud.locks |= dict.fromkeys(servers, reason)


class EagerService(FakeServiceCloud):
    """Breaks the contract: lets a copy land as what is to be mirrored at once."""

    def landing_type(self, volume_type: VolumeType) -> VolumeType:
        return volume_type


class HastyTenant(FakeTenantCloud):
    """Breaks the contract: does not retype what is in a server, and one fault stops the rest."""

    def retype_volumes(self, volume_ids: Sequence[str], *, volume_type_id: str) -> list[Outcome]:
        free = [id for id in volume_ids if self._server_of(id) is None]
        outcomes = super().retype_volumes(free, volume_type_id=volume_type_id)
        faults = [outcome for outcome in outcomes if outcome.fault]
        return faults[:1] * len(outcomes) or [Outcome(id, id) for id in volume_ids]


class LyingTenant(FakeTenantCloud):
    """Breaks the contract: says of the first that it has the type, and leaves it."""

    def retype_volumes(self, volume_ids: Sequence[str], *, volume_type_id: str) -> list[Outcome]:
        super().retype_volumes(volume_ids[1:], volume_type_id=volume_type_id)
        return [Outcome(id, id) for id in volume_ids]


class EagerCloud(FakeCloud):
    def as_service(self) -> EagerService:
        return EagerService(self)


class HastyCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> HastyTenant:
        return HastyTenant(self, project_id)


class LyingCloud(FakeCloud):
    def by_token(self, token: str, project_id: str) -> LyingTenant:
        return LyingTenant(self, project_id)


class RoughCloud(FakeCloud):
    def as_service(self) -> RoughService:
        return RoughService(self)


@pytest.mark.parametrize(
    ("cloud_type", "test"),
    [
        (RoughCloud, CloudContract.test_a_server_that_cannot_be_started_does_not_keep_the_others),
        (RoughCloud, CloudContract.test_a_server_that_somebody_has_locked_stays_locked_for_that),
        (CarelessCloud, CloudContract.test_removing_a_server_leaves_its_volumes),
        (CarelessCloud, CloudContract.test_of_several_servers_with_one_key_the_oldest_stays),
        (CarelessCloud, CloudContract.test_ports_can_be_kept_for_another_attempt),
        (
            StubbornCloud,
            CloudContract.test_a_kept_port_that_is_on_another_network_than_asked_for_is_replaced,
        ),
        (
            StubbornCloud,
            CloudContract.test_an_address_that_is_free_by_now_is_given_to_a_kept_port,
        ),
        (TrustlessCloud, CloudContract.test_the_trusts_that_there_are_can_be_listed),
        (
            HeadlessCloud,
            CloudContract.test_volumes_are_deleted_on_the_array_too_and_repeating_it_is_no_error,
        ),
        (HeadlessCloud, CloudContract.test_a_volume_that_a_server_has_stays_and_it_is_said_which),
        (
            HeadlessCloud,
            CloudContract.test_the_service_user_removes_what_was_made_in_a_project_and_in_no_other,
        ),
        (ForgetfulNetworksCloud, CloudContract.test_an_isolated_network_made_twice_is_one),
        (
            EagerCloud,
            CloudContract.test_a_landing_type_is_of_the_same_pool_and_does_not_replicate,
        ),
        (
            HastyCloud,
            CloudContract.test_a_volume_that_cannot_be_retyped_does_not_stop_the_others,
        ),
        (HastyCloud, CloudContract.test_a_volume_that_a_server_has_is_retyped),
        (
            LyingCloud,
            CloudContract.test_a_volume_that_is_retyped_has_the_type_and_is_the_same,
        ),
        (LyingCloud, CloudContract.test_retyping_twice_is_retyping_once),
    ],
)
def test_the_suite_catches(
    cloud_type: type[FakeCloud], test: Callable[[CloudContract, Bench], None]
) -> None:
    with pytest.raises(AssertionError):
        test(CloudContract(), FakeBench(cloud_type))


def test_the_suite_catches_a_cloud_that_takes_a_network_from_under_somebody() -> None:
    test = CloudContract.test_a_network_with_a_port_of_somebodys_stays_and_it_is_said_which
    with pytest.raises(pytest.fail.Exception):
        test(CloudContract(), FakeBench(HeadlessCloud))
