# SPDX-License-Identifier: Apache-2.0
"""The command behind `scripts/faults`: every case in turn, a table and a report."""

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Sequence

from testbed.drills import DRILLS
from testbed.errors import BrokenTestbed
from testbed.faults import trial
from testbed.faults.calls import ARRAY
from testbed.faults.cases import RESTARTED, cases
from testbed.faults.scene import Scene, scene
from testbed.faults.trial import Result
from testbed.openstack import APIS
from testbed.progress import Progress
from testbed.testbed import Testbed

SERVICES = (*(api.name for api in APIS), ARRAY, *RESTARTED)
OPERATIONS = [name for name, drill in DRILLS.items() if drill.status == "completed"]
ROW = "{service:<9} {call:<52.52} {fault:<12} {seconds:>5.1f} s  {outcome}"


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="scripts/faults",
        description="Let each call that Protector makes fail, and see that it is made good.",
    )
    result.add_argument("--operation", choices=OPERATIONS, default="failover")
    result.add_argument("--service", choices=SERVICES, action="append", default=[])
    result.add_argument(
        "--fault", metavar="WORD", action="append", default=[], help="faults with this in the name"
    )
    result.add_argument("--call", metavar="WORD", default="", help="calls with this in them")
    result.add_argument("--list", action="store_true", help="say which calls and cases there are")
    return result


def run(scene: Scene, arguments: argparse.Namespace, progress: Progress) -> list[Result]:
    trial.undisturbed(scene)
    chosen = [
        case
        for case in cases(scene.calls(), services=arguments.service, words=arguments.fault)
        if arguments.call in str(case.call)
    ]
    progress.say(f"{len(chosen)} cases")
    report = scene.testbed.folders.repository / "build" / "reports" / "faults.json"
    results: list[Result] = []
    for case in chosen:
        if arguments.list:
            print(f"{case.service:<9} {case.call!s:<60} {case.fault}")
            continue
        results.append(trial.run(scene, case))
        show(results[-1])
        write(report, results)
    return results


def show(result: Result) -> None:
    print(ROW.format(**dataclasses.asdict(result)))
    for line in (*result.message.splitlines(), *result.doubles, *result.orphans, *result.missing):
        print(f"{'':10}{line}")
    sys.stdout.flush()


def write(report: pathlib.Path, results: Sequence[Result]) -> None:
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps([dataclasses.asdict(result) for result in results], indent=1))


def main() -> int:
    arguments = parser().parse_args()
    testbed, progress = Testbed(), Progress()
    try:
        testbed.up()
        with scene(testbed, DRILLS[arguments.operation]) as arranged:
            results = run(arranged, arguments, progress)
    except BrokenTestbed as error:
        print(f"faults: {error}", file=sys.stderr)
        return 1
    bad = sum(not result.is_good for result in results)
    print(f"{len(results) - bad} of {len(results)} cases ended as they should")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
