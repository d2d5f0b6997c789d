# SPDX-License-Identifier: Apache-2.0
"""The command behind `scripts/crash`: every case in turn, a table and a report."""

import argparse
import json
import pathlib
import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from testbed.crash import Case, Crash, Outcome
from testbed.drills import DRILLS, Drill
from testbed.errors import BrokenTestbed
from testbed.fate import Fate
from testbed.progress import Progress
from testbed.testbed import Testbed

RANDOM_INSTANTS = 30
ROW = "{engines:>7}  {moment:<6}  {step:<40.40}  {resumed:>9}  {outcome}"


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="scripts/crash", description="Kill engines, and see that nothing is doubled or lost."
    )
    result.add_argument("--operation", choices=DRILLS, default="failover")
    result.add_argument("--engines", type=int, choices=(1, 2), action="append")
    result.add_argument("--steps", metavar="WORD", help="only steps with this in their name")
    result.add_argument(
        "--random",
        type=int,
        metavar="N",
        help=f"so many random instants (default: {RANDOM_INSTANTS}; none with --steps)",
    )
    result.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return result


def cases(drill: Drill, arguments: argparse.Namespace, seconds: float) -> Iterator[Case]:
    """Yield each; ``seconds``: how long the operation takes when nobody dies."""
    for engines in arguments.engines or (1, 2):
        for step in drill.steps:
            if not arguments.steps or arguments.steps in step:
                yield Case(engines, Fate(step, "before", drill.act))
                yield Case(engines, Fate(step, "after", drill.act))
        chance = random.Random(f"{arguments.seed}-{engines}")
        for _ in range(_random_instants(arguments)):
            yield Case(engines, after=chance.uniform(0, seconds))


def _random_instants(arguments: argparse.Namespace) -> int:
    if arguments.random is not None:
        return int(arguments.random)
    return 0 if arguments.steps else RANDOM_INSTANTS


def run(testbed: Testbed, drill: Drill, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    progress = Progress()
    testbed.up()
    crash = Crash(testbed, drill)
    crash.arrange()
    took = crash.undisturbed()
    progress.say(f"undisturbed, the {drill.operation} takes {took:.1f} s; seed {arguments.seed}")
    print(
        ROW.format(engines="engines", moment="moment", step="step", resumed="resumed", outcome="")
    )
    report = testbed.folders.repository / "build" / "reports" / "crash.json"
    rows: list[dict[str, Any]] = []
    for case in cases(drill, arguments, took):
        outcome = crash.run(case)
        rows.append(row(drill, case, outcome))
        _print(rows[-1])
        _write(report, rows)
    progress.say(f"{len(rows)} cases; {report} has them")
    return rows


def row(drill: Drill, case: Case, outcome: Outcome) -> dict[str, Any]:
    return {
        "operation": drill.operation,
        "step": outcome.step,
        "moment": case.moment,
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
        rows = run(Testbed(), DRILLS[arguments.operation], arguments)
    except BrokenTestbed as error:
        print(f"crash: {error}", file=sys.stderr)
        return 1
    bad = sum(not is_good(row) for row in rows)
    print(f"{len(rows) - bad} of {len(rows)} ended well: nothing doubled, orphaned or missing")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
