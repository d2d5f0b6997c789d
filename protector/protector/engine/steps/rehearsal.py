# SPDX-License-Identifier: Apache-2.0
"""Steps that a test failover has and a failover has not."""

import datetime

from protector import errors
from protector.db import claims, operations, rehearsals
from protector.db.models import now
from protector.domain.document import Member
from protector.domain.operation import Cancel
from protector.domain.probe import Probe
from protector.engine import listening, planning
from protector.engine.listening import Listener
from protector.engine.rehearsal import Rehearsal
from protector.engine.step import Result, Step, repeated


class RehearsalStep(Step):
    work: Rehearsal


class RecordTest(RehearsalStep):
    """Write down what all of the test will be known by, before any of it is made."""

    @repeated
    def execute(self) -> Result:
        work, document = self.work, self.work.document
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            work.begin(session)
        names = ", ".join(member.name for member in work.missing())
        return {
            "detail": f"Testing {names} of {document.name} by version {document.version} (epoch"
            f" {document.epoch}) of its recovery document, of {document.modified_at:%FT%TZ}"
        }


class MakeTestNetworks(RehearsalStep):
    """Make an isolated network for each that no mapping was given for."""

    @repeated
    def execute(self) -> Result:
        work = self.work
        requests = work.network_requests()
        for source_id, request in requests.items():
            network = work.tenant.make_isolated_network(request)
            subnets = {subnet.cidr: subnet.id for subnet in network.subnets}
            self._write(source_id, {"id": network.id, "subnets": subnets})
        names = ", ".join(request.name for request in requests.values())
        return {"detail": f"Isolated networks: {names}" if names else "All networks were given"}

    def undo(self) -> None:
        for source_id, request in self.work.network_requests().items():
            self.work.tenant.remove_isolated_network(request.key)
            self._write(source_id, None)

    def _write(self, source_id: str, network: dict[str, object] | None) -> None:
        with self.work.sessions.begin() as session:
            claims.hold(session, self.work.claim)
            row = rehearsals.find(session, self.work.claim.operation_id)
            if row is not None:
                others = {id: made for id, made in row.networks.items() if id != source_id}
                row.networks = {**others, source_id: network} if network else others


class CheckTestVms(RehearsalStep):
    """See whether those that came up are ACTIVE and answer where they are to.

    An isolated network's addresses are not tried: from this host they lead to something else that
    bears them, such as the VM that is tested for.
    """

    default_provides = {"ready_at", "unwell"}

    @repeated
    def execute(self, requests: dict[str, dict[str, object]]) -> Result:
        work = self.work
        here = work.servers()
        project_id = work.document.projects[work.site]
        seen = work.equipment.cloud.as_service().look(project_id) if here else {}
        running = [member for member in work.members if member.server_id in here]
        unwell = {}
        for member in running:
            glance = seen.get(here[member.server_id])
            status = glance.status if glance else "gone"
            if status != "ACTIVE":
                unwell[member.server_id] = f"VM {member.name} is {status}"
        told, silent = self._probed(
            [member for member in running if member.server_id not in unwell], requests
        )
        unwell |= silent
        optional = {m.server_id for m in work.members if m.criticality == "optional"}
        said = [*unwell.values(), *told] or ["All are ACTIVE" if running else "None of them runs"]
        bad = [sentence for id, sentence in unwell.items() if id not in optional]
        return {
            "ready_at": f"{now().isoformat()}",
            "unwell": bad,
            "fault" if bad else "detail": "\n".join(said),
        }

    def stops_for(self, cancel: Cancel | None) -> bool:
        return cancel is Cancel.UNDO  # what runs, and is to be kept, has to be told

    def _probed(
        self, members: list[Member], requests: dict[str, dict[str, object]]
    ) -> tuple[list[str], dict[str, str]]:
        """Return sentences on what answers or was not tried, and on who is silent by server id."""
        probes = {m.server_id: probe for m in members if (probe := self._probe(m))}
        if not probes:
            return [], {}
        seconds: float = self.work.equipment.conf.engine.port_timeout
        if not seconds:
            return ["No port was tried: [engine] port_timeout is 0"], {}
        addresses = self._addresses(requests)
        listeners = {
            id: Listener(found, probe.port, probe.path)
            for id, probe in probes.items()
            if (found := addresses.get(self.work.key(id), []))
        }
        silent = listening.silent(listeners, seconds, self.work.cancelled)
        told, faults = [], {}
        for member in members:
            id = member.server_id
            if id in silent:
                faults[id] = (
                    f"VM {member.name} did not answer to {probes[id]} at"
                    f" {' or '.join(addresses[self.work.key(id)])} within {seconds:g} s (from"
                    f" {self.work.equipment.conf.engine.host})"
                )
            elif id in listeners:
                told.append(f"{member.name} answers to {probes[id]}")
            elif id in probes:
                told.append(
                    f"{member.name} was not tried ({probes[id]}): it is on isolated networks, into"
                    " which this host has no way"
                )
        return told, faults

    def _probe(self, member: Member) -> Probe | None:
        asked = self.work.arguments.probes.get(member.server_id)
        if asked:
            return Probe.read(asked)
        return Probe(member.wait_port) if member.wait_port else None

    def _addresses(self, requests: dict[str, dict[str, object]]) -> dict[str, list[str]]:
        """Return key of a server -> its addresses on networks that a mapping was given for."""
        given = {
            str(port["network_id"])
            for request in requests.values()
            for port in request["ports"]  # type: ignore[attr-defined]
            if not planning.is_isolated(str(port["network_id"]))
        }
        found: dict[str, list[str]] = {}
        for port in self.work.equipment.cloud.as_service().ports(sorted(given)) if given else []:
            if port.made_for:
                found.setdefault(port.made_for, []).extend(port.addresses)
        return found


class RecordTestResult(RehearsalStep):
    """Write down how it went; what has come up stays until it is cleaned up."""

    @repeated
    def execute(self, ready_at: str, unwell: list[str]) -> Result:
        work = self.work
        if not work.servers():
            raise errors.NothingRecoverable(faults="No VM came up, so all was undone.")
        failed = unwell or any(one.criticality == "critical" for one in work.missing())
        result = rehearsals.FAILED if failed else rehearsals.PASSED
        ready = datetime.datetime.fromisoformat(ready_at)
        point = next((pair.point for pair in work.volumes().values()), None)
        with work.sessions.begin() as session:
            claims.hold(session, work.claim)
            began = operations.get(session, work.claim.operation_id).created_at
            rto = round((ready - began).total_seconds())
            rehearsals.end(session, work.claim.operation_id, result, rto_seconds=rto, point=point)
            row = rehearsals.find(session, work.claim.operation_id)
            expires_at = row.expires_at if row else None
        return {
            "detail": f"The test {result}: {rto} seconds from the request to the last VM (RTO)."
            f" What it made is removed at {expires_at:%FT%TZ}, or before: openstack protector"
            f" protection-group test-cleanup {work.document.name}"
        }

    def stops_for(self, cancel: Cancel | None) -> bool:
        return cancel is Cancel.UNDO
