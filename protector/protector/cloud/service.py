# SPDX-License-Identifier: Apache-2.0
"""The cloud as Protector's service user sees it, who may read what a tenant may not."""

import concurrent.futures
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
    UsedPort,
    VolumeType,
)
from protector.cloud.groups import VolumeGroups
from protector.cloud.stopping import Stopping
from protector.cloud.waiting import Limits

# Cinder's driver refuses replicated volumes in a group that is not replicated itself.
CONSISTENT = {
    "consistent_group_snapshot_enabled": "<is> True",
    "consistent_group_replication_enabled": "<is> True",
}
GROUP_TYPE_NAME = "protector-consistent"


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
        timeout, interval = self._limits.server_timeout, self._limits.poll_interval
        stopping = Stopping(self.site, self._connection, self._executor, timeout, interval)
        return stopping.stop(server_ids)

    def change_volume_group(
        self, group_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> None:
        timeout, interval = self._limits.volume_timeout, self._limits.poll_interval
        groups = VolumeGroups(self.site, self._connection, timeout, interval, all_projects=True)
        groups.change(group_id, add=set(add), remove=set(remove))

    def volume_types(self, replication_type: str) -> list[VolumeType]:
        with asking(self.site, "Cinder", "list its volume types"):
            types = list(self._connection.block_storage.types(is_public=None))
        return [
            VolumeType(type.id, type.name, type.extra_specs.get("volume_backend_name"))
            for type in types
            if replicates(type.extra_specs, replication_type)
        ]

    def consistent_group_type(self) -> str:
        with asking(self.site, "Cinder", "find or make a group type"):
            return self._consistent_group_type() or self._make_group_type()

    def pool_for(self, volume_type: VolumeType) -> str:
        with asking(self.site, "Cinder", "list its pools"):
            pools = list(self._connection.block_storage.backend_pools())
        serving = [pool.name for pool in pools if serves(pool.capabilities, volume_type)]
        if not serving:
            reason = (
                f"no backend serves volume type {volume_type.name}. See, as an administrator:"
                " openstack volume backend pool list --long"
            )
            raise errors.CloudError(service="Cinder", site=self.site, reason=reason)
        return min(serving)

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
            made = storage.find_group_type(GROUP_TYPE_NAME, ignore_missing=False)
        storage.create_group_type_group_specs(made, CONSISTENT)
        return str(made.id)


def replicates(specs: dict[str, str], replication_type: str) -> bool:
    """Whether a volume type's properties say so; ``async`` is what Cinder's driver assumes."""
    said = specs.get("replication_type", "<in> async")
    return specs.get("replication_enabled") == "<is> True" and said == f"<in> {replication_type}"


def serves(capabilities: dict[str, Any], volume_type: VolumeType) -> bool:
    if volume_type.backend:
        return bool(capabilities.get("volume_backend_name") == volume_type.backend)
    return bool(capabilities.get("replication_enabled"))
