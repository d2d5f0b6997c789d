# SPDX-License-Identifier: Apache-2.0
"""What a failover would do, and how long it would take."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

from protector.cloud.base import Inventory, PortRequest
from protector.domain import recovery
from protector.domain.document import Member
from protector.domain.readiness import Estimate, Plan, PlannedPort, PlannedSnapshot, PlannedVm
from protector.engine import points
from protector.engine.planning import Prospect
from protector.engine.preflight.assessment import Assessment, in_use
from protector.engine.preflight.looking import Seen
from protector.storage.base import Point

# Seconds that steps take where none was taken yet, by what they do.
ASSUMED = {
    "promote_volumes_from_snapshot": 5.0,
    "manage_volumes_into_cinder": 15.0,
    recovery.RECREATE: 30.0,
}
ASSUMED_OF_OTHERS = 2.0


def plan(
    outline: Mapping[str, Sequence[str]], seen: Seen, assessment: Assessment, estimate: Estimate
) -> Plan:
    """:param outline: phase -> steps, as the failover's own flow has them."""
    faults = assessment.faults
    return Plan(
        phases=list(outline.items()),
        vms=[
            _vm(member, seen.prospects[member.server_id], seen)
            for member in seen.missing
            if member.server_id in seen.prospects and member.server_id not in faults
        ],
        snapshot=_snapshot(seen.point) if isinstance(seen.point, Point) else None,
        estimate=estimate,
    )


def estimate(
    outline: Mapping[str, Sequence[str]],
    taken: Sequence[tuple[str, float]],
    *,
    tiers: Sequence[int],
    at_once: int,
    site: str,
) -> Estimate:
    """Add up what each step takes; the VMs of a tier are made side by side, so many at once.

    :param tiers: how many VMs each tier has.
    :param taken: name and seconds of steps that were completed on this site.
    """
    known: dict[str, list[float]] = {}
    for name, seconds in taken:
        known.setdefault(recovery.kind_of(name), []).append(seconds)
    usual = {kind: statistics.median(seconds) for kind, seconds in known.items()}
    kinds = {recovery.kind_of(step) for steps in outline.values() for step in steps}
    rounds = sum(math.ceil(vms / at_once) for vms in tiers)
    times = {kind: 1 for kind in kinds} | {recovery.RECREATE: rounds}
    total = sum(usual.get(kind, _assumed(kind)) * count for kind, count in times.items())
    return Estimate(math.ceil(total), _basis(usual, len(known.get(recovery.RECREATE, [])), site))


# -- inside ---------------------------------------------------------------------------------------


def _assumed(kind: str) -> float:
    return ASSUMED.get(kind, ASSUMED_OF_OTHERS)


def _basis(usual: Mapping[str, float], vms: int, site: str) -> str:
    if recovery.RECREATE in usual:
        return (
            f"the median of each step in completed operations of {site};"
            f" {usual[recovery.RECREATE]:.0f} seconds for a VM, by {vms} that came up"
        )
    assumed = ASSUMED[recovery.RECREATE]
    return f"assumed, {assumed:.0f} seconds for a VM: none has come up on {site} yet"


def _snapshot(point: Point) -> PlannedSnapshot:
    return PlannedSnapshot(point.name, f"{point.created:%FT%TZ}", points.rpo_seconds(point))


def _vm(member: Member, prospect: Prospect, seen: Seen) -> PlannedVm:
    flavor, draft = prospect.flavor, prospect.draft
    return PlannedVm(
        name=member.name,
        server_id=member.server_id,
        flavor=flavor.name if flavor else "",
        ports=list(_ports(draft.ports, draft.key, seen)),
        volumes=[volume.name for volume in member.volumes],
    )


def _ports(requests: Sequence[PortRequest], key: str, seen: Seen) -> Iterator[PlannedPort]:
    holders = in_use(seen)
    names = (
        {network.id: network.name for network in seen.inventory.networks}
        if isinstance(seen.inventory, Inventory)
        else {}
    )
    for request in requests:
        network = request.network_id

        def is_free(address: str, network: str = network) -> bool:
            holder = holders.get((network, address))
            return holder is None or holder.made_for == key

        mac = request.mac_address
        yield PlannedPort(
            network=names.get(network, "an isolated one, made for it"),
            addresses=[address for _, address in request.fixed_addresses if is_free(address)],
            mac_address=mac if mac and is_free(mac) else None,
        )
