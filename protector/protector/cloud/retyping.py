# SPDX-License-Identifier: Apache-2.0
"""Volumes given another type where they are, and mirrored if the type asks for it."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import asking
from protector.cloud.base import Outcome
from protector.cloud.volume_list import LOST
from protector.cloud.waiting import Listing, Overdue

# So many at a time: Cinder's driver waits in a busy loop until a volume is mirrored, which keeps
# cinder-volume from anything else.
AT_ONCE = 2

UNDER_WAY = "retyping"
SETTLED = ("available", "in-use")


class Retyping:
    """:param timeout: seconds until one of those under way has to be done."""

    def __init__(
        self,
        site: str,
        connection: Connection,
        timeout: float,
        interval: float,
        *,
        project_id: str | None = None,
    ) -> None:
        self._site = site
        self._connection = connection
        self._timeout = timeout
        # Whoever may see those of all projects names the one that is meant.
        self._whose: dict[str, Any] = (
            {"all_projects": True, "project_id": project_id} if project_id else {}
        )
        self._listing = Listing(self._list, interval)

    def retype(self, volume_ids: Sequence[str], type_id: str) -> list[Outcome]:
        seen = self._listing.fresh() if volume_ids else {}
        outcomes = {id: Outcome(id, id) for id in volume_ids if _is_done(seen.get(id), type_id)}
        # What an interrupted engine has begun is among those under way, so it comes first.
        left = sorted(
            (id for id in volume_ids if id not in outcomes),
            key=lambda id: not _is_under_way(seen.get(id)),
        )
        places = AT_ONCE
        while left and places:
            batch, left = left[:places], left[places:]
            for id, come in self._retype(batch, type_id).items():
                if isinstance(come, Overdue):
                    places -= 1  # cinder-volume may still be at it
                    come = self._late(id, come)
                outcomes[id] = come
        outcomes |= {id: self._not_asked(id) for id in left}
        return [outcomes[id] for id in volume_ids]

    # -- inside -------------------------------------------------------------------------------

    def _retype(self, volume_ids: Sequence[str], type_id: str) -> dict[str, Outcome | Overdue]:
        seen = self._listing.known()
        refusals = {id: self._ask(id, seen.get(id), type_id) for id in volume_ids}
        awaited = {
            id: functools.partial(self._come, id, type_id, refusal)
            for id, refusal in refusals.items()
        }
        return self._listing.wait_for_each(awaited, self._timeout)

    def _ask(self, id: str, volume: Any, type_id: str) -> errors.CloudError | None:
        """Ask Cinder to retype it if that is needed; return why it does not."""
        if volume is None or _is_under_way(volume) or volume.volume_type_id == type_id:
            return None
        try:
            with asking(self._site, "Cinder", f"retype volume {id}"):
                self._connection.block_storage.retype_volume(id, type_id, migration_policy="never")
        except errors.CloudError as error:
            return error
        return None

    def _come(
        self, id: str, type_id: str, refusal: errors.CloudError | None, volume: Any
    ) -> Outcome | None:
        """Return what has come of it, None as long as Cinder is at it."""
        if volume is None:
            return Outcome(id, None, f"Cinder of {self._site} has no volume {id}")
        if _is_done(volume, type_id):
            return Outcome(id, id)
        if _is_under_way(volume) or volume.volume_type_id == type_id:
            return None
        # Only now: the answer may have been lost, or another engine was quicker.
        if refusal:
            passing = isinstance(refusal, errors.PASSING)
            return Outcome(id, None, refusal.text, passing=passing)
        return Outcome(
            id,
            None,
            f"Cinder of {self._site} kept the old type of volume {id}. The volume's messages"
            " (openstack volume message list) or the log of cinder-volume have the reason. On the"
            f" array, the volume may be in pod cinder-ghost-pod-{id}",
        )

    def _late(self, id: str, overdue: Overdue) -> Outcome:
        if overdue.error:
            passing = isinstance(overdue.error, errors.PASSING)
            return Outcome(id, None, overdue.error.text, passing=passing)
        late = (
            f"Cinder of {self._site} has not retyped volume {id} in {self._timeout:g} seconds; it"
            f" is {overdue.thing.status}."
        )
        if not _is_under_way(overdue.thing):
            return Outcome(id, None, f"{late} See what holds it: openstack volume show {id}")
        before = "in-use" if overdue.thing.attachments else "available"
        return Outcome(
            id,
            None,
            f"{late} A big volume takes long to be mirrored, and is waited for at the next attempt;"
            f" or {LOST}. If the order is lost, as an administrator: openstack volume set --state"
            f" {before} {id}",
            passing=True,
        )

    def _not_asked(self, id: str) -> Outcome:
        fault = (
            f"Cinder of {self._site} was not asked to retype volume {id}, as it has not got done"
            f" with {AT_ONCE} others"
        )
        return Outcome(id, None, fault, passing=True)

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Cinder", "list volumes"):
            listed = self._connection.block_storage.volumes(**self._whose)
            return {volume.id: volume for volume in listed}


def _is_under_way(volume: Any) -> bool:
    return volume is not None and volume.status == UNDER_WAY


def _is_done(volume: Any, type_id: str) -> bool:
    return volume is not None and volume.volume_type_id == type_id and volume.status in SETTLED
