# SPDX-License-Identifier: Apache-2.0
from testbed import crash_command
from testbed.census import Count
from testbed.crash import Case, Outcome
from testbed.drills import FAILOVER
from testbed.fate import Fate


def cases(*words: str) -> list[Case]:
    arguments = crash_command.parser().parse_args(words)
    return list(crash_command.cases(FAILOVER, arguments, seconds=10))


def test_each_step_is_tried_before_and_after_with_one_engine_and_with_two() -> None:
    tried = [(case.engines, case.fate.step, case.moment) for case in cases() if case.fate]
    assert tried == [
        (engines, step, moment)
        for engines in (1, 2)
        for step in FAILOVER.steps
        for moment in ("before", "after")
    ]


def test_random_instants_are_the_same_for_the_same_seed() -> None:
    first, again, other = (
        [case.after for case in cases("--seed", seed) if case.after] for seed in ("1", "1", "2")
    )
    assert first == again != other
    assert len(first) == 60
    assert all(0 <= after <= 10 for after in first)


def test_some_can_be_chosen() -> None:
    chosen = cases("--engines", "1", "--steps", "recreate")
    assert {case.engines for case in chosen} == {1}
    assert len(chosen) == 6
    assert len(cases("--steps", "recreate", "--random", "2", "--engines", "2")) == 8


def test_a_case_with_anything_found_is_not_good() -> None:
    fate = Fate("finalization", "after")
    clean, doubled = Count([], [], []), Count(["2 servers are called web-server-1"], [], [])
    rows = [
        crash_command.row(FAILOVER, Case(2, fate), Outcome(fate.step, "completed", count, 1.5))
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
