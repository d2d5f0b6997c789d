# SPDX-License-Identifier: Apache-2.0
"""What was read, judged: everything that stands in the way of a failover, at once."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from protector import errors
from protector.cloud.base import PortRequest, UsedPort
from protector.db import documents
from protector.domain import differences, sync
from protector.domain.document import Document, Member
from protector.domain.operation import RecoveryArguments
from protector.domain.readiness import Finding, Severity, said
from protector.engine import mirrors, points
from protector.engine.planning import about
from protector.engine.preflight import room
from protector.engine.preflight.looking import Destination, Seen
from protector.storage.base import Mirror, Point
from protector.sync.peer import Standing

STATUS = "openstack protector protection-group sync-status {group}"


@dataclasses.dataclass(frozen=True)
class Assessment:
    """``unsettled``: the peer began a version and did not finish it, and nobody accepted that."""

    findings: Sequence[Finding]
    unsettled: errors.DocumentUnsettled | None

    @property
    def of_all(self) -> list[Finding]:
        """The errors that keep every VM from coming up."""
        return [one for one in self.findings if one.is_error and one.server_id is None]

    @property
    def faults(self) -> dict[str, list[str]]:
        """Server id -> sentences on why that VM cannot come up."""
        found: dict[str, list[str]] = {}
        for one in self.findings:
            if one.is_error and one.server_id is not None:
                found.setdefault(one.server_id, []).append(one.text)
        return found

    @property
    def warnings(self) -> list[Finding]:
        return [one for one in self.findings if not one.is_error]


def assess(
    document: Document, arguments: RecoveryArguments, seen: Seen, *, site: str, array: str
) -> Assessment:
    """Return all that there is to say, errors first."""
    judge = _Judge(document, arguments, seen, site, array)
    found = sorted(judge.findings(), key=lambda one: not one.is_error)
    refused = judge.unsettled and not arguments.accept_stale_metadata
    return Assessment(found, judge.unsettled if refused else None)


def by_need(members: Sequence[Member]) -> list[Member]:
    """Return the members in the order in which they get what there is not enough of."""
    return sorted(members, key=lambda one: (one.criticality != "critical", one.boot_priority))


class _Judge:
    def __init__(
        self,
        document: Document,
        arguments: RecoveryArguments,
        seen: Seen,
        site: str,
        array: str,
    ) -> None:
        self._document = document
        self._accepted = arguments.accept_stale_metadata
        self._older = arguments.is_of_an_older_point
        self._seen = seen
        self._site = site
        self._array = array
        self.unsettled = unsettled(site, document, seen.begun) if seen.begun else None

    def findings(self) -> Iterator[Finding]:
        yield from self._of_the_group()
        yield from self._of_the_source()
        yield from self._of_the_site()
        yield from self._of_the_snapshot()
        if isinstance(self._seen.mirror, Mirror):
            yield from mirrors.findings(self._document, self._seen.mirror, self._array)
        of_vms = [*self._of_plans(), *self._of_volumes()]
        yield from of_vms
        yield from self._of_room({one.server_id for one in of_vms if one.is_error})
        yield from self._of_addresses()
        yield from self._of_drift()

    # -- the group ----------------------------------------------------------------------------

    def _of_the_group(self) -> Iterator[Finding]:
        name, status = self._document.name, self._seen.sync_status
        if not self._document.members:
            yield Finding(Severity.ERROR, name, f"Protection group {name} has no VMs.", "")
        if self.unsettled:
            severity = Severity.WARNING if self._accepted else Severity.ERROR
            yield said(severity, name, self.unsettled.text)
        elif status is not sync.Status.SYNCED:
            peer = self._document.peer_of(self._site)
            yield Finding(
                Severity.WARNING if self._seen.source is None else Severity.ERROR,
                name,
                f"It is not certain that {peer} has no newer version of the recovery document than"
                f" version {self._document.version}, which is recovered ({status})",
                f"See: {STATUS.format(group=name)}",
            )

    def _of_the_source(self) -> Iterator[Finding]:
        """Of a planned failover: the other site has to be there, and at nothing else."""
        source, document = self._seen.source, self._document
        name, peer = document.name, document.peer_of(self._site)
        if source is None:
            return
        if not isinstance(source, Standing):
            yield said(Severity.ERROR, name, source.text)
        elif source.head is None or source.yours != documents.CURRENT:
            yield Finding(
                Severity.ERROR,
                name,
                f"{peer} has another version of the recovery document than version"
                f" {document.version}, which {self._site} has",
                f"See: {STATUS.format(group=name)}",
            )
        elif source.head.status != document.status:
            yield Finding(
                Severity.ERROR,
                name,
                f"Protection group {name} is {source.head.status} on {peer}, and is handed over"
                f" only when it is {document.status} there",
                f"See there: export OS_CLOUD={peer}; openstack protector protection-group show"
                f" {name}",
            )

    # -- the site -----------------------------------------------------------------------------

    def _of_the_site(self) -> Iterator[Finding]:
        seen, site = self._seen, self._site
        for service, why in seen.services.items():
            if why:
                remedy = f"Check it: openstack protector site validate {site}"
                what = f"{service.capitalize()} of {site}: {why}"
                yield Finding(Severity.ERROR, site, what, remedy)
        if seen.array:
            yield said(Severity.ERROR, self._array, seen.array.text)
        yield from self._unless_explained(seen.inventory, Severity.ERROR)
        yield from self._unless_explained(seen.destination, Severity.ERROR)
        yield from self._unless_explained(seen.ports, Severity.WARNING)
        if isinstance(seen.destination, Destination) and seen.unmanaged:
            yield from self._of_managing(seen.destination)
        for service, why in seen.quotas.unread.items():
            if not seen.services.get(service.lower()):
                yield Finding(
                    Severity.WARNING,
                    site,
                    f"{service} of {site} does not tell the project's quotas ({why}), so it is not"
                    " known whether there is room for the VMs",
                    "See, as an administrator: openstack quota show"
                    f" {self._document.projects[site]}",
                )

    def _of_managing(self, destination: Destination) -> Iterator[Finding]:
        refusal = destination.manageable
        if isinstance(refusal, errors.CloudRefused):
            told = errors.volume_manage_refused(refusal) or refusal
            yield said(Severity.ERROR, self._site, told.text)
        else:
            yield from self._unless_explained(refusal, Severity.WARNING)

    def _unless_explained(self, told: object, severity: Severity) -> Iterator[Finding]:
        """Tell an error, unless its service is known not to answer at all."""
        if isinstance(told, errors.ProtectorError):
            service = str(told.kwargs.get("service", "")).lower()
            if not self._seen.services.get(service):
                yield said(severity, self._site, told.text)

    # -- the data -----------------------------------------------------------------------------

    def _of_the_snapshot(self) -> Iterator[Finding]:
        point, document = self._seen.point, self._document
        if isinstance(point, errors.ProtectorError):
            if self._seen.array is None and document.members:
                yield said(Severity.ERROR, document.name, point.text)
            return
        limit = document.policy.rpo_minutes * 60
        age = points.rpo_seconds(point) if point else 0
        if point and self._older:
            yield Finding(
                Severity.WARNING,
                document.name,
                f"Snapshot {point.name} was asked for, of {point.created:%FT%TZ}: what was written"
                f" in the {age} seconds since then is not in it",
                "See what else there is: openstack protector protection-group snapshot list"
                f" {document.name}",
            )
        elif age > limit:
            much = "more than twice " if age > 2 * limit else "more than "
            yield Finding(
                Severity.WARNING,
                document.name,
                f"The newest complete snapshot on array {self._array} is {age} seconds old:"
                f" {much}the RPO of {document.policy.rpo_minutes} minutes",
                "See whether replication still goes on: openstack protector consistency-group show"
                f" {document.name}",
            )

    def _of_volumes(self) -> Iterator[Finding]:
        seen = self._seen
        if not isinstance(seen.point, Point) or seen.source is not None:
            return  # a planned failover waits for another point, which has them all
        unmade = [
            (member, volume)
            for member in seen.missing
            for volume in member.volumes
            if volume.id in seen.unmade
        ]
        for disk in points.lacking(unmade, seen.point):
            if points.is_younger(disk, seen.then):
                member, volume = disk
                what = (
                    f"volume {volume.name} ({volume.id}) was attached after the snapshot was taken,"
                    " so the VM comes up without it"
                )
                interval = self._document.policy.replication_interval
                remedy = f"The next snapshot holds it; one is taken every {interval} seconds"
                yield about(member, Severity.WARNING, what, remedy)
            else:
                yield points.lost(disk, self._document, self._array)

    # -- the VMs ------------------------------------------------------------------------------

    def _of_plans(self) -> Iterator[Finding]:
        for member in self._seen.too_young:
            what = "the VM joined the group after the snapshot was taken, and is left out"
            yield about(member, Severity.WARNING, what, "Ask for a later snapshot to have it")
        for prospect in self._seen.prospects.values():
            yield from prospect.findings

    def _of_room(self, at_fault: set[str | None]) -> list[Finding]:
        startable = [
            member
            for member in by_need(self._seen.missing)
            if member.server_id not in at_fault and member.server_id in self._seen.prospects
        ]
        project_id = self._document.projects[self._site]
        return room.findings(self._seen, startable, site=self._site, project_id=project_id)

    def _of_addresses(self) -> Iterator[Finding]:
        holders = in_use(self._seen)
        for member in self._seen.missing:
            if member.server_id in self._seen.prospects:
                draft = self._seen.prospects[member.server_id].draft
                for network_id, address in _wanted(draft.ports):
                    holder = holders.get((network_id, address))
                    if holder and holder.made_for != draft.key:
                        yield _taken(member, address, holder)

    def _of_drift(self) -> Iterator[Finding]:
        missing = {member.server_id for member in self._seen.missing}
        for one in self._document.drift:
            if one.server_id in missing:
                what, remedy = one.what.rstrip("."), one.remedy.rstrip(".")
                yield Finding(Severity.WARNING, one.server, what, remedy, one.server_id)


def in_use(seen: Seen) -> Mapping[tuple[str, str], UsedPort]:
    """Return (network, MAC or fixed address) -> the port that has it."""
    if isinstance(seen.ports, errors.ProtectorError):
        return {}
    return {
        (port.network_id, address): port
        for port in seen.ports
        for address in (port.mac_address, *port.addresses)
    }


def unsettled(site: str, ours: Document, theirs: Document) -> errors.DocumentUnsettled:
    return errors.DocumentUnsettled(
        group=ours.name,
        site=site,
        version=ours.version,
        epoch=ours.epoch,
        peer_site=theirs.site,
        peer_version=theirs.version,
        peer_epoch=theirs.epoch,
        peer_modified_at=f"{theirs.modified_at:%FT%TZ}",
        differences="; ".join(differences.told(ours, theirs)) or "nothing else",
    )


def _wanted(ports: Iterable[PortRequest]) -> Iterator[tuple[str, str]]:
    """Give each network with each MAC and fixed address that is wanted on it."""
    for port in ports:
        if port.mac_address:
            yield port.network_id, port.mac_address
        for _, address in port.fixed_addresses:
            yield port.network_id, address


def _taken(member: Member, address: str, holder: UsedPort) -> Finding:
    kind = "MAC address" if address == holder.mac_address else "address"
    return about(
        member,
        Severity.WARNING,
        f"{kind} {address} is in use by port {holder.id} of that network; it gets another one",
        f"To keep it, free it: openstack port show {holder.id}",
    )
