# SPDX-License-Identifier: Apache-2.0
"""Kills engines in the middle of an operation, and looks what becomes of it."""

import dataclasses
import time
from collections.abc import Iterator
from typing import Any, Literal

from testbed import fate, shortcut
from testbed.census import Count
from testbed.drills import Drill
from testbed.errors import BrokenTestbed
from testbed.fate import Fate
from testbed.protector import ENGINE, ENGINES, SECOND_ENGINE
from testbed.testbed import Testbed

# Seconds, besides so many times what the operation takes when nobody dies: on a busy machine that
# is minutes.
END, TIMES_TO_END = 120, 3
# What an engine tidies up after the end, it does at its next look.
TIDY = 15
PAUSE = 0.2


@dataclasses.dataclass(frozen=True)
class Case:
    """How the engines of one operation die, one after the other.

    ``instants``: seconds, the first from the request, each other from when it was gone on with, if
    it has not ended by then.
    """

    engines: Literal[1, 2]
    fates: tuple[Fate, ...] = ()
    instants: tuple[float, ...] = ()

    def __str__(self) -> str:
        deaths = [*map(str, self.fates), *(f"{seconds:.1f} s later" for seconds in self.instants)]
        return f"{self.engines} engine{'s' if self.engines > 1 else ''}, {', '.join(deaths)}"


@dataclasses.dataclass(frozen=True)
class Death:
    """``generation``: of the claim that nobody holds now; ``step``: what was under way."""

    at: float
    generation: int
    step: str
    moment: Literal["before", "after", "random"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the operation in which an engine died there; ``count``: at its end."""

    step: str
    moment: str
    outcome: str
    count: Count
    seconds_to_resume: float | None = None


class Crash:
    """A drill's scene; each case begins with it."""

    def __init__(self, testbed: Testbed, drill: Drill) -> None:
        self._testbed = testbed
        self._drill = drill
        self._fates = testbed.folders.state / "fates"
        drill.set_scene(testbed)
        self._cloud = testbed.cloud(drill.site)
        self._mortal = drill.mortal or drill.site
        self._took = 0.0

    def undisturbed(self) -> float:
        """Return how many seconds the operation takes when nobody dies."""
        operation_id = self.begin(Case(engines=1))
        began = time.time()
        self._await_end(operation_id)
        self._took = time.time() - began
        outcome, count = self.ending(operation_id)
        if outcome != self._drill.good_outcome or count:
            raise BrokenTestbed(
                f"the {self._drill.operation} does not even end well when nobody dies: {outcome};"
                f" {'; '.join(count) or 'the world is as it should be'}"
            )
        return self._took

    def run(self, case: Case) -> list[Outcome]:
        """Let engines die, and tell for each death what became of the operation."""
        operation_id = self.begin(case)
        deaths = list(self._deaths(operation_id, case))
        outcome, count = self.ending(operation_id)
        reached = {(death.step, death.moment) for death, _ in deaths}
        return [
            *(
                Outcome(death.step, death.moment, outcome, count, _seconds(death, resumed))
                for death, resumed in deaths
            ),
            *(
                Outcome(fate.step, fate.moment, f"no engine came there; {outcome}", count)
                for fate in case.fates
                if (fate.step, fate.moment) not in reached
            ),
        ]

    def begin(self, case: Case) -> str:
        """Return the id of the operation that so many engines begin."""
        self._testbed.restore(self._drill.scene)
        fate.write(self._fates, case.fates)
        self._testbed.start_service(self._mortal, *ENGINES[: case.engines], fates=self._fates)
        if self._drill.elsewhere:
            (other,) = set(self._testbed.sites) - {self._mortal}
            self._testbed.start_service(other, ENGINE)
        return self._drill.ask(self._testbed)

    def ending(self, operation_id: str) -> tuple[str, Count]:
        """Wait until the operation has ended, and tell how, and what there is then."""
        self._await_end(operation_id)
        operation = self.operation(operation_id)
        return self._outcome(operation), self.count()

    def operation(self, operation_id: str) -> Any:
        return shortcut.protector(self._cloud).get_operation(operation_id)

    def owner(self, operation_id: str) -> str:
        """Return the engine that works on the operation, or the first one."""
        host = self._claim("IFNULL(owner, '')", operation_id) or ""
        return SECOND_ENGINE if host.startswith(f"{self._mortal}-host-2") else ENGINE

    def count(self) -> Count:
        """Count the world, once all is tidied up or should be."""
        deadline = time.monotonic() + TIDY
        while True:
            found = self._drill.count(self._testbed)
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(PAUSE)

    # -- inside -------------------------------------------------------------------------------

    def _deaths(self, operation_id: str, case: Case) -> Iterator[tuple[Death, float | None]]:
        """Yield each death, and when the operation was gone on with after it, if it was.

        With one engine, it is started again at once; of two, when the other has taken over.
        """
        fates, instants = list(case.fates), list(case.instants)
        engines = ENGINES[: case.engines]
        since, died = time.time(), False
        while death := self._await_death(operation_id, fates, instants, since, died=died):
            fallen = self._testbed.fallen(self._mortal, *engines)
            if case.engines == 1:
                self._testbed.revive(self._mortal, *fallen, fates=self._fates)
            resumed = self._await_resumption(operation_id, death)
            if case.engines == 2:
                self._testbed.revive(self._mortal, *fallen, fates=self._fates)
            since, died = resumed or time.time(), True
            yield death, resumed

    def _await_death(
        self,
        operation_id: str,
        fates: list[Fate],
        instants: list[float],
        since: float,
        *,
        died: bool,
    ) -> Death | None:
        """Return the next death, which is taken off its list; None when the operation has ended.

        The first instant comes also when the operation was faster.
        """
        for ended in self._looks(operation_id):
            for next in fates:
                if at := fate.taken_at(self._fates, next):
                    fates.remove(next)
                    generation = self._generation(operation_id)
                    return Death(at, generation, next.step, next.moment)
            if ended and (died or not instants):
                break
            if instants and time.time() > since + instants[0]:
                instants.pop(0)
                at, step = time.time(), _under_way(self.operation(operation_id))
                self._testbed.kill_service(self._mortal, self.owner(operation_id))
                return Death(at, self._generation(operation_id), step, "random")
        return None

    def _await_resumption(self, operation_id: str, death: Death) -> float | None:
        for ended in self._looks(operation_id):
            if self._generation(operation_id) > death.generation:
                return time.time()
            if ended:
                break
        return None

    def _await_end(self, operation_id: str) -> None:
        for ended in self._looks(operation_id):
            if ended:
                break

    def _looks(self, operation_id: str) -> Iterator[bool]:
        """Yield whether the operation has ended, until it takes too long."""
        deadline = time.monotonic() + END + TIMES_TO_END * self._took
        while time.monotonic() < deadline:
            yield self._has_ended(operation_id)
            time.sleep(PAUSE)

    def _has_ended(self, operation_id: str) -> bool:
        """Whether it has, and what the mortal site does for it."""
        of_mortal = self._claim("status", operation_id)
        return self.operation(operation_id).has_ended and of_mortal not in ("queued", "running")

    def _generation(self, operation_id: str) -> int:
        return int(self._claim("generation", operation_id) or 0)

    def _claim(self, field: str, operation_id: str) -> str | None:
        """Return something of the operation, or of what the other site does for it, if it does."""
        which = f"WHERE id = '{operation_id}'" if self._mortal == self._drill.site else ""
        rows = self._testbed.query(
            self._mortal,
            f"SELECT {field} FROM protector.operations {which} ORDER BY created_at DESC LIMIT 1",
        )
        return rows[0][0] if rows else None

    def _outcome(self, operation: Any) -> str:
        group = shortcut.protector(self._cloud).get_protection_group(operation.group_id)
        if operation.status != self._drill.status:
            return f"{operation.status}: {operation.error_message or 'it does not go on'}"
        if group.status != self._drill.group_status:
            return f"{operation.status}, and the group is {group.status}"
        return self._drill.good_outcome


def _seconds(death: Death, resumed: float | None) -> float | None:
    return round(resumed - death.at, 1) if resumed else None


def _under_way(operation: Any) -> str:
    """Return the steps that run, or where between them the operation is."""
    running = [step["name"] for step in operation.steps if step["status"] == "running"]
    return ", ".join(running) or f"({operation.status})"
