# SPDX-License-Identifier: Apache-2.0
"""Test failovers: the group's VMs beside the real ones, under other names, and on networks that
lead nowhere; and the removal of all that."""

import dataclasses
import datetime
import functools
from typing import Any

from sqlalchemy.orm import Session

from protector.cloud.base import Inventory, NetworkRequest, PortRequest, ServerRequest, TenantCloud
from protector.db import operations, pairs, rehearsals
from protector.db.models import Rehearsal as Row
from protector.db.models import VolumePair, now
from protector.domain import mapping, recovery
from protector.domain.document import Nic
from protector.domain.operation import CleanupArguments, RehearsalArguments
from protector.engine import planning
from protector.engine.planning import Target
from protector.engine.recovery import Recovery
from protector.engine.work import Work


@dataclasses.dataclass
class Rehearsal(Recovery):
    """A test failover. Whatever it makes bears the label of this one operation."""

    arguments: RehearsalArguments

    @property
    def label(self) -> str:
        return recovery.test_label(self.claim.operation_id)

    def target(self, inventory: Inventory) -> Target:
        """What is kept with the group of networks is for a disaster: a test must not go there."""
        target = super().target(inventory)
        networks = {**self.arguments.networks}
        return dataclasses.replace(
            target,
            mappings=target.mappings.model_copy(update={"networks": networks}),
            isolates=True,
            prefix=self.arguments.prefix,
            reserved=frozenset(self.document.mappings.networks.values()),
        )

    def named(self, name: str) -> str:
        return planning.named(name, self.arguments.prefix)

    def placed(self, request: ServerRequest) -> ServerRequest:
        made = self.networks()
        return dataclasses.replace(request, ports=[_placed(port, made) for port in request.ports])

    # -- networks -----------------------------------------------------------------------------

    def network_requests(self) -> dict[str, NetworkRequest]:
        """Return id of the source's network -> the isolated one that is to stand for it."""
        found: dict[str, NetworkRequest] = {}
        taken: dict[str, dict[str, list[str]]] = {}
        for nic in self._isolated():
            subnets = taken.setdefault(nic.network_id, {})
            for address in nic.fixed_addresses:
                subnets.setdefault(address.cidr, []).append(address.ip_address)
            found[nic.network_id] = NetworkRequest(
                self.key(nic.network_id), self.named(nic.network_name), subnets
            )
        return found

    def networks(self) -> dict[str, Any]:
        """Return id of the source's network -> ``{"id", "subnets": {CIDR: id}}`` made for it."""
        with self.sessions.begin() as session:
            row = rehearsals.find(session, self.claim.operation_id)
            return dict(row.networks) if row else {}

    def _isolated(self) -> list[Nic]:
        given = self.arguments.networks
        return [
            nic
            for member in self.members
            for nic in member.nics
            if mapping.target_for(given, id=nic.network_id, name=nic.network_name) is None
        ]

    # -- its record ---------------------------------------------------------------------------

    def begin(self, session: Session) -> None:
        """Write the test down, with all that the keys of what it makes are made of."""
        hours = self.arguments.hours
        if hours is None:
            hours = self.equipment.conf.engine.test_hours
        began = operations.get(session, self.claim.operation_id).created_at
        rehearsals.begin(
            session,
            self.claim.operation_id,
            group_id=self.group_id,
            label=self.label,
            epoch=self.document.epoch,
            version=self.document.version,
            checksum=self.arguments.document,
            server_ids=[member.server_id for member in self.members],
            volume_ids=[volume.id for member in self.members for volume in member.volumes],
            network_ids=list(self.network_requests()),
            started_at=began,
            expires_at=now() + datetime.timedelta(hours=hours),
        )


@dataclasses.dataclass
class Cleanup(Work):
    """The removal of what a test has made, by its keys alone, as the service user.

    So it needs nobody's trust, also when the engine begins it by itself.
    """

    arguments: CleanupArguments

    @functools.cached_property
    def tenant(self) -> TenantCloud:
        return self.equipment.cloud.of_project(self.document.projects[self.site])

    @functools.cached_property
    def rehearsal(self) -> Row:
        with self.sessions.begin() as session:
            row = rehearsals.find(session, self.arguments.rehearsal)
        if row is None:
            raise LookupError(f"no test of operation {self.arguments.rehearsal} is on record")
        return row

    def key(self, source_id: str) -> str:
        return recovery.key(source_id, self.rehearsal.label)

    def made_volumes(self) -> dict[str, VolumePair]:
        with self.sessions.begin() as session:
            return pairs.volumes(session, self.group_id, self.rehearsal.label)


def _placed(port: PortRequest, made: dict[str, Any]) -> PortRequest:
    if not planning.is_isolated(port.network_id):
        return port
    network = made[port.network_id.removeprefix(planning.ISOLATED)]
    return dataclasses.replace(
        port,
        network_id=network["id"],
        fixed_addresses=[
            (network["subnets"][subnet.removeprefix(planning.ISOLATED)], address)
            for subnet, address in port.fixed_addresses
        ],
    )
