# SPDX-License-Identifier: Apache-2.0
"""The command behind `scripts/crash`: every case in turn, a table and a report."""

import argparse
import json
import pathlib
import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from testbed.crash import Case, Crash, Outcome
from testbed.drills import DRILLS, Drill
from testbed.errors import BrokenTestbed
from testbed.fate import Fate, Moment
from testbed.progress import Progress
from testbed.testbed import Testbed

RANDOM_INSTANTS = 30
ALL = "all"
MOMENTS: tuple[Moment, ...] = get_args(Moment)
ROW = "{engines:>7}  {moment:<6}  {step:<40.40}  {resumed:>9}  {outcome}"
HEADER = {
    "engines": "engines",
    "moment": "moment",
    "step": "step",
    "resumed": "resumed",
    "outcome": "",
}


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="scripts/crash", description="Kill engines, and see that nothing is doubled or lost."
    )
    result.add_argument(
        "--operation",
        choices=(*DRILLS, ALL),
        action="append",
        help="a kind of operation, or several (default: failover)",
    )
    result.add_argument("--engines", type=int, choices=(1, 2), action="append")
    result.add_argument("--steps", metavar="WORD", help="only steps with this in their name")
    result.add_argument(
        "--moment", choices=MOMENTS, action="append", help="before a step's effect, or after it"
    )
    result.add_argument(
        "--random",
        type=int,
        metavar="N",
        help=f"so many random instants (default: {RANDOM_INSTANTS}; none with --steps)",
    )
    result.add_argument(
        "--chained",
        action="store_true",
        help="let one operation come through all steps' deaths, and others through as many random"
        " ones as come before they end, instead of one death each: it takes a fifth of the time",
    )
    result.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return result


def cases(drill: Drill, arguments: argparse.Namespace, seconds: float) -> Iterator[Case]:
    """Yield each; ``seconds``: how long the operation takes when nobody dies."""
    for engines in arguments.engines or (1, 2):
        fates = [
            Fate(step, moment, drill.act)
            for step in drill.steps
            if not arguments.steps or arguments.steps in step
            for moment in arguments.moment or MOMENTS
        ]
        chance = random.Random(f"{arguments.seed}-{engines}")
        instants = [chance.uniform(0, seconds) for _ in range(_random_instants(arguments))]
        if not arguments.chained:
            yield from (Case(engines, fates=(fate,)) for fate in fates)
            yield from (Case(engines, instants=(instant,)) for instant in instants)
            continue
        if fates:
            yield Case(engines, fates=tuple(fates))
        if instants:
            yield Case(engines, instants=tuple(instants))


def _random_instants(arguments: argparse.Namespace) -> int:
    if arguments.random is not None:
        return int(arguments.random)
    return 0 if arguments.steps else RANDOM_INSTANTS


def drills(arguments: argparse.Namespace) -> list[Drill]:
    """Return those asked for, and one after the other what begins with the same scene."""
    asked = arguments.operation or ["failover"]
    chosen = [drill for name, drill in DRILLS.items() if name in asked or ALL in asked]
    return sorted(chosen, key=lambda drill: drill.scene)


def run(testbed: Testbed, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    progress = Progress()
    testbed.up()
    report = testbed.folders.repository / "build" / "reports" / "crash.json"
    rows: list[dict[str, Any]] = []
    for drill in drills(arguments):
        crash = Crash(testbed, drill)
        took = crash.undisturbed()
        progress.say(f"{drill.operation}: {took:.1f} s when nobody dies; seed {arguments.seed}")
        print(ROW.format(**HEADER))
        for case in cases(drill, arguments, took):
            for outcome in outcomes(crash, case):
                rows.append(row(drill, case, outcome))
                _print(rows[-1])
            _write(report, rows)
    progress.say(f"{len(rows)} deaths; {report} has them")
    return rows


def outcomes(crash: Crash, case: Case) -> Iterator[Outcome]:
    """Yield those of the case, and of further operations for the instants that came too late."""
    told = crash.run(case)
    yield from told
    late = case.instants[sum(outcome.moment == "random" for outcome in told) :]
    if late:
        yield from outcomes(crash, Case(case.engines, instants=late))


def row(drill: Drill, case: Case, outcome: Outcome) -> dict[str, Any]:
    return {
        "operation": drill.operation,
        "step": outcome.step,
        "moment": outcome.moment,
        "engines": case.engines,
        "outcome": outcome.outcome,
        "doubles": len(outcome.count.doubles),
        "orphans": len(outcome.count.orphans),
        "seconds_to_resume": outcome.seconds_to_resume,
        "found": list(outcome.count),
    }


def is_good(row: dict[str, Any]) -> bool:
    return row["outcome"] == DRILLS[row["operation"]].good_outcome and not row["found"]


def _print(row: dict[str, Any]) -> None:
    resumed = row["seconds_to_resume"]
    print(ROW.format(**row | {"resumed": "-" if resumed is None else f"{resumed:.1f} s"}))
    for sentence in row["found"]:
        print(f"{'':17}{sentence}")
    sys.stdout.flush()


def _write(report: pathlib.Path, rows: Sequence[dict[str, Any]]) -> None:
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(rows, indent=1))


def main() -> int:
    arguments = parser().parse_args()
    try:
        rows = run(Testbed(), arguments)
    except BrokenTestbed as error:
        print(f"crash: {error}", file=sys.stderr)
        return 1
    bad = sum(not is_good(row) for row in rows)
    print(f"{len(rows) - bad} of {len(rows)} ended well: nothing doubled, orphaned or missing")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
