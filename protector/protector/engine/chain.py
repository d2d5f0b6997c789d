# SPDX-License-Identifier: Apache-2.0
"""The consistency group behind a protection group: Cinder's group, and the array's behind that.

Cinder's driver makes the array's group and keeps its members; target and schedule are set on the
array, from the protection group's own policy.
"""

import re
from collections.abc import Iterable
from contextlib import ExitStack

from protector import errors
from protector.cloud.base import TenantCloud, VolumeType
from protector.domain.document import ConsistencyGroup, Member, Policy
from protector.engine.work import Equipment

# What Cinder's driver names a volume on the array, in a pod or not.
DRIVERS_NAME = re.compile(r"(?:[^:]+::)?volume-(?P<id>[0-9a-f-]{36})-cinder")


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
            array_group=self._array_group(cinder_group),
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

    def mirror(self, volume_type_id: str, volume_ids: Iterable[str]) -> None:
        """Give volumes a type that is mirrored, and wait until they are: before, none may join.

        :raises CloudError: with all those that do not have it; CloudUnavailable: not yet.
        """
        outcomes = self._tenant.retype_volumes(sorted(volume_ids), volume_type_id=volume_type_id)
        at_fault = [one for one in outcomes if one.fault]
        if at_fault:
            passing = all(one.passing for one in at_fault)
            error = errors.CloudUnavailable if passing else errors.CloudError
            reason = "\n".join(str(one.fault) for one in at_fault)
            raise error(service="Cinder", site=self._equipment.site, reason=reason)

    def leave(self, chain: ConsistencyGroup, member: Member) -> None:
        ids = [volume.id for volume in member.volumes]
        self._undo.callback(self._tenant.change_volume_group, chain.cinder_group_id, add=ids)
        self._tenant.change_volume_group(chain.cinder_group_id, remove=ids)

    def remove(self, group_id: str, chain: ConsistencyGroup | None) -> None:
        """Remove it for good, also what is left of one that was never finished."""
        if chain:
            self._array.stop_replicating(chain.array_group)
        self._tenant.delete_volume_group(key=cinder_name(group_id))

    def _array_group(self, cinder_group: str) -> str:
        name = array_group(cinder_group)
        found = self._array.group_called(name)
        if found is None:
            reason = (
                f"it has no protection group {name}, though Cinder says that it made it. Check that"
                " the volume type's backend is this array"
            )
            raise errors.StorageError(array=self._array.array, reason=reason)
        return found

    def _set_policy(self, chain: ConsistencyGroup, target_array: str, policy: Policy) -> None:
        self._array.replicate(
            chain.array_group,
            target_array=target_array,
            interval_seconds=policy.replication_interval,
            retention_seconds=self._equipment.conf.flasharray.retention_seconds,
        )


def array_group(cinder_group_id: str) -> str:
    """Return what Cinder's driver names a group on the array, without the pod it may be in."""
    return f"consisgroup-{cinder_group_id}-cinder"


def cinder_name(group_id: str) -> str:
    """Return the name of Cinder's group behind a protection group: its key."""
    return f"protector-{group_id}"


def cinder_volume(array_volume: str) -> str | None:
    """Return the id of the volume that Cinder's driver calls so on the array, if it does."""
    found = DRIVERS_NAME.fullmatch(array_volume)
    return found and found["id"]
