# SPDX-License-Identifier: Apache-2.0
"""The consistency group behind a protection group: Cinder's group, and the array's behind that.

Cinder's driver makes the array's group and keeps its members; target and schedule are set on the
array, from the protection group's own policy.
"""

import re
from contextlib import ExitStack

from protector import errors
from protector.cloud.base import TenantCloud, VolumeType
from protector.domain.document import ConsistencyGroup, Member, Policy
from protector.engine.work import Equipment

# What Cinder's driver names a volume on the array.
DRIVERS_NAME = re.compile(r"volume-(?P<id>[0-9a-f-]{36})-cinder")


class Chain:
    """``undo`` is told how to take back each change before it is made."""

    def __init__(self, equipment: Equipment, tenant: TenantCloud, undo: ExitStack) -> None:
        self._equipment = equipment
        self._array = equipment.array
        self._tenant = tenant
        self._undo = undo

    def make(self, group_id: str, volume_type: VolumeType) -> ConsistencyGroup:
        key = cinder_name(group_id)
        group_type = self._equipment.cloud.as_service().consistent_group_type()
        self._undo.callback(self._tenant.delete_volume_group, key=key)
        cinder_group = self._tenant.create_volume_group(
            key=key, group_type_id=group_type, volume_type_id=volume_type.id
        )
        return ConsistencyGroup(
            array=self._array.array,
            array_group=f"consisgroup-{cinder_group}-cinder",
            cinder_group_id=cinder_group,
            volume_type_id=volume_type.id,
        )

    def replicate(self, chain: ConsistencyGroup, target_array: str, policy: Policy) -> None:
        self._undo.callback(self._array.stop_replicating, chain.array_group)
        self._set_policy(chain, target_array, policy)

    def change_policy(
        self, chain: ConsistencyGroup, target_array: str, *, before: Policy, after: Policy
    ) -> None:
        self._undo.callback(self._set_policy, chain, target_array, before)
        self._set_policy(chain, target_array, after)

    def join(self, chain: ConsistencyGroup, member: Member) -> None:
        """Add the member's volumes, and see on the array itself that they are replicated."""
        ids = [volume.id for volume in member.volumes]
        self._undo.callback(self._tenant.change_volume_group, chain.cinder_group_id, remove=ids)
        self._tenant.change_volume_group(chain.cinder_group_id, add=ids)
        replication = self._array.replication(chain.array_group)
        replicated = replication.volumes if replication else frozenset()
        lacking = [v.name or v.id for v in member.volumes if v.array_volume not in replicated]
        if lacking:
            reason = (
                f"its group {chain.array_group} does not hold volume {', '.join(lacking)} of"
                f" {member.name}, though Cinder's does. Check the volume's type and the array's"
                " protection groups"
            )
            raise errors.StorageError(array=self._array.array, reason=reason)

    def leave(self, chain: ConsistencyGroup, member: Member) -> None:
        ids = [volume.id for volume in member.volumes]
        self._undo.callback(self._tenant.change_volume_group, chain.cinder_group_id, add=ids)
        self._tenant.change_volume_group(chain.cinder_group_id, remove=ids)

    def remove(self, group_id: str, chain: ConsistencyGroup | None) -> None:
        """Remove it for good, also what is left of one that was never finished."""
        if chain:
            self._array.stop_replicating(chain.array_group)
        self._tenant.delete_volume_group(key=cinder_name(group_id))

    def _set_policy(self, chain: ConsistencyGroup, target_array: str, policy: Policy) -> None:
        self._array.replicate(
            chain.array_group,
            target_array=target_array,
            interval_seconds=policy.replication_interval,
            retention_seconds=self._equipment.conf.flasharray.retention_seconds,
        )


def cinder_name(group_id: str) -> str:
    """Return the name of Cinder's group behind a protection group: its key."""
    return f"protector-{group_id}"


def cinder_volume(array_volume: str) -> str | None:
    """Return the id of the volume that Cinder's driver calls so on the array, if it does."""
    found = DRIVERS_NAME.fullmatch(array_volume)
    return found and found["id"]
