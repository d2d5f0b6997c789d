# SPDX-License-Identifier: Apache-2.0
"""Whether the project's quotas have room for the VMs, the more important ones first."""

from collections import Counter
from collections.abc import Sequence

from protector.cloud.base import Quota
from protector.domain.document import Member
from protector.domain.readiness import Finding, Severity
from protector.engine.planning import about
from protector.engine.preflight.looking import Destination, Seen

# Units of those that are not counted in pieces.
UNITS = {"ram": " MiB", "gigabytes": " GiB"}


def findings(seen: Seen, members: Sequence[Member], *, site: str, project_id: str) -> list[Finding]:
    """Return an error for each quota that a VM no longer fits in.

    A VM that does not fit leaves its room to those after it.

    :param members: those that can be started, the most important one first.
    """
    limited = seen.quotas.limited
    left = {name: quota.left for name, quota in limited.items()}
    needs = {member.server_id: _needs(member, seen) for member in members}
    wanted = sum(needs.values(), Counter())
    found = []
    for member in members:
        needed = needs[member.server_id]
        short = [name for name, amount in needed.items() if amount > left.get(name, amount)]
        if not short:
            left = {name: amount - needed[name] for name, amount in left.items()}
        for name in short:
            what = (
                f"quota {name} of the project on {site} has {left[name]}{_unit(name)} left, and"
                f" {needed[name]}{_unit(name)} are needed"
            )
            remedy = _raise(name, limited[name], wanted[name], project_id)
            found.append(about(member, Severity.ERROR, what, remedy))
    return found


def _needs(member: Member, seen: Seen) -> Counter[str]:
    """Return what the VM still takes of each quota; what an earlier attempt made is there."""
    disks = [volume for volume in member.volumes if volume.id in seen.unmanaged]
    of_volumes = {"volumes": len(disks), "gigabytes": sum(disk.size_gb for disk in disks)}
    if isinstance(seen.destination, Destination):
        type = seen.destination.volume_type.name
        of_volumes |= {f"{name}_{type}": amount for name, amount in of_volumes.items()}
    return Counter(of_volumes) + _of_the_server(member, seen)


def _of_the_server(member: Member, seen: Seen) -> Counter[str]:
    prospect = seen.prospects[member.server_id]
    if prospect.flavor is None:
        return Counter()
    listed = seen.ports if isinstance(seen.ports, Sequence) else []
    made = [port for port in listed if port.made_for == prospect.draft.key]
    needed = Counter(ports=max(0, len(member.nics) - len(made)))
    if not any(port.attached for port in made):
        flavor = prospect.flavor
        needed += Counter(instances=1, cores=flavor.vcpus, ram=flavor.ram_mb)
    return needed


def _raise(name: str, quota: Quota, wanted: int, project_id: str) -> str:
    option, _, type = name.partition("_")
    of_type = f" --volume-type {type}" if type else ""
    enough: int = quota.used + wanted
    return (
        "An administrator gives the project more: openstack quota set"
        f" --{option} {enough}{of_type} {project_id}"
    )


def _unit(name: str) -> str:
    return UNITS.get(name.partition("_")[0], "")
