# SPDX-License-Identifier: Apache-2.0
"""The volumes of a tenant as Cinder lists them, by key, and waiting for what becomes of them.

A volume bears its key in its description: the driver replaces the metadata of what it manages by
its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from openstack.connection import Connection

from protector.cloud.asking import asking
from protector.cloud.waiting import Limits, Listing, Overdue, moment_before

MARK = "Recovered by Protector: "
FAILED = ("error", "error_managing", "error_unmanaging", "error_deleting")
# Cinder is at it, or has lost the order and stays so for ever.
BEGUN = ("creating", "managing")
LEAVING = ("deleting", "unmanaging", "error_managing_deleting")
LOST = (
    "cinder-volume may have lost the order, as when the message queue was restarted: check both"
    " (openstack volume service list)"
)

# Told of a volume (None: it is not listed), returns what is wrong with it, "" when all is well,
# None as long as it is to be waited for.
State = Callable[[Any], str | None]


class VolumeList:
    """One for all who wait: it is asked for once for all of them."""

    def __init__(
        self, site: str, connection: Connection, limits: Limits, *, project_id: str | None = None
    ) -> None:
        self._site = site
        self._connection = connection
        self._timeout = limits.volume_timeout
        # Whoever may see those of all projects names the one that is meant.
        self._whose: dict[str, Any] = (
            {"all_projects": True, "project_id": project_id} if project_id else {}
        )
        self._listing = Listing(self._list, limits.poll_interval, self._list_changed)
        # Ids of volumes that Cinder was asked to let go of, and did not in time.
        self._kept: set[str] = set()

    def fresh(self) -> Mapping[str, Any]:
        """Return id -> volume, as they are listed after the call."""
        return self._listing.fresh()

    def known(self) -> Mapping[str, Any]:
        """Return id -> volume, as they were seen last, at no price."""
        return self._listing.known()

    def at_rest(self, keys: Sequence[str]) -> dict[str, list[Any]]:
        """Return the volumes by key, once Cinder is at none of these, or has lost the order.

        What it is at it would finish, and rename on the array, after it was told to let go.
        """
        there = by_key(self.fresh()) if keys else {}
        begun = [v.id for key in keys for v in there.get(key, []) if v.status in BEGUN]
        if not begun:
            return there
        self._listing.wait_for_each(dict.fromkeys(begun, _is_at_rest), self._timeout)
        return by_key(self.fresh())

    def is_leaving(self, volume: Any) -> bool:
        """Whether Cinder is letting go of it: an engine that died has asked for that, or Nova, with
        the volume's server.
        """
        return volume.status in LEAVING and volume.id not in self._kept

    def is_lost(self, volume: Any) -> bool:
        return volume.status in FAILED or (volume.status in LEAVING and volume.id in self._kept)

    def wait(self, awaited: Mapping[str, State], what: str) -> dict[str, str]:
        """Return id -> what is wrong with it; "" when all is well.

        All of the list is looked at each time: that a volume is gone is no change to Cinder.

        :param what: has been done to those that are well: "unmanaged".
        """
        return self._faults(self._listing.wait_for_each(awaited, self._timeout, whole=True), what)

    def as_they_come(
        self, awaited: Mapping[str, State], what: str, *, more: Callable[[], bool]
    ) -> Iterator[dict[str, str]]:
        """Yield the same in parts, for what is a change to Cinder.

        See :meth:`protector.cloud.waiting.Listing.as_they_come`.
        """
        for come in self._listing.as_they_come(awaited, self._timeout, more=more):
            yield self._faults(come, what)

    # -- inside -------------------------------------------------------------------------------

    def _list(self) -> Mapping[str, Any]:
        with asking(self._site, "Cinder", "list volumes"):
            listed = self._connection.block_storage.volumes(**self._whose)
            return {volume.id: volume for volume in listed}

    def _list_changed(self, seen: Mapping[str, Any]) -> Mapping[str, Any]:
        since = moment_before(volume.updated_at or volume.created_at for volume in seen.values())
        with asking(self._site, "Cinder", "list volumes"):
            changed = self._connection.block_storage.volumes(
                updated_at=f"gte:{since}", **self._whose
            )
            return {volume.id: volume for volume in changed}

    def _faults(self, outcomes: Mapping[str, str | Overdue], what: str) -> dict[str, str]:
        return {
            id: self._told(id, outcome, what) if isinstance(outcome, Overdue) else outcome
            for id, outcome in outcomes.items()
        }

    def _told(self, id: str, overdue: Overdue, what: str) -> str:
        if overdue.error:
            return overdue.error.text
        if overdue.thing.status in LEAVING:
            self._kept.add(id)
        return (
            f"Cinder of {self._site} has not {what} volume {id} in {self._timeout:g} seconds; it is"
            f" {overdue.thing.status}. {LOST}"
        )


def by_key(volumes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return key -> its volumes, the one that counts first."""
    found: dict[str, list[Any]] = {}
    for volume in sorted(
        volumes.values(),
        key=lambda volume: (volume.status in (*FAILED, *LEAVING), volume.created_at, volume.id),
    ):
        said = volume.description or ""
        if said.startswith(MARK):
            found.setdefault(said.removeprefix(MARK), []).append(volume)
    return found


def _is_at_rest(volume: Any) -> bool | None:
    return True if volume is None or volume.status not in BEGUN else None
