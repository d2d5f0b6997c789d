# SPDX-License-Identifier: Apache-2.0
"""Kills engines in the middle of an operation, and looks what becomes of it."""

import concurrent.futures
import dataclasses
import time
from typing import Any, Literal

from testbed import census, fate, shortcut
from testbed.census import Count
from testbed.drills import Drill
from testbed.errors import BrokenTestbed
from testbed.fate import Fate
from testbed.progress import wait_for
from testbed.protector import ENGINE, ENGINES, SECOND_ENGINE
from testbed.testbed import Testbed

CHECKPOINT = "drill"
# Seconds.
REACHED = 60
END = 120
# What an engine tidies up after the end, it does at its next look.
TIDY = 15
PAUSE = 0.2


@dataclasses.dataclass(frozen=True)
class Case:
    """``after``: seconds from the request to a death at a random instant."""

    engines: Literal[1, 2]
    fate: Fate | None = None
    after: float | None = None

    def __str__(self) -> str:
        when = str(self.fate) if self.fate else f"{self.after:.1f} s after the request"
        return f"{self.engines} engine{'s' if self.engines > 1 else ''}, {when}"

    @property
    def moment(self) -> str:
        return self.fate.moment if self.fate else "random"


@dataclasses.dataclass(frozen=True)
class Death:
    """``generation``: of the claim that nobody holds now; ``step``: what was under way."""

    at: float
    generation: int
    step: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    step: str
    outcome: str
    count: Count
    seconds_to_resume: float | None = None


class Crash:
    """A drill's scene, set once; each case begins with it."""

    def __init__(self, testbed: Testbed, drill: Drill) -> None:
        self._testbed = testbed
        self._drill = drill
        self._fate = testbed.folders.state / "fate"
        self._cloud = testbed.cloud(drill.site)

    def arrange(self) -> None:
        self._testbed.reset()
        self._drill.arrange(self._testbed)
        self._testbed.checkpoint(CHECKPOINT)

    def undisturbed(self) -> float:
        """Return how many seconds the operation takes when nobody dies."""
        operation_id = self.begin(Case(engines=1))
        began = time.time()
        ended, _ = self._await_end(operation_id, None)
        took = time.time() - began
        outcome, count = self._ending(ended), self.count()
        if outcome != self._drill.good_outcome or count:
            raise BrokenTestbed(
                f"the {self._drill.operation} does not even end well when nobody dies: {outcome};"
                f" {'; '.join(count) or 'the world is as it should be'}"
            )
        return took

    def run(self, case: Case) -> Outcome:
        """Let an engine die, and tell what becomes of the operation."""
        operation_id = self.begin(case)
        with concurrent.futures.ThreadPoolExecutor(1) as service_manager:
            try:
                death = self._await_death(case, operation_id)
            except BrokenTestbed as survived:
                return Outcome(case.fate.step if case.fate else "", str(survived), self.count())
            if case.engines == 1:
                start = self._testbed.start_service
                restarted = service_manager.submit(start, self._drill.site, ENGINE)
            outcome = self.follow(operation_id, death)
            if case.engines == 1:
                restarted.result()
            return outcome

    def begin(self, case: Case) -> str:
        """Return the id of the operation that so many engines begin."""
        self._testbed.restore(CHECKPOINT)
        self._fate.unlink(missing_ok=True)
        if case.fate:
            case.fate.write(self._fate)
        engines = ENGINES[: case.engines]
        self._testbed.start_service(self._drill.site, *engines, fate=self._fate)
        return self._drill.ask(self._testbed)

    def follow(self, operation_id: str, death: Death | None) -> Outcome:
        """Wait until the operation has ended, count the world, and tell."""
        ended, resumed = self._await_end(operation_id, death)
        return Outcome(
            step=death.step if death else "",
            outcome=self._ending(ended),
            count=self.count(),
            seconds_to_resume=round(resumed - death.at, 1) if death and resumed else None,
        )

    def operation(self, operation_id: str) -> Any:
        return shortcut.protector(self._cloud).get_operation(operation_id)

    def owner(self, operation_id: str) -> str:
        """Return the engine that works on the operation, or the first one."""
        ((host,),) = self._testbed.query(
            self._drill.site,
            f"SELECT IFNULL(owner, '') FROM protector.operations WHERE id = '{operation_id}'",
        )
        return SECOND_ENGINE if host.startswith(f"{self._drill.site}-host-2") else ENGINE

    def count(self) -> Count:
        """Count the world, once all is tidied up or should be."""
        deadline = time.monotonic() + TIDY
        while True:
            found = census.take(self._testbed, self._drill.site, self._drill.members)
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(PAUSE)

    # -- inside -------------------------------------------------------------------------------

    def _await_death(self, case: Case, operation_id: str) -> Death:
        if case.fate:
            taken = wait_for(
                lambda: fate.taken_at(self._fate),
                seconds=REACHED,
                otherwise=f"no engine came to {case.fate.step}",
                pause=0.05,
            )
            return Death(taken or 0, self._generation(operation_id), case.fate.step)
        time.sleep(case.after or 0)
        at = time.time()
        self._testbed.kill_service(self._drill.site, self.owner(operation_id))
        return Death(at, self._generation(operation_id), _under_way(self.operation(operation_id)))

    def _await_end(self, operation_id: str, death: Death | None) -> tuple[Any, float | None]:
        """Return the operation, at its end or when it takes too long, and when it was resumed."""
        resumed = None
        deadline = time.monotonic() + END
        while True:
            shown = self.operation(operation_id)
            if death and not resumed and self._generation(operation_id) > death.generation:
                resumed = time.time()
            if shown.has_ended or time.monotonic() > deadline:
                return shown, resumed
            time.sleep(PAUSE)

    def _generation(self, operation_id: str) -> int:
        ((generation,),) = self._testbed.query(
            self._drill.site,
            f"SELECT generation FROM protector.operations WHERE id = '{operation_id}'",
        )
        return int(generation)

    def _ending(self, operation: Any) -> str:
        group = shortcut.protector(self._cloud).get_protection_group(operation.group_id)
        if operation.status != self._drill.status:
            return f"{operation.status}: {operation.error_message or 'it does not go on'}"
        if group.status != self._drill.group_status:
            return f"{operation.status}, and the group is {group.status}"
        return self._drill.good_outcome


def _under_way(operation: Any) -> str:
    """Return the steps that run, or where between them the operation is."""
    running = [step["name"] for step in operation.steps if step["status"] == "running"]
    return ", ".join(running) or f"({operation.status})"
