# SPDX-License-Identifier: Apache-2.0
"""Steps of the preparation phase: all that can be known is known before anything changes."""

import pydantic

from protector import errors
from protector.cloud.base import ServerRequest
from protector.db import claims, groups
from protector.engine.preflight.assessment import Assessment, assess
from protector.engine.preflight.looking import Destination, Seen, look
from protector.engine.step import Result, repeated
from protector.engine.steps.base import RecoveryStep

REQUEST = pydantic.TypeAdapter(ServerRequest)


class ValidateTargetSite(RecoveryStep):
    """Ask this site everything, change nothing; plan each VM that is not here yet."""

    default_provides = {"requests", "notes", "destination", "site_faults"}

    @repeated
    def execute(self) -> Result:
        work = self.work
        seen = self.patiently(lambda: look(work, work.tenant), unless=lambda seen: seen.is_whole)
        self._keep_to_the_point()
        assessment = assess(
            work.document,
            work.arguments,
            seen,
            site=work.site,
            array=work.equipment.array.array,
        )
        self._must_be_possible(assessment)
        work.must_bear(assessment.faults)
        return self.planned(seen, assessment)

    def planned(self, seen: Seen, assessment: Assessment) -> Result:
        """Return what is to be made, and where."""
        return {
            "requests": {
                id: REQUEST.dump_python(prospect.request, mode="json")
                for id, prospect in seen.prospects.items()
                if prospect.request
            },
            "notes": {id: prospect.notes for id, prospect in seen.prospects.items()},
            "destination": _destination(seen),
            "site_faults": assessment.faults,
            "detail": self._told(seen, assessment),
        }

    def _keep_to_the_point(self) -> None:
        """Write down which older point it is, and as of which version its members are."""
        if self.work.arguments.is_of_an_older_point:
            arguments = self.work.arguments.model_dump(mode="json")
            with self.work.sessions.begin() as session:
                claims.hold(session, self.work.claim, arguments=arguments)

    def _must_be_possible(self, assessment: Assessment) -> None:
        if assessment.unsettled:
            with self.work.sessions.begin() as session:
                groups.block(session, self.work.group_id, assessment.unsettled.text)
        if assessment.of_all:
            told = [one.text for one in assessment.findings if one.is_error]
            raise errors.NothingRecoverable(faults="\n".join(told))

    def _told(self, seen: Seen, assessment: Assessment) -> str | None:
        """Return the warnings for the record, and that the caller accepts stale metadata."""
        told = "\n".join(one.text for one in assessment.warnings)
        if seen.begun:
            told = f"Metadata accepted as it is by user {self.work.user_id}. {told}"
        return told or None


class CreateDrOperationRecord(RecoveryStep):
    """Say in the record what is recovered from what."""

    @repeated
    def execute(self) -> Result:
        document = self.work.document
        names = ", ".join(member.name for member in self.work.missing()) or "nothing more"
        return {
            "detail": f"Recovering {names} of {document.name} by version {document.version}"
            f" (epoch {document.epoch}) of its recovery document, of {document.modified_at:%FT%TZ}"
        }


def _destination(seen: Seen) -> dict[str, str]:
    """Return the arguments by which volumes are managed; that there is one was judged."""
    if not isinstance(seen.destination, Destination):
        raise seen.destination
    return {"volume_type_id": seen.destination.volume_type.id, "pool": seen.destination.pool}
