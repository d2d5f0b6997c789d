# SPDX-License-Identifier: Apache-2.0
"""Volumes of the array managed into Cinder, by key.

The driver replaces the metadata of what it manages by its own, so that is given back to the volume
afterwards.
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
from protector.cloud.letting_go import LettingGo
from protector.cloud.volume_list import BEGUN, FAILED, LEAVING, MARK, State, VolumeList, by_key
from protector.cloud.waiting import Limits

MANAGE = "3.16"


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
        self._executor = executor
        self._width = limits.parallel_requests
        self._list = VolumeList(site, connection, limits, project_id=project_id)
        self._letting_go = LettingGo(site, connection, service, executor, self._list)

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
        return self._letting_go.unmanage(keys)

    def remove(self, volumes: Mapping[str, str | None]) -> list[Outcome]:
        """Delete them; see :meth:`protector.cloud.base.TenantCloud.remove_volumes`."""
        return self._letting_go.remove(volumes)

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
        awaited: dict[str, State] = {}
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
            for faults in self._list.as_they_come(
                awaited, "managed", more=lambda: _are_going_on(asked)
            ):
                some = self._settled(list(self._executor.map(end, faults.items())))
                ended |= {outcome.key: outcome for outcome in some}
                if done := [outcome for outcome in some if outcome.id]:
                    managed(done)
        finally:
            threads.shutdown(cancel_futures=True)
        outcomes = [ended.get(one.result().key, one.result()) for one in asked]
        self._clear([outcome.key for outcome in outcomes if outcome.fault], reclaim)
        return outcomes

    def _clear(self, keys: Sequence[str], reclaim: Callable[[str], None]) -> dict[str, Any]:
        """Take from Cinder what it could not manage under these keys; return the rest, by key.

        It may have renamed the array's volume before it failed, and would destroy it or rename it
        once more: so it must not find it under that name.
        """
        there = by_key(self._list.fresh()) if keys else {}
        failed = [key for key in keys if key in there and self._list.is_lost(there[key][0])]
        reclaimed = []
        for key in failed:
            with contextlib.suppress(errors.StorageError):  # it stays; managing it anew says why
                reclaim(key)
                reclaimed.append(key)
        self.unmanage(reclaimed)
        return {key: volumes[0] for key, volumes in there.items() if key not in failed}

    def _settled(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the volumes that are the ones under their keys; take any others from Cinder."""
        there = by_key(self._list.known())
        return [
            self._only(outcome, there.get(outcome.key, [])) if outcome.id else outcome
            for outcome in outcomes
        ]

    def _only(self, outcome: Outcome, volumes: Sequence[Any]) -> Outcome:
        if len(volumes) < 2:
            return outcome
        chosen, *others = volumes
        left = self._letting_go.unmanage_these(outcome.key, others)
        if left.fault:
            return left
        return dataclasses.replace(outcome, id=chosen.id)

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
            self._letting_go.give_up(id)
            return Outcome(request.key, None, fault)
        try:
            with asking(self._site, "Cinder", f"set the metadata of volume {id}"):
                if request.metadata:
                    self._connection.block_storage.set_volume_metadata(id, **dict(request.metadata))
        except errors.CloudError as error:
            return _fault(request.key, error)
        return Outcome(request.key, id)

    def _state(self, request: VolumeRequest, volume: Any) -> str | None:
        if volume is None:
            return f"Cinder of {self._site} has lost the volume made of {request.array_volume}"
        if volume.status in FAILED:
            return (
                f"Cinder of {self._site} could not manage volume {request.array_volume} of the"
                f" array; the log of cinder-volume has the reason, at volume {volume.id}"
            )
        # Any other has been managed, also what a server is about to get, or could not be given.
        return None if volume.status in (*BEGUN, *LEAVING) else ""


def _are_going_on(asked: Sequence[concurrent.futures.Future[Outcome]]) -> bool:
    """Whether some are still to be asked for; raises what asking for one raised."""
    done = [one.result() for one in asked if one.done()]
    return len(done) < len(asked)


def _fault(key: str, error: errors.ProtectorError) -> Outcome:
    return Outcome(key, None, error.text, passing=isinstance(error, errors.PASSING))
