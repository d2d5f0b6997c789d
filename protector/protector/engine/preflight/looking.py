# SPDX-License-Identifier: Apache-2.0
"""All that a recovery depends on, read side by side; nothing is changed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from protector import errors
from protector.cloud.base import Inventory, Quotas, TenantCloud, UsedPort, VolumeType
from protector.db import documents, groups
from protector.domain import sync
from protector.domain.document import Document, Member
from protector.engine import mirrors, planning, points, volume_types
from protector.engine.planning import Prospect
from protector.engine.recovery import Recovery
from protector.storage.base import Mirror, Point
from protector.sync.peer import Standing

T = TypeVar("T")

# What was asked for, or the error that came instead.
Told: TypeAlias = T | errors.ProtectorError


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where volumes are brought under Cinder; ``manageable``: by the tenant, or why not."""

    volume_type: VolumeType
    pool: str
    manageable: errors.CloudError | None


@dataclasses.dataclass(frozen=True)
class Seen:
    """``missing``: the members that do not run here, in document order; ``unmade``: ids of their
    volumes that are not on the array yet, ``unmanaged``: that are not Cinder's yet. ``prospects``:
    by server id. ``then``: the members as of ``point``. ``too_young``: those that an older point
    does not know. ``begun``: the version that the peer began and did not finish. ``source``: how
    the group stands at the peer, when that is to hand it over. ``mirror``: of a mirrored group.
    """

    services: Mapping[str, str | None]
    array: errors.StorageError | None
    inventory: Told[Inventory]
    destination: Told[Destination]
    quotas: Quotas
    ports: Told[Sequence[UsedPort]]
    point: Told[Point | None]
    mirror: Told[Mirror | None]
    then: Mapping[str, Member]
    missing: Sequence[Member]
    too_young: Sequence[Member]
    prospects: Mapping[str, Prospect]
    unmade: frozenset[str]
    unmanaged: frozenset[str]
    begun: Document | None
    sync_status: sync.Status
    source: Told[Standing] | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was withheld that may be told when it is asked for again."""
        destination = self.destination
        policy = destination.manageable if isinstance(destination, Destination) else None
        told = (
            self.array,
            self.inventory,
            destination,
            policy,
            self.ports,
            self.point,
            self.mirror,
        )
        return not any(isinstance(one, errors.PASSING) for one in told)


def look(work: Recovery, tenant: TenantCloud) -> Seen:
    """:param tenant: the cloud as the tenant sees it, by a trust or a token."""
    return _Look(work, tenant).seen()


class _Look:
    def __init__(self, work: Recovery, tenant: TenantCloud) -> None:
        self._work = work
        self._tenant = tenant
        self._service = work.equipment.cloud.as_service()
        self._array = work.equipment.array
        self._settle_on_an_older_point()
        self._missing = work.missing()
        self._made = work.volumes()
        self._disks = [volume.id for member in self._missing for volume in member.volumes]
        self._unmade = frozenset(id for id in self._disks if not self._holds(id))

    def seen(self) -> Seen:
        with ThreadPoolExecutor() as threads:

            def ask(question: Callable[[], T]) -> "Future[Told[T]]":
                return threads.submit(_told, question)

            source = ask(self._source) if self._work.is_planned else None
            services = threads.submit(self._service.check)
            array = ask(self._array.check)
            destination = ask(self._destination)
            quotas = threads.submit(self._tenant.quotas)
            point = ask(self._point)
            mirror = ask(self._mirror)
            inventory = _told(self._tenant.inventory)
            prospects = self._prospects(inventory)
            ports = _told(lambda: self._ports(prospects))
        newest = point.result()
        begun, status = self._standing()
        return Seen(
            services=services.result(),
            array=_error(array.result()),
            inventory=inventory,
            destination=destination.result(),
            quotas=quotas.result(),
            ports=ports,
            point=newest,
            mirror=mirror.result(),
            then=self._then(newest),
            missing=self._missing,
            too_young=self._work.too_young,
            prospects=prospects,
            unmade=self._unmade,
            unmanaged=self._unmade | {id for id in self._disks if not self._is_managed(id)},
            begun=begun,
            sync_status=status,
            source=source.result() if source else None,
        )

    # -- the cloud ----------------------------------------------------------------------------

    def _destination(self) -> Destination:
        """What comes of a mirrored group is mirrored later: Cinder does not manage into a pod."""
        work = self._work
        chosen = volume_types.replicated(work.document, self._service, work.site)
        pool = self._service.pool_for(chosen)
        if work.document.is_mirrored:
            chosen = self._service.landing_type(chosen)
        refusal = _told(lambda: self._tenant.must_manage_volumes(chosen.id))
        return Destination(
            chosen, pool, refusal if isinstance(refusal, errors.CloudError) else None
        )

    def _prospects(self, inventory: Told[Inventory]) -> dict[str, Prospect]:
        if isinstance(inventory, errors.ProtectorError):
            return {}
        target = self._work.target(inventory)
        return {member.server_id: planning.plan(member, target) for member in self._missing}

    def _ports(self, prospects: Mapping[str, Prospect]) -> list[UsedPort]:
        networks = {
            port.network_id
            for prospect in prospects.values()
            for port in prospect.draft.ports
            if port.network_id and not planning.is_isolated(port.network_id)
        }
        return self._service.ports(sorted(networks)) if networks else []

    # -- the array ----------------------------------------------------------------------------

    def _holds(self, volume_id: str) -> bool:
        """Tell whether the array has what an earlier attempt made of the volume.

        Somebody may have cleaned up since. What an array that is silent had, it still has.
        """
        pair = self._made.get(volume_id)
        if pair is None:
            return False
        return _told(lambda: self._array.holds(pair.array_volume_id)) is not False

    def _is_managed(self, volume_id: str) -> bool:
        pair = self._made.get(volume_id)
        return pair is not None and pair.volume_id is not None

    def _point(self) -> Point | None:
        """Return the point to recover from; None when all volumes are here already."""
        if not self._unmade:
            return None
        if mirrors.takes_its_point(self._work):
            return mirrors.prospect(self._work)
        return points.choose(self._work)

    def _mirror(self) -> Mirror | None:
        document = self._work.document
        return mirrors.standing(document, self._array) if document.is_mirrored else None

    def _settle_on_an_older_point(self) -> None:
        """Which VMs there are to recover depends on it; that it is not there is told later."""
        work = self._work
        if work.arguments.is_of_an_older_point and work.arguments.as_of is None:
            point = _told(lambda: points.choose(work))
            if isinstance(point, Point):
                with work.sessions.begin() as session:
                    version = points.version_as_of(session, work.group_id, point.created)
                work.keep_to(point.name, version.checksum if version else None)

    # -- the database -------------------------------------------------------------------------

    def _then(self, point: Told[Point | None]) -> dict[str, Member]:
        if not isinstance(point, Point):
            return {}
        with self._work.sessions.begin() as session:
            return points.members_as_of(session, self._work.group_id, point.created)

    def _source(self) -> Standing:
        work = self._work
        peer = work.equipment.peer(work.document.peer_of(work.site))
        return peer.standing(work.group_id, work.arguments.document)

    def _standing(self) -> tuple[Document | None, sync.Status]:
        group_id = self._work.group_id
        with self._work.sessions.begin() as session:
            prepared = documents.prepared(session, group_id)
            status = groups.get(session, group_id).remote_sync_status
            return (prepared.document if prepared else None), status


def _told(question: Callable[[], T]) -> Told[T]:
    try:
        return question()
    except (
        errors.CloudError,
        errors.StorageError,
        errors.Conflict,
        errors.PeerUnreachable,
    ) as error:
        return error


def _error(told: errors.ProtectorError | None) -> errors.StorageError | None:
    return told if isinstance(told, errors.StorageError) else None
