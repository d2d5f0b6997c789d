# SPDX-License-Identifier: Apache-2.0
"""Volumes of the array under Cinder, by key.

A volume bears its key in its description: the driver replaces the metadata of what it manages by
its own, so that is given back to the volume afterwards.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import asking
from protector.cloud.base import Outcome, VolumeRequest
from protector.cloud.waiting import Limits, Listing, Overdue, moment_before

MANAGE = "3.16"
MARK = "Recovered by Protector: "
FAILED = ("error", "error_managing", "error_unmanaging", "error_deleting")
# Cinder is at it, or has lost the order and stays so for ever.
BEGUN = ("creating", "managing")
LEAVING = ("deleting", "unmanaging", "error_managing_deleting")
LOST = (
    "cinder-volume may have lost the order, as when the message queue was restarted: check both"
    " (openstack volume service list)"
)


class Volumes:
    """:param service: the service user's connection, for what no tenant may do."""

    def __init__(
        self,
        site: str,
        connection: Connection,
        service: Connection,
        executor: concurrent.futures.Executor,
        limits: Limits,
        *,
        project_id: str | None = None,
    ) -> None:
        self._site = site
        self._connection = connection
        self._service = service
        self._executor = executor
        self._timeout = limits.volume_timeout
        self._width = limits.parallel_requests
        # Whoever may see those of all projects names the one that is meant.
        self._whose: dict[str, Any] = (
            {"all_projects": True, "project_id": project_id} if project_id else {}
        )
        self._listing = Listing(self._list, limits.poll_interval, self._list_changed)
        # Ids of volumes that Cinder was asked to let go of, and did not in time.
        self._kept: set[str] = set()

    def manage(
        self,
        requests: Sequence[VolumeRequest],
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
        managed: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
    ) -> list[Outcome]:
        """What Cinder could not do is asked of it once more: its driver may fail one of several
        volumes at once, as when its session on the array has just expired.
        """
        outcomes = self._manage(requests, pool, volume_type_id, reclaim, managed)
        failed = [
            request
            for request, outcome in zip(requests, outcomes, strict=True)
            if outcome.fault and not outcome.passing
        ]
        again = {o.key: o for o in self._manage(failed, pool, volume_type_id, reclaim, managed)}
        return [again.get(outcome.key, outcome) for outcome in outcomes]

    def unmanage(self, keys: Sequence[str]) -> list[Outcome]:
        there = self._at_rest(keys)
        begun = list(self._executor.map(lambda key: self._let_go(key, there.get(key, [])), keys))
        return self._gone(begun, self._leaving, "unmanaged")

    def remove(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        """Delete them; see :meth:`protector.cloud.base.TenantCloud.remove_volumes`."""
        listed = self._listing.fresh() if volumes else {}
        by_key = _by_key(listed)

        def begin(key: str) -> Outcome:
            found = {volume.id: volume for volume in by_key.get(key, [])}
            known = listed.get(volumes[key] or "")
            if known is not None:
                found.setdefault(known.id, known)
            return self._begin_to_remove(key, list(found.values()))

        begun = list(self._executor.map(begin, volumes))
        return self._gone(begun, self._going, "deleted")

    # -- inside -------------------------------------------------------------------------------

    def _manage(
        self,
        requests: Sequence[VolumeRequest],
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
        managed: Callable[[Sequence[Outcome]], None],
    ) -> list[Outcome]:
        """Ask for them and, meanwhile already, look what has come of them."""
        there = self._clear([request.key for request in requests], reclaim)
        awaited: dict[str, Callable[[Any], str | None]] = {}
        by_id: dict[str, VolumeRequest] = {}

        def begin(request: VolumeRequest) -> Outcome:
            found = there.get(request.key)
            if found:
                outcome = Outcome(request.key, found.id)
            else:
                outcome = self._ask(request, pool, volume_type_id, reclaim)
            if outcome.id:
                by_id[outcome.id] = request
                awaited[outcome.id] = functools.partial(self._state, request)
            return outcome

        def end(come: tuple[str, str]) -> Outcome:
            id, fault = come
            return self._managed(by_id[id], id, fault, reclaim)

        ended: dict[str, Outcome] = {}
        # Not those of the executor that all share, where others would wait until all are asked for.
        threads = concurrent.futures.ThreadPoolExecutor(self._width, "manage")
        try:
            asked = [threads.submit(begin, request) for request in requests]
            for come in self._listing.as_they_come(
                awaited, self._timeout, more=lambda: _are_going_on(asked)
            ):
                faults = self._faults(come, "managed")
                some = self._settled(list(self._executor.map(end, faults.items())))
                ended |= {outcome.key: outcome for outcome in some}
                if done := [outcome for outcome in some if outcome.id]:
                    managed(done)
        finally:
            threads.shutdown(cancel_futures=True)
        outcomes = [ended.get(one.result().key, one.result()) for one in asked]
        self._clear([outcome.key for outcome in outcomes if outcome.fault], reclaim)
        return outcomes

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

    def _clear(self, keys: Sequence[str], reclaim: Callable[[str], None]) -> dict[str, Any]:
        """Take from Cinder what it could not manage under these keys; return the rest, by key.

        It may have renamed the array's volume before it failed, and would destroy it or rename it
        once more: so it must not find it under that name.
        """
        there = _by_key(self._listing.fresh()) if keys else {}
        failed = [key for key in keys if key in there and self._is_lost(there[key][0])]
        reclaimed = []
        for key in failed:
            with contextlib.suppress(errors.StorageError):  # it stays; managing it anew says why
                reclaim(key)
                reclaimed.append(key)
        self.unmanage(reclaimed)
        return {key: volumes[0] for key, volumes in there.items() if key not in failed}

    def _settled(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the volumes that are the ones under their keys; take any others from Cinder."""
        there = _by_key(self._listing.known())
        return [
            self._only(outcome, there.get(outcome.key, [])) if outcome.id else outcome
            for outcome in outcomes
        ]

    def _only(self, outcome: Outcome, volumes: Sequence[Any]) -> Outcome:
        if len(volumes) < 2:
            return outcome
        chosen, *others = volumes
        let_go = [self._let_go(outcome.key, others)]
        (left,) = self._gone(let_go, self._leaving, "unmanaged")
        if left.fault:
            return left
        return dataclasses.replace(outcome, id=chosen.id)

    def _at_rest(self, keys: Sequence[str]) -> dict[str, list[Any]]:
        """Return what is there under the keys, once Cinder is at none of it, or has lost the order.

        What it is at it would finish, and rename on the array, after it was told to let go.
        """
        there = _by_key(self._listing.fresh()) if keys else {}
        begun = [v.id for key in keys for v in there.get(key, []) if v.status in BEGUN]
        if not begun:
            return there
        self._listing.wait_for_each(dict.fromkeys(begun, _is_at_rest), self._timeout)
        return _by_key(self._listing.fresh())

    def _ask(
        self,
        request: VolumeRequest,
        pool: str,
        volume_type_id: str,
        reclaim: Callable[[str], None],
    ) -> Outcome:
        body = {
            "host": pool,
            "ref": {"source-name": request.array_volume},
            "name": request.name,
            "description": MARK + request.key,
            "volume_type": volume_type_id,
            "bootable": request.bootable,
            "metadata": dict(request.metadata),
        }
        try:
            reclaim(request.key)
            with asking(self._site, "Cinder", f"manage volume {request.array_volume}"):
                answer = self._connection.block_storage.post(
                    "/manageable_volumes", json={"volume": body}, microversion=MANAGE
                )
                openstack.exceptions.raise_from_response(answer)
        except errors.CloudRefused:
            raise
        except (errors.CloudError, errors.StorageError) as error:
            return _fault(request.key, error)
        return Outcome(request.key, answer.json()["volume"]["id"])

    def _managed(
        self,
        request: VolumeRequest,
        id: str,
        fault: str,
        reclaim: Callable[[str], None],
    ) -> Outcome:
        if fault:
            # Whoever was paused meanwhile must not: somebody else may be waiting for it now, and
            # that is what this tells first.
            with contextlib.suppress(errors.StorageError):
                reclaim(request.key)
            self._give_up(id)
            return Outcome(request.key, None, fault)
        try:
            with asking(self._site, "Cinder", f"set the metadata of volume {id}"):
                if request.metadata:
                    self._connection.block_storage.set_volume_metadata(id, **dict(request.metadata))
        except errors.CloudError as error:
            return _fault(request.key, error)
        return Outcome(request.key, id)

    def _state(self, request: VolumeRequest, volume: Any) -> str | None:
        """Return a fault, "" when all is well, None as long as Cinder is at it."""
        if volume is None:
            return f"Cinder of {self._site} has lost the volume made of {request.array_volume}"
        if volume.status in FAILED:
            return (
                f"Cinder of {self._site} could not manage volume {request.array_volume} of the"
                f" array; the log of cinder-volume has the reason, at volume {volume.id}"
            )
        # Any other has been managed, also what a server is about to get, or could not be given.
        return None if volume.status in (*BEGUN, *LEAVING) else ""

    def _is_lost(self, volume: Any) -> bool:
        return volume.status in FAILED or (volume.status in LEAVING and volume.id in self._kept)

    def _give_up(self, id: str) -> None:
        """Let a volume that Cinder has begun with, and nobody works at, count as failed."""
        volume = self._listing.known().get(id)
        if volume and volume.status in (*BEGUN, *LEAVING):
            with asking(self._site, "Cinder", f"give up volume {id}, which is {volume.status}"):
                self._service.block_storage.reset_volume_status(id, "error")

    def _let_go(self, key: str, volumes: Sequence[Any]) -> Outcome:
        """Ask Cinder to let go of them all; the outcome is of the first."""
        try:
            for volume in volumes:
                self._ask_to_let_go(volume)
        except errors.CloudRefused:
            raise
        except errors.CloudError as error:
            return _fault(key, error)
        return Outcome(key, volumes[0].id if volumes else None)

    def _ask_to_let_go(self, volume: Any) -> None:
        # Cinder is at it: an engine that died has asked it to, or Nova, with the volume's server.
        if volume.status in LEAVING and volume.id not in self._kept:
            return
        self._give_up(volume.id)
        with asking(self._site, "Cinder", f"unmanage volume {volume.name} ({volume.id})"):
            if volume.size == 0:
                # Managing it failed, as the size comes last. The driver may not know its name
                # on the array then, and cannot unmanage it.
                self._connection.block_storage.delete_volume(volume)
            else:
                self._connection.block_storage.unmanage_volume(volume)

    def _gone(
        self, asked: Sequence[Outcome], state: Callable[[Any], str | None], what: str
    ) -> list[Outcome]:
        ids = [outcome.id for outcome in asked if outcome.id and not outcome.fault]
        # Cinder does not list what is gone among what has changed.
        faults = self._wait(dict.fromkeys(ids, state), what, whole=True)
        return [
            Outcome(outcome.key, None, fault) if (fault := faults.get(str(outcome.id))) else outcome
            for outcome in asked
        ]

    def _leaving(self, volume: Any) -> str | None:
        if volume is None:
            return ""
        if volume.status in FAILED:
            return (
                f"Cinder of {self._site} could not unmanage volume {volume.name} ({volume.id});"
                " the log of cinder-volume has the reason"
            )
        return None

    def _begin_to_remove(self, key: str, volumes: Sequence[Any]) -> Outcome:
        """Ask Cinder to delete them all; the outcome is of the first."""
        for volume in volumes:
            try:
                if volume.status != "deleting":
                    self._give_up(volume.id)
                    with asking(self._site, "Cinder", f"delete volume {volume.name} ({volume.id})"):
                        self._connection.block_storage.delete_volume(volume)
            except errors.CloudError as error:
                fault = f"{error.text.rstrip('.')}. {_detaching(volume)}"
                return Outcome(key, None, fault, passing=isinstance(error, errors.PASSING))
        return Outcome(key, volumes[0].id if volumes else None)

    def _going(self, volume: Any) -> str | None:
        if volume is None:
            return ""
        if volume.status in FAILED:
            return (
                f"Cinder of {self._site} could not delete volume {volume.name} ({volume.id});"
                " the log of cinder-volume has the reason"
            )
        return None

    def _wait(
        self,
        awaited: Mapping[str, Callable[[Any], str | None]],
        what: str,
        *,
        whole: bool = False,
    ) -> dict[str, str]:
        """Return what is wrong with each; "" when all is well."""
        return self._faults(self._listing.wait_for_each(awaited, self._timeout, whole=whole), what)

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


def _by_key(volumes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return key -> its volumes, the one that counts first."""
    by_key: dict[str, list[Any]] = {}
    for volume in sorted(
        volumes.values(),
        key=lambda volume: (volume.status in (*FAILED, *LEAVING), volume.created_at, volume.id),
    ):
        said = volume.description or ""
        if said.startswith(MARK):
            by_key.setdefault(said.removeprefix(MARK), []).append(volume)
    return by_key


def _is_at_rest(volume: Any) -> bool | None:
    return True if volume is None or volume.status not in BEGUN else None


def _are_going_on(asked: Sequence[concurrent.futures.Future[Outcome]]) -> bool:
    """Whether some are still to be asked for; raises what asking for one raised."""
    done = [one.result() for one in asked if one.done()]
    return len(done) < len(asked)


def _detaching(volume: Any) -> str:
    """Say how a volume that cannot be deleted is made free."""
    holders = [one["server_id"] for one in volume.attachments or () if one.get("server_id")]
    if holders:
        return f"Detach it: openstack server remove volume {holders[0]} {volume.id}"
    return f"See what holds it: openstack volume show {volume.id}"


def _fault(key: str, error: errors.ProtectorError) -> Outcome:
    return Outcome(key, None, error.text, passing=isinstance(error, errors.PASSING))
