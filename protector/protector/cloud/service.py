# SPDX-License-Identifier: Apache-2.0
"""The cloud as Protector's service user sees it, who may read what a tenant may not."""

import concurrent.futures
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud import allowance, capture, survey
from protector.cloud.asking import asking
from protector.cloud.base import (
    Glance,
    Outcome,
    ServerFacts,
    ServiceCloud,
    StandingBy,
    UsedPort,
    VolumeType,
)
from protector.cloud.groups import VolumeGroups
from protector.cloud.marks import Marks
from protector.cloud.power import Power
from protector.cloud.servers import Servers
from protector.cloud.waiting import Limits

# Cinder's driver refuses replicated volumes in a group that is not replicated itself.
CONSISTENT = {
    "consistent_group_snapshot_enabled": "<is> True",
    "consistent_group_replication_enabled": "<is> True",
}
GROUP_TYPE_NAME = "protector-consistent"
MAKING = threading.Lock()

# Properties of a volume type.
BACKEND = "volume_backend_name"
REPLICATES = "replication_enabled"
HOW = "replication_type"
# The type that every Cinder has; what it is for, and where, is not its administrator's choice.
BUILT_IN = "__DEFAULT__"


class OpenStackServiceCloud(ServiceCloud):
    def __init__(
        self,
        site: str,
        connection: Connection,
        executor: concurrent.futures.Executor,
        limits: Limits,
    ) -> None:
        self.site = site
        self._connection = connection
        self._executor = executor
        self._limits = limits
        self._marks = Marks(site, connection, executor)

    def check(self) -> dict[str, str | None]:
        looks: dict[str, Callable[[], object]] = {
            "keystone": lambda: self._connection.current_user_id,
            "nova": lambda: self._connection.compute.get("/flavors?limit=1"),
            "neutron": lambda: self._connection.network.get("/networks?limit=1&fields=id"),
            "cinder": lambda: self._connection.block_storage.get("/types?limit=1"),
        }
        answers = {name: self._executor.submit(self._look, look) for name, look in looks.items()}
        return {name: answer.result() for name, answer in answers.items()}

    def describe_server(self, project_id: str, server: str) -> ServerFacts:
        return capture.describe(self._connection, self._executor, self.site, project_id, server)

    def look(self, project_id: str) -> dict[str, Glance]:
        return survey.look(self._connection, self._executor, self.site, project_id)

    def stop_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        return self._power(self._limits.shutdown_timeout).stop(server_ids)

    def start_servers(self, server_ids: Sequence[str]) -> list[Outcome]:
        return self._power(self._limits.server_timeout).start(server_ids)

    def standing_by(self, project_id: str) -> StandingBy:
        return self._marks.see(project_id)

    def stand_by(
        self, servers: Iterable[str], volumes: Iterable[str], *, group_id: str, reason: str
    ) -> None:
        self._marks.set(servers, volumes, group_id=group_id, reason=reason)

    def stand_down(self, servers: Iterable[str], volumes: Iterable[str]) -> None:
        self._marks.take_away(servers, volumes)

    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        self._groups().change(group_id, add=set(add), remove=set(remove))

    def delete_server(self, server_id: str, *, project_id: str) -> None:
        self._servers(project_id).delete(server_id)

    def volume_group(self, key: str) -> str | None:
        return self._groups().id_of(key)

    def delete_volume_group(self, *, key: str) -> None:
        self._groups().delete(key)

    def volume_types(self, replication_type: str) -> list[VolumeType]:
        return [
            _told(type) for type in self._types() if replicates(type.extra_specs, replication_type)
        ]

    def consistent_group_type(self) -> str:
        with asking(self.site, "Cinder", "find or make a group type"):
            found = self._consistent_group_type()
            if found:
                return found
            # Cinder would let each of several who ask at once make one of the same name.
            with MAKING:
                return self._consistent_group_type() or self._make_group_type()

    def pool_for(self, volume_type: VolumeType) -> str:
        return str(self._pool(volume_type).name)

    def landing_type(self, volume_type: VolumeType) -> VolumeType:
        backend = self._pool(volume_type).capabilities.get(BACKEND)
        fitting = [type for type in self._types() if lands(type.extra_specs, backend)]
        if not fitting:
            raise errors.NoVolumeType(
                reason=f"{self.site} has no volume type of backend {backend} that does not"
                f" replicate. Recovered volumes are to have it before they get type"
                f" {volume_type.name}. Make one, as an administrator: openstack volume type create"
                f" --property {BACKEND}={backend} <name>"
            )
        return _told(min(fitting, key=_drawbacks))

    def ports(self, network_ids: Iterable[str]) -> list[UsedPort]:
        return allowance.ports(self._connection, self._executor, self.site, network_ids)

    def drop_trust(self, trust_id: str) -> None:
        with asking(self.site, "Keystone", f"delete trust {trust_id}"):
            self._connection.identity.delete_trust(trust_id)

    def trusts(self) -> list[str]:
        with asking(self.site, "Keystone", "list Protector's trusts"):
            own = self._connection.current_user_id
            return [trust.id for trust in self._connection.identity.trusts(trustee_user_id=own)]

    # -- inside -------------------------------------------------------------------------------

    def _types(self) -> list[Any]:
        with asking(self.site, "Cinder", "list its volume types"):
            return list(self._connection.block_storage.types(is_public=None))

    def _pool(self, volume_type: VolumeType) -> Any:
        with asking(self.site, "Cinder", "list its pools"):
            pools = list(self._connection.block_storage.backend_pools())
        serving = [pool for pool in pools if serves(pool.capabilities, volume_type)]
        if not serving:
            reason = (
                f"no backend serves volume type {volume_type.name}. See, as an administrator:"
                " openstack volume backend pool list --long"
            )
            raise errors.CloudError(service="Cinder", site=self.site, reason=reason)
        return min(serving, key=lambda pool: pool.name)

    def _power(self, timeout: float) -> Power:
        interval = self._limits.poll_interval
        return Power(self.site, self._connection, self._executor, timeout, interval)

    def _servers(self, project_id: str) -> Servers:
        timeout, interval = self._limits.server_timeout, self._limits.poll_interval
        return Servers(
            self.site, self._connection, self._executor, timeout, interval, project_id=project_id
        )

    def _groups(self) -> VolumeGroups:
        timeout, interval = self._limits.volume_timeout, self._limits.poll_interval
        return VolumeGroups(self.site, self._connection, timeout, interval, all_projects=True)

    def _look(self, look: Callable[[], Any]) -> str | None:
        try:
            with asking(self.site, "", "answer"):
                answer = look()
                if hasattr(answer, "status_code"):
                    openstack.exceptions.raise_from_response(answer)
        except errors.CloudError as error:
            return str(error.kwargs["reason"])
        return None

    def _consistent_group_type(self) -> str | None:
        for type in self._connection.block_storage.group_types():
            if (type.group_specs or {}).items() >= CONSISTENT.items():
                return str(type.id)
        return None

    def _make_group_type(self) -> str:
        """Make one, or find the one that another engine made meanwhile."""
        storage = self._connection.block_storage
        try:
            made = storage.create_group_type(
                name=GROUP_TYPE_NAME, description="Made by Protector", is_public=True
            )
        except openstack.exceptions.ConflictException:
            made = next(one for one in storage.group_types() if one.name == GROUP_TYPE_NAME)
        storage.create_group_type_group_specs(made, CONSISTENT)
        return str(made.id)


def replicates(specs: dict[str, str], replication_type: str) -> bool:
    """Whether a volume type's properties say so; ``async`` is what Cinder's driver assumes."""
    said = specs.get(HOW, "<in> async")
    return specs.get(REPLICATES) == "<is> True" and said == f"<in> {replication_type}"


def lands(specs: dict[str, str], backend: str | None) -> bool:
    """Whether a volume type's properties neither ask for replication nor for another backend."""
    plain = specs.get(REPLICATES, "<is> False") == "<is> False"
    return plain and specs.get(BACKEND, backend) == backend


def serves(capabilities: dict[str, Any], volume_type: VolumeType) -> bool:
    if volume_type.backend:
        return bool(capabilities.get(BACKEND) == volume_type.backend)
    return bool(capabilities.get(REPLICATES))


# -- inside ---------------------------------------------------------------------------------------


def _told(type: Any) -> VolumeType:
    return VolumeType(type.id, type.name, type.extra_specs.get(BACKEND))


def _drawbacks(type: Any) -> tuple[bool, int, bool, bool, str]:
    """Order the types that may do: whether the backend can do the other things is not known."""
    others = type.extra_specs.keys() - {BACKEND, REPLICATES, HOW}
    named = BACKEND in type.extra_specs
    return type.name == BUILT_IN, len(others), not named, not type.is_public, type.name
