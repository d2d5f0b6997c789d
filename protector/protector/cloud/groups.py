# SPDX-License-Identifier: Apache-2.0
"""Volume groups, by key: the name that Protector gave them."""

from collections.abc import Mapping
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import asking
from protector.cloud.waiting import Listing, Overdue

SHOWS_VOLUMES = "3.25"


class VolumeGroups:
    """A tenant's, or those of all projects, to whom may see them."""

    def __init__(
        self,
        site: str,
        connection: Connection,
        timeout: float,
        interval: float,
        *,
        all_projects: bool = False,
    ) -> None:
        self._site = site
        self._connection = connection
        self._query = {"all_projects": True} if all_projects else {}
        self._timeout = timeout
        self._listing = Listing(self._list, interval)

    def create(self, key: str, group_type_id: str, volume_type_id: str) -> str:
        found = self._find(key)
        if found and found.status == "error":
            self.delete(key)
            found = None
        if found is None:
            with asking(self._site, "Cinder", f"create volume group {key}"):
                found = self._connection.block_storage.create_group(
                    name=key, group_type=group_type_id, volume_types=[volume_type_id]
                )
        self._settled(found.id)
        return str(found.id)

    def change(self, group_id: str, *, add: set[str], remove: set[str]) -> None:
        self._settled(group_id)
        there = self._volumes(group_id)
        add, remove = add - there, remove & there
        if not add and not remove:
            return
        with asking(self._site, "Cinder", f"change volume group {group_id}"):
            self._connection.block_storage.update_group(
                group_id,
                add_volumes=",".join(sorted(add)) or None,
                remove_volumes=",".join(sorted(remove)) or None,
            )
        self._settled(group_id)

    def id_of(self, key: str) -> str | None:
        found = self._find(key)
        return str(found.id) if found else None

    def delete(self, key: str) -> None:
        found = self._find(key)
        if found is None:
            return
        if found.status != "error":
            self.change(found.id, add=set(), remove=self._volumes(found.id))
        with asking(self._site, "Cinder", f"delete volume group {key}"):
            self._connection.block_storage.delete_group(found.id, delete_volumes=False)
        self._wait(found.id, lambda group: True if group is None else None, "went away")

    # -- inside -------------------------------------------------------------------------------

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Cinder", "list volume groups"):
            groups = self._connection.block_storage.groups(**self._query)
            return {group.id: group for group in groups}

    def _find(self, key: str) -> Any:
        return next((g for g in self._listing.fresh().values() if g.name == key), None)

    def _volumes(self, group_id: str) -> set[str]:
        with asking(self._site, "Cinder", f"show volume group {group_id}"):
            answer = self._connection.block_storage.get(
                f"/groups/{group_id}", params={"list_volume": True}, microversion=SHOWS_VOLUMES
            )
            openstack.exceptions.raise_from_response(answer)
        return set(answer.json()["group"]["volumes"])

    def _settled(self, group_id: str) -> None:
        def done(group: Any) -> bool | None:
            if group is None:
                raise self._error(f"volume group {group_id} is gone")
            if group.status == "error":
                raise self._error(
                    f"volume group {group.name} ({group_id}) is in error; the log of"
                    " cinder-volume has the reason"
                )
            return True if group.status == "available" else None

        self._wait(group_id, done, "became available")

    def _wait(self, group_id: str, done: Any, event: str) -> None:
        try:
            self._listing.wait(group_id, done, self._timeout)
        except Overdue as overdue:
            reason = f"volume group {group_id} has not {event} in {self._timeout:g} seconds"
            raise overdue.error or self._error(reason) from None

    def _error(self, reason: str) -> errors.CloudError:
        return errors.CloudError(service="Cinder", site=self._site, reason=reason)
