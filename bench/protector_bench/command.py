# SPDX-License-Identifier: Apache-2.0
"""The command behind `scripts/bench`: part after part, its figures, its table, and the plots."""

import argparse
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from flasharray_simulator.control import ControlError
from protector_bench import api, cli, edits, failover, groups, idle, machine, plots
from protector_bench.report import Report, table
from testbed.errors import BrokenTestbed
from testbed.progress import Progress
from testbed.testbed import Testbed

RUNS = 3


class Part(Protocol):
    """A module that measures: medians of so many runs, and the lines of its table."""

    @property
    def HEADER(self) -> tuple[str, ...]: ...

    @property
    def measure(self) -> Callable[..., dict[str, Any]]: ...

    @property
    def rows(self) -> Callable[[dict[str, Any]], Iterator[tuple[str, ...]]]: ...


# In the order in which they are measured.
PARTS: dict[str, Part] = {
    "failover": failover,
    "groups": groups,
    "api": api,
    "edits": edits,
    "cli": cli,
    "idle": idle,
}


def sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure what Protector costs, part by part."
    )
    result.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them")
    result.add_argument(
        "--vms",
        type=sizes,
        default=list(failover.SIZES),
        metavar="N,N…",
        help="sizes of the groups that are failed over"
        f" ({','.join(map(str, failover.SIZES))}); the runbook is measured up to"
        f" {failover.BY_HAND} VMs",
    )
    result.add_argument("--runs", type=int, default=RUNS, help=f"medians of so many ({RUNS})")
    return result


def run(testbed: Testbed, arguments: argparse.Namespace) -> None:
    progress = Progress()
    report = Report(testbed.folders.repository / "build" / "reports" / "bench.json")
    testbed.up()
    report.keep("machine", machine.describe(testbed.folders))
    print(machine.lines(report.figures["machine"]))
    for name in arguments.parts or PARTS:
        progress.say(f"{name}: {arguments.runs} runs")
        keep = functools.partial(report.keep, name)
        more = {"sizes": arguments.vms, "keep": keep} if name == "failover" else {}
        keep(PARTS[name].measure(testbed, arguments.runs, **more))
        print(table(PARTS[name].HEADER, PARTS[name].rows(report.figures[name])))
    drawn = plots.draw(report.figures, report.path.parent)
    progress.say(", ".join(str(path) for path in (report.path, *drawn)))


def main() -> int:
    arguments = parser().parse_args()
    if unknown := [name for name in arguments.parts if name not in PARTS]:
        parser().error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    try:
        run(Testbed(), arguments)
    except (BrokenTestbed, ControlError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
