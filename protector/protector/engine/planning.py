# SPDX-License-Identifier: Apache-2.0
"""From a member of the document and what there is on this site to a server that can be made.

Pure functions. Whatever stands in the way is found at once and said in one sentence each, with
the VM, the thing that is missing and the command that helps.
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
)
from protector.domain import mapping, recovery
from protector.domain.document import FixedAddress, Mappings, Member, Nic, Volume

Item = TypeVar("Item", Named, Network)


@dataclasses.dataclass(frozen=True)
class Target:
    """Where servers are to be made, and by which mappings."""

    site: str
    inventory: Inventory
    mappings: Mappings
    epoch: int


@dataclasses.dataclass(frozen=True)
class Prospect:
    """What can be made of a member: ``request`` (volumes and user data to come), or ``faults``.

    ``notes``: what it has to do without.
    """

    request: ServerRequest | None
    faults: Sequence[str]
    notes: Sequence[str]


def plan(member: Member, target: Target) -> Prospect:
    """Return the request for the member, or all that is wrong with it."""
    draft = _Draft(member, target)
    request = draft.request()
    return Prospect(None if draft.faults else request, draft.faults, draft.notes)


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
    """A request in the making, and the sentences that come up on the way."""

    def __init__(self, member: Member, target: Target) -> None:
        self.faults: list[str] = []
        self.notes: list[str] = []
        self._member = member
        self._target = target
        self._here = target.inventory
        self._site = target.site

    def request(self) -> ServerRequest:
        member = self._member
        key = recovery.key(member.server_id, self._target.epoch)
        ports = [self._port(f"{key}-{index}", nic) for index, nic in enumerate(member.nics)]
        return ServerRequest(
            key=key,
            name=member.name,
            description=member.description,
            flavor_id=self._flavor(),
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

    def _flavor(self) -> str:
        flavor = self._member.flavor
        remedy = (
            f"Give one: --flavor-mapping {flavor.id}=<flavor of {self._site}>;"
            " see: openstack flavor list"
        )
        wanted = mapping.target_for(self._target.mappings.flavors, id=flavor.id, name=flavor.name)
        if wanted is not None:
            described = f"flavor {wanted}, to which {flavor.name} is mapped,"
            return self._id(self._sole(self._here.flavors, wanted, described, remedy))
        if flavor.id not in {same.id for same in self._here.flavors}:
            self._fault(
                f"flavor {flavor.name} ({flavor.id}) is not mapped to a flavor of {self._site},"
                f" which has none with its id. {remedy}"
            )
        return flavor.id

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
            return self._sole(self._here.networks, wanted, described, remedy)
        self._fault(
            f"network {nic.network_name} ({nic.network_id}) is not mapped to a network of"
            f" {self._site}. {remedy}"
        )
        return None

    def _port(self, key: str, nic: Nic) -> PortRequest:
        network = self._network(nic)
        return PortRequest(
            key=key,
            name=nic.name,
            network_id=self._id(network),
            mac_address=nic.mac_address,
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
                self.notes.append(
                    f"address {address.ip_address} lies in no subnet of network {network.name};"
                    " it gets another one"
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
        self.notes.append(
            f"keypair {name} does not exist on {self._site}; the VM keeps the keys on its disk"
        )
        return None

    def _zone(self) -> str | None:
        name = self._member.availability_zone
        if name is None or name in self._here.availability_zones:
            return name
        self.notes.append(
            f"availability zone {name} does not exist on {self._site}; Nova chooses one"
        )
        return None

    def _server_group(self) -> str | None:
        group = self._member.server_group
        if group is None:
            return None
        found = _matching(self._here.server_groups, group.name)
        if len(found) == 1:
            return found[0].id
        self.notes.append(
            f"{self._site} has {'several' if found else 'no'} server groups {group.name}"
            f" ({group.policy}); the VM is placed without one"
        )
        return None

    # -- finding ------------------------------------------------------------------------------

    def _sole(self, among: Sequence[Item], wanted: str, described: str, remedy: str) -> Item | None:
        found = _matching(among, wanted)
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(sorted(item.id for item in found))
            self._fault(f"{described} exists {len(found)} times on {self._site}: {ids}. {remedy}")
        else:
            self._fault(f"{described} does not exist on {self._site}. {remedy}")
        return None

    def _fault(self, sentence: str) -> None:
        self.faults.append(f"VM {self._member.name}: {sentence}")

    @staticmethod
    def _id(item: Named | Network | None) -> str:
        return item.id if item else ""


def _matching(among: Sequence[Item], wanted: str) -> list[Item]:
    by_id = [item for item in among if item.id == wanted]
    return by_id or [item for item in among if item.name == wanted]
