# SPDX-License-Identifier: Apache-2.0
"""Steps of the preparation phase: all that can be known is known before anything changes."""

import pydantic

from protector import errors
from protector.cloud.base import ServerRequest, VolumeType
from protector.db import documents, groups
from protector.domain import differences, mapping
from protector.domain.document import Document, Mappings
from protector.engine import planning
from protector.engine.planning import Prospect, Target
from protector.engine.step import Result, Step, repeated
from protector.engine.work import must_leave_some

REQUEST = pydantic.TypeAdapter(ServerRequest)


class ValidateTargetSite(Step):
    """Ask this site everything, change nothing; plan each VM that is not here yet."""

    default_provides = {"requests", "notes", "destination", "site_faults"}

    @repeated
    def execute(self) -> Result:
        accepted = self._settle()
        self._site_must_answer()
        destination = self._destination()
        prospects = self._prospects()
        faults = {id: list(p.faults) for id, p in prospects.items() if p.faults}
        must_leave_some(faults, self.work.missing())
        return {
            "requests": {
                id: REQUEST.dump_python(prospect.request, mode="json")
                for id, prospect in prospects.items()
                if prospect.request
            },
            "notes": {id: list(prospect.notes) for id, prospect in prospects.items()},
            "destination": destination,
            "site_faults": faults,
            "detail": accepted,
        }

    def _settle(self) -> str | None:
        """Refuse, or note that the caller accepts, that the peer had begun another version."""
        work = self.work
        with work.sessions.begin() as session:
            prepared = documents.prepared(session, work.group_id)
            if prepared is None:
                return None
            unsettled = _unsettled(work.site, work.document, prepared.document)
            if work.arguments.accept_stale_metadata:
                return f"Metadata accepted as it is by user {work.user_id}. {unsettled.text}"
            groups.block(session, work.group_id, unsettled.text)
        raise unsettled

    def _site_must_answer(self) -> None:
        faults = []
        try:
            self.work.equipment.array.check()
        except errors.StorageError as error:
            faults.append(error.text)
        answers = self.work.equipment.cloud.as_service().check()
        faults += [
            f"{service} of {self.work.site}: {why}" for service, why in answers.items() if why
        ]
        if faults:
            raise errors.NothingRecoverable(faults="\n".join(faults))

    def _destination(self) -> dict[str, str]:
        service = self.work.equipment.cloud.as_service()
        chosen = self._volume_type(service.volume_types(self.work.document.replication_type))
        return {"volume_type_id": chosen.id, "pool": service.pool_for(chosen)}

    def _volume_type(self, types: list[VolumeType]) -> VolumeType:
        """Return the replicated type named as the source's, where there is one, or the first."""
        if not types:
            raise errors.NoVolumeType(
                reason=f"{self.work.site} has no volume type for"
                f" {self.work.document.replication_type} replication, which the recovered volumes"
                " are to have. See: openstack protector site list-volume-types"
                f" {self.work.site}"
            )
        wanted = {volume.volume_type for m in self.work.document.members for volume in m.volumes}
        return min(types, key=lambda type: (type.name not in wanted, type.name))

    def _prospects(self) -> dict[str, Prospect]:
        if not self.work.document.members:
            reason = f"Protection group {self.work.document.name} has no VMs."
            raise errors.NothingRecoverable(faults=reason)
        stored, given = self.work.document.mappings, self.work.arguments
        mappings = Mappings(
            networks=mapping.override(stored.networks, given.networks),
            flavors=mapping.override(stored.flavors, given.flavors),
        )
        target = Target(self.work.site, self.work.tenant.inventory(), mappings, self.work.epoch)
        return {member.server_id: planning.plan(member, target) for member in self.work.missing()}


class CreateDrOperationRecord(Step):
    """Say in the record what is recovered from what."""

    def execute(self) -> Result:
        document = self.work.document
        names = ", ".join(member.name for member in self.work.missing()) or "nothing more"
        return {
            "detail": f"Recovering {names} of {document.name} by version {document.version}"
            f" (epoch {document.epoch}) of its recovery document, of {document.modified_at:%FT%TZ}"
        }


def _unsettled(site: str, ours: Document, theirs: Document) -> errors.DocumentUnsettled:
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
