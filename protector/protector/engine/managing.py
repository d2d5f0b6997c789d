# SPDX-License-Identifier: Apache-2.0
"""A recovery's volumes on their way into Cinder: all at once, and each VM has its own as they come.

A thread of its own has Cinder manage them all, so that whoever waits for some of them need not wait
for the others.
"""

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence

from oslo_context import context

from protector import errors
from protector.cloud.base import Outcome, VolumeRequest
from protector.db import claims, pairs
from protector.domain.document import Volume
from protector.engine.recovery import Disk, Faults, Recovery
from protector.engine.step import Step


@dataclasses.dataclass(frozen=True)
class Come:
    """Of the volumes that were awaited: ids of those that are the tenant's now, and what is wrong
    with others, as far as that is known.
    """

    there: set[str]
    faults: Faults


class Managing:
    """:param work: whose volumes they are."""

    def __init__(self, work: Recovery) -> None:
        self._work = work
        self._condition = threading.Condition()
        self._goes_on = False
        self._error: BaseException | None = None
        # By the id of the volume on the other site.
        self._outcomes: dict[str, Outcome] = {}

    def bring(
        self,
        step: Step,
        disks: Sequence[Disk],
        destination: Mapping[str, str],
        *,
        awaited: Sequence[Disk],
        enough: Callable[[set[str]], bool] | None = None,
    ) -> Come:
        """Have Cinder manage all these volumes, and wait for some of them.

        When Cinder is at them already, as another step has asked for them, that goes on. What may
        pass is asked for again, as long as the step is patient.

        :param disks: all that the group lacks here; they are promoted.
        :param enough: given the ids of volumes that are there, whether no other is waited for; by
            default all have to be that are awaited.
        :raises CloudRefused: the tenant may not manage volumes.
        """
        ids = {volume.id for _, volume in awaited}
        suffices = enough or ids.issubset
        come = step.patiently(
            lambda: self._come([volume for _, volume in disks], destination, suffices),
            unless=lambda come: (
                suffices(_there(come)) or not any(come[id].passing for id in ids & come.keys())
            ),
        )
        faults: Faults = {}
        for member, volume in awaited:
            outcome = come.get(volume.id)
            if outcome and outcome.fault:
                faults.setdefault(member.server_id, []).append(
                    f"VM {member.name}: volume {volume.name} could not be managed by Cinder of"
                    f" {self._work.site}: {outcome.fault}"
                    + (step.tried() if outcome.passing else "")
                )
        return Come(ids & _there(come), faults)

    def end(self) -> None:
        """Wait until it is at nothing."""
        with self._condition:
            self._condition.wait_for(lambda: not self._goes_on)

    # -- inside -------------------------------------------------------------------------------

    def _come(
        self,
        volumes: Sequence[Volume],
        destination: Mapping[str, str],
        suffices: Callable[[set[str]], bool],
    ) -> dict[str, Outcome]:
        """Return id of a volume -> what has come of it, once that suffices or no more comes.

        :raises Exception: that because of which no more comes, if it does not suffice.
        """
        with self._condition:
            if not self._goes_on:
                self._begin(volumes, destination)
            self._condition.wait_for(lambda: suffices(_there(self._outcomes)) or not self._goes_on)
            if self._error and not suffices(_there(self._outcomes)):
                raise self._error
            return dict(self._outcomes)

    def _begin(self, volumes: Sequence[Volume], destination: Mapping[str, str]) -> None:
        left = [volume for volume in volumes if not _is_final(self._outcomes.get(volume.id))]
        self._error = None
        if left:
            threading.Thread(
                target=self._manage,
                args=(left, destination, context.get_current()),
                name="managing",
                daemon=True,
            ).start()
            self._goes_on = True  # it ends only once the condition is free

    def _manage(
        self,
        volumes: Sequence[Volume],
        destination: Mapping[str, str],
        whose: context.RequestContext | None,
    ) -> None:
        if whose:
            whose.update_store()
        error: BaseException | None = None
        try:
            self._ask(volumes, destination)
        except errors.CloudRefused as refusal:
            error = errors.volume_manage_refused(refusal) or refusal
        except BaseException as fault:  # whoever waits is to meet it
            error = fault
        with self._condition:
            self._goes_on, self._error = False, error
            self._condition.notify_all()

    def _ask(self, volumes: Sequence[Volume], destination: Mapping[str, str]) -> None:
        work = self._work
        made = work.volumes()
        by_key = {work.key(volume.id): volume.id for volume in volumes}
        requests = [
            VolumeRequest(
                key=work.key(volume.id),
                array_volume=made[volume.id].array_volume_name,
                name=work.named(volume.name),
                bootable=volume.bootable,
                metadata=volume.metadata,
            )
            for volume in volumes
        ]

        def reclaim(key: str) -> None:
            # The volume may have been managed since, by the engine that has taken over from us.
            work.must_be_ours()
            work.equipment.array.reclaim(made[by_key[key]].array_volume_id, key=key)

        def managed(outcomes: Sequence[Outcome]) -> None:
            come = {by_key[outcome.key]: outcome for outcome in outcomes}
            with work.sessions.begin() as session:
                claims.hold(session, work.claim)
                for id, outcome in come.items():
                    pairs.managed(session, work.group_id, work.label, id, outcome.id)
            self._tell(come)

        outcomes = work.tenant.manage_volumes(
            requests, **destination, reclaim=reclaim, managed=managed
        )
        self._tell({by_key[outcome.key]: outcome for outcome in outcomes})

    def _tell(self, come: Mapping[str, Outcome]) -> None:
        with self._condition:
            self._outcomes |= come
            self._condition.notify_all()


def _there(outcomes: Mapping[str, Outcome]) -> set[str]:
    return {id for id, outcome in outcomes.items() if outcome.id}


def _is_final(outcome: Outcome | None) -> bool:
    return outcome is not None and not outcome.passing
