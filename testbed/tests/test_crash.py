# SPDX-License-Identifier: Apache-2.0
import itertools

from testbed import crash_command
from testbed.census import Count
from testbed.crash import Case, Outcome
from testbed.drills import DRILLS, FAILOVER


def cases(*words: str) -> list[Case]:
    arguments = crash_command.parser().parse_args(words)
    return list(crash_command.cases(FAILOVER, arguments, seconds=10))


def test_each_step_is_tried_before_and_after_with_one_engine_and_with_two() -> None:
    tried = [(case.engines, fate.step, fate.moment) for case in cases() for fate in case.fates]
    assert tried == [
        (engines, step, moment)
        for engines in (1, 2)
        for step in FAILOVER.steps
        for moment in ("before", "after")
    ]


def test_random_instants_are_the_same_for_the_same_seed() -> None:
    first, again, other = (
        [instant for case in cases("--seed", seed) for instant in case.instants]
        for seed in ("1", "1", "2")
    )
    assert first == again != other
    assert len(first) == 60
    assert all(0 <= instant <= 10 for instant in first)


def test_some_can_be_chosen() -> None:
    chosen = cases("--engines", "1", "--steps", "recreate")
    assert {case.engines for case in chosen} == {1}
    assert len(chosen) == 6
    assert len(cases("--steps", "recreate", "--random", "2", "--engines", "2")) == 8


def test_one_operation_can_come_through_the_same_deaths() -> None:
    one_by_one, chained = cases("--seed", "1"), cases("--seed", "1", "--chained")
    assert [(case.engines, len(case.fates), len(case.instants)) for case in chained] == [
        (engines, *counts) for engines in (1, 2) for counts in ((18, 0), (0, 30))
    ]
    for what in ("fates", "instants"):
        assert [death for case in chained for death in getattr(case, what)] == [
            death for case in one_by_one for death in getattr(case, what)
        ]


class Short:
    """Operations of which each ends after the second death."""

    def run(self, case: Case) -> list[Outcome]:
        fine = Outcome("", "random", "completed", Count([], [], []))
        return [fine] * min(2, len(case.instants))


def test_instants_for_which_an_operation_was_too_fast_come_in_another() -> None:
    chain = Case(1, instants=(1.0, 2.0, 3.0, 4.0, 5.0))
    assert len(list(crash_command.outcomes(Short(), chain))) == 5  # type: ignore[arg-type]


def test_a_case_with_anything_found_is_not_good() -> None:
    clean, doubled = Count([], [], []), Count(["2 servers are called web-server-1"], [], [])
    rows = [
        crash_command.row(
            FAILOVER, Case(2), Outcome("finalization", "after", "completed", count, 1.5)
        )
        for count in (clean, doubled)
    ]
    assert [crash_command.is_good(row) for row in rows] == [True, False]
    assert rows[1] == {
        "operation": "failover",
        "step": "finalization",
        "moment": "after",
        "engines": 2,
        "outcome": "completed",
        "doubles": 1,
        "orphans": 0,
        "seconds_to_resume": 1.5,
        "found": ["2 servers are called web-server-1"],
    }


def test_each_operation_has_its_drill_and_dies_at_steps_of_its_own() -> None:
    for name, drill in DRILLS.items():
        chosen = list(crash_command.cases(drill, crash_command.parser().parse_args([]), seconds=10))
        assert {fate.step for case in chosen for fate in case.fates} == set(drill.steps)
        asked = crash_command.parser().parse_args(["--operation", name])
        assert crash_command.drills(asked) == [drill]


def test_of_several_those_of_one_scene_follow_each_other() -> None:
    asked = crash_command.parser().parse_args(["--operation", "all"])
    chosen = crash_command.drills(asked)
    assert {drill.operation for drill in chosen} == DRILLS.keys()
    changes = sum(one.scene != next.scene for one, next in itertools.pairwise(chosen))
    assert changes == len({drill.scene for drill in chosen}) - 1
