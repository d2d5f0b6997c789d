# SPDX-License-Identifier: Apache-2.0
"""Volumes that Cinder is to have no longer: unmanaged, so they stay on the array, or deleted."""

import concurrent.futures
from collections.abc import Mapping, Sequence
from typing import Any

from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import asking
from protector.cloud.base import Outcome
from protector.cloud.volume_list import BEGUN, FAILED, LEAVING, State, VolumeList, by_key


class LettingGo:
    """:param service: the service user's connection, for what no tenant may do."""

    def __init__(
        self,
        site: str,
        connection: Connection,
        service: Connection,
        executor: concurrent.futures.Executor,
        volumes: VolumeList,
    ) -> None:
        self._site = site
        self._connection = connection
        self._service = service
        self._executor = executor
        self._volumes = volumes

    def unmanage(self, keys: Sequence[str]) -> list[Outcome]:
        there = self._volumes.at_rest(keys)
        begun = self._executor.map(lambda key: self._let_go(key, there.get(key, [])), keys)
        return self._gone(list(begun), self._until_gone("unmanage"), "unmanaged")

    def unmanage_these(self, key: str, volumes: Sequence[Any]) -> Outcome:
        """Unmanage these alone of those that bear the key; the outcome is of the first."""
        begun = [self._let_go(key, volumes)]
        (outcome,) = self._gone(begun, self._until_gone("unmanage"), "unmanaged")
        return outcome

    def remove(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        """Delete them; see :meth:`protector.cloud.base.TenantCloud.remove_volumes`."""
        listed = self._volumes.fresh() if volumes else {}
        there = by_key(listed)

        def begin(key: str) -> Outcome:
            found = {volume.id: volume for volume in there.get(key, [])}
            known = listed.get(volumes[key] or "")
            if known is not None:
                found.setdefault(known.id, known)
            return self._begin_to_remove(key, list(found.values()))

        begun = list(self._executor.map(begin, volumes))
        return self._gone(begun, self._until_gone("delete"), "deleted")

    def give_up(self, id: str) -> None:
        """Let a volume that Cinder has begun with, and nobody works at, count as failed."""
        volume = self._volumes.known().get(id)
        if volume and volume.status in (*BEGUN, *LEAVING):
            with asking(self._site, "Cinder", f"give up volume {id}, which is {volume.status}"):
                self._service.block_storage.reset_volume_status(id, "error")

    # -- inside -------------------------------------------------------------------------------

    def _let_go(self, key: str, volumes: Sequence[Any]) -> Outcome:
        """Ask Cinder to let go of them all; the outcome is of the first."""
        try:
            for volume in volumes:
                self._ask_to_let_go(volume)
        except errors.CloudRefused:
            raise
        except errors.CloudError as error:
            return Outcome(key, None, error.text, passing=isinstance(error, errors.PASSING))
        return Outcome(key, volumes[0].id if volumes else None)

    def _ask_to_let_go(self, volume: Any) -> None:
        if self._volumes.is_leaving(volume):
            return
        self.give_up(volume.id)
        with asking(self._site, "Cinder", f"unmanage volume {volume.name} ({volume.id})"):
            if volume.size == 0:
                # Managing it failed, as the size comes last. The driver may not know its name
                # on the array then, and cannot unmanage it.
                self._connection.block_storage.delete_volume(volume)
            else:
                self._connection.block_storage.unmanage_volume(volume)

    def _begin_to_remove(self, key: str, volumes: Sequence[Any]) -> Outcome:
        """Ask Cinder to delete them all; the outcome is of the first."""
        for volume in volumes:
            try:
                if volume.status != "deleting":
                    self.give_up(volume.id)
                    with asking(self._site, "Cinder", f"delete volume {volume.name} ({volume.id})"):
                        self._connection.block_storage.delete_volume(volume)
            except errors.CloudError as error:
                fault = f"{error.text.rstrip('.')}. {_detaching(volume)}"
                return Outcome(key, None, fault, passing=isinstance(error, errors.PASSING))
        return Outcome(key, volumes[0].id if volumes else None)

    def _gone(self, asked: Sequence[Outcome], state: State, what: str) -> list[Outcome]:
        ids = [outcome.id for outcome in asked if outcome.id and not outcome.fault]
        faults = self._volumes.wait(dict.fromkeys(ids, state), what)
        return [
            Outcome(outcome.key, None, fault) if (fault := faults.get(str(outcome.id))) else outcome
            for outcome in asked
        ]

    def _until_gone(self, order: str) -> State:
        def state(volume: Any) -> str | None:
            if volume is None:
                return ""
            if volume.status in FAILED:
                return (
                    f"Cinder of {self._site} could not {order} volume {volume.name} ({volume.id});"
                    " the log of cinder-volume has the reason"
                )
            return None

        return state


def _detaching(volume: Any) -> str:
    """Say how a volume that cannot be deleted is made free."""
    holders = [one["server_id"] for one in volume.attachments or () if one.get("server_id")]
    if holders:
        return f"Detach it: openstack server remove volume {holders[0]} {volume.id}"
    return f"See what holds it: openstack volume show {volume.id}"
