# SPDX-License-Identifier: Apache-2.0
"""From a member of the document and what there is on this site to a server that can be made.

Pure functions. Whatever stands in the way is found at once: the VM, the thing that is missing and
the command that helps.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from protector.cloud.base import (
    BlockDevice,
    Inventory,
    Named,
    Network,
    PortRequest,
    ServerRequest,
    Subnet,
    TargetFlavor,
)
from protector.domain import mapping, recovery
from protector.domain.document import FixedAddress, Flavor, Mappings, Member, Nic, Volume
from protector.domain.readiness import Finding, Severity

Item = TypeVar("Item", bound=Named | Network)


# What the id of a network or subnet begins with that is only to be made, for a test.
ISOLATED = "isolated:"

# Characters of a name in Nova and Cinder.
NAME_LIMIT = 255


@dataclasses.dataclass(frozen=True)
class Target:
    """Where servers are to be made, and by which mappings.

    ``isolates``: a network that is not mapped is one to be made, see :func:`isolated`; on one that
    is mapped, where others may live, no MAC address is asked for. ``prefix``: of names.
    ``reserved``: ids or names of networks that are meant for a disaster alone.
    """

    site: str
    inventory: Inventory
    mappings: Mappings
    label: str
    isolates: bool = False
    prefix: str = ""
    reserved: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Prospect:
    """What can be made of a member: ``request`` (volumes and user data to come), or errors.

    ``draft``: the request as far as it goes, with no id for what does not exist. ``flavor``: what
    it names. The warnings tell what the VM has to do without.
    """

    draft: ServerRequest
    flavor: TargetFlavor | None
    findings: Sequence[Finding]

    @property
    def request(self) -> ServerRequest | None:
        return None if self.faults else self.draft

    @property
    def faults(self) -> list[str]:
        return [finding.text for finding in self.findings if finding.is_error]

    @property
    def notes(self) -> list[str]:
        return [finding.what for finding in self.findings if not finding.is_error]


def plan(member: Member, target: Target) -> Prospect:
    """Return the request for the member, or all that is wrong with it."""
    draft = _Draft(member, target)
    request = draft.request()
    return Prospect(request, draft.flavor, draft.findings)


def isolated(nic: Nic, prefix: str) -> Network:
    """Return what will stand for the port's network in a test, with ids that tell so."""
    cidrs = dict.fromkeys(address.cidr for address in nic.fixed_addresses)
    return Network(
        ISOLATED + nic.network_id,
        named(nic.network_name, prefix),
        [Subnet(ISOLATED + cidr, cidr) for cidr in cidrs],
    )


def is_isolated(network_id: str) -> bool:
    return network_id.startswith(ISOLATED)


def named(name: str, prefix: str) -> str:
    return f"{prefix}{name}"[:NAME_LIMIT]


def about(member: Member, severity: Severity, what: str, remedy: str) -> Finding:
    return Finding(severity, member.name, what, remedy, member.server_id)


def devices(disks: Iterable[Volume], volumes: Mapping[str, str]) -> list[BlockDevice]:
    """Return a server's disks.

    :param volumes: id of a volume of the source -> id of what it is here.
    """
    return [
        BlockDevice(
            volume_id=volumes[volume.id],
            boot_index=volume.boot_index,
            device=volume.device,
            delete_on_termination=volume.delete_on_termination,
        )
        for volume in disks
    ]


class _Draft:
    """A request in the making, and what is found on the way."""

    def __init__(self, member: Member, target: Target) -> None:
        self.findings: list[Finding] = []
        self.flavor: TargetFlavor | None = None
        self._member = member
        self._target = target
        self._here = target.inventory
        self._site = target.site

    def request(self) -> ServerRequest:
        member = self._member
        key = recovery.key(member.server_id, self._target.label)
        ports = [self._port(f"{key}-{index}", nic) for index, nic in enumerate(member.nics)]
        return ServerRequest(
            key=key,
            name=named(member.name, self._target.prefix),
            description=member.description,
            flavor_id=self._flavor_id(),
            ports=ports,
            volumes=[],
            key_name=self._keypair(),
            metadata=member.metadata,
            tags=member.tags,
            availability_zone=self._zone(),
            server_group=self._server_group(),
            # It may hold secrets, and a plan is stored: the step that makes the server adds it.
            user_data=None,
            config_drive=member.config_drive,
        )

    # -- what a server cannot do without: the id, or a fault and an id of no use --------------

    def _flavor_id(self) -> str:
        self.flavor = self._flavor()
        if self.flavor:
            self._compare(self.flavor)
        return self._id(self.flavor)

    def _flavor(self) -> TargetFlavor | None:
        flavor = self._member.flavor
        remedy = (
            f"Give one: --flavor-mapping {flavor.id}=<flavor of {self._site}>;"
            " see: openstack flavor list"
        )
        wanted = mapping.target_for(self._target.mappings.flavors, id=flavor.id, name=flavor.name)
        if wanted is not None:
            described = f"flavor {wanted}, to which {flavor.name} is mapped,"
            return self._sole(self._here.flavors, wanted, described, remedy)
        same = next((one for one in self._here.flavors if one.id == flavor.id), None)
        if same is None:
            self._fault(
                f"flavor {flavor.name} ({flavor.id}) is not mapped to a flavor of {self._site},"
                " which has none with its id",
                remedy,
            )
        return same

    def _compare(self, target: TargetFlavor) -> None:
        """A smaller flavor is the operator's choice. Disks do not matter: VMs boot from volumes."""
        source = self._member.flavor
        if target.vcpus < source.vcpus or target.ram_mb < source.ram_mb:
            self._note(
                f"flavor {target.name} of {self._site} ({_size(target)}) is smaller than"
                f" {source.name} ({_size(source)})",
                f"Give a larger one: --flavor-mapping {source.name}=<flavor of {self._site}>;"
                " see: openstack flavor list",
            )

    def _network(self, nic: Nic) -> Network | None:
        remedy = (
            f"Give one: --network-mapping {nic.network_id}=<network of {self._site}>;"
            " see: openstack network list"
        )
        wanted = mapping.target_for(
            self._target.mappings.networks, id=nic.network_id, name=nic.network_name
        )
        if wanted is not None:
            described = f"network {wanted}, to which {nic.network_name} is mapped,"
            found = self._sole(self._here.networks, wanted, described, remedy)
            if found and not self._target.reserved.isdisjoint({found.id, found.name}):
                self._note(
                    f"network {found.name} is the one to which a failover brings the VM after a"
                    " disaster; in a test it is there, too",
                    "Leave its mapping out to have an isolated one, or give a network of a lab",
                )
            return found
        if self._target.isolates:
            return isolated(nic, self._target.prefix)
        self._fault(
            f"network {nic.network_name} ({nic.network_id}) is not mapped to a network of"
            f" {self._site}",
            remedy,
        )
        return None

    def _port(self, key: str, nic: Nic) -> PortRequest:
        network = self._network(nic)
        keeps_mac = not self._target.isolates or (network and is_isolated(network.id))
        return PortRequest(
            key=key,
            name=nic.name,
            network_id=self._id(network),
            mac_address=nic.mac_address if keeps_mac else None,
            fixed_addresses=self._kept_addresses(nic.fixed_addresses, network) if network else [],
            security_groups=[self._security_group(name) for name in nic.security_groups],
            port_security=nic.port_security,
        )

    def _kept_addresses(
        self, addresses: Iterable[FixedAddress], network: Network
    ) -> list[tuple[str, str]]:
        kept = []
        for address in addresses:
            holding = [subnet.id for subnet in network.subnets if subnet.holds(address)]
            if holding:
                kept.append((holding[0], address.ip_address))
            else:
                self._note(
                    f"address {address.ip_address} lies in no subnet of network {network.name};"
                    " it gets another one",
                    f"Map to a network that can hold it, or add a subnet: openstack subnet create"
                    f" --network {network.name} --subnet-range {address.cidr} <name>",
                )
        return kept

    def _security_group(self, name: str) -> str:
        remedy = f"Create it there: openstack security group create {name}"
        groups = self._here.security_groups
        return self._id(self._sole(groups, name, f"security group {name}", remedy))

    # -- what it can do without, with a note --------------------------------------------------

    def _keypair(self) -> str | None:
        name = self._member.key_name
        if name is None or name in self._here.keypairs:
            return name
        self._note(
            f"keypair {name} does not exist on {self._site}; the VM keeps the keys on its disk",
            f"Create it there: openstack keypair create --public-key <file> {name}",
        )
        return None

    def _zone(self) -> str | None:
        name = self._member.availability_zone
        if name is None or name in self._here.availability_zones:
            return name
        self._note(
            f"availability zone {name} does not exist on {self._site}; Nova chooses one",
            "See: openstack availability zone list --compute",
        )
        return None

    def _server_group(self) -> str | None:
        group = self._member.server_group
        if group is None:
            return None
        found = _matching(self._here.server_groups, group.name)
        if len(found) == 1:
            return found[0].id
        self._note(
            f"{self._site} has {'several' if found else 'no'} server groups {group.name}"
            f" ({group.policy}); the VM is placed without one",
            f"Have one of that name there: openstack server group create --policy {group.policy}"
            f" {group.name}",
        )
        return None

    # -- finding ------------------------------------------------------------------------------

    def _sole(self, among: Sequence[Item], wanted: str, described: str, remedy: str) -> Item | None:
        found = _matching(among, wanted)
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(sorted(item.id for item in found))
            self._fault(f"{described} exists {len(found)} times on {self._site}: {ids}", remedy)
        else:
            self._fault(f"{described} does not exist on {self._site}", remedy)
        return None

    def _fault(self, what: str, remedy: str) -> None:
        self.findings.append(about(self._member, Severity.ERROR, what, remedy))

    def _note(self, what: str, remedy: str) -> None:
        self.findings.append(about(self._member, Severity.WARNING, what, remedy))

    @staticmethod
    def _id(item: Named | Network | None) -> str:
        return item.id if item else ""


def _size(flavor: TargetFlavor | Flavor) -> str:
    return f"{flavor.vcpus} vCPUs, {flavor.ram_mb} MiB"


def _matching(among: Sequence[Item], wanted: str) -> list[Item]:
    by_id = [item for item in among if item.id == wanted]
    return by_id or [item for item in among if item.name == wanted]
