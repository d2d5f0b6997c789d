# SPDX-License-Identifier: Apache-2.0
"""The command `testbed`."""

import argparse
import pathlib
import sys

from flasharray_simulator.control import ControlError
from testbed.errors import BrokenTestbed
from testbed.layout import PLACES
from testbed.testbed import STATE_VARIABLE, Testbed

COMMANDS = {
    "up": "bring up both sites; what runs stays, what is there is kept",
    "down": "end every process; the data stay",
    "status": "say what runs; exit code 1 when anything does not",
    "kill": "let a site die at once, its array with it",
    "start": "bring a killed site back with its data",
    "reset": "put both sites back to what they were when they were made",
}
OF_ONE_SITE = ("kill", "start")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="testbed", description="Two OpenStack sites to kill.")
    result.add_argument(
        "--state-dir",
        type=pathlib.Path,
        help=f"where everything is kept (default: ${STATE_VARIABLE}, or build/testbed)",
    )
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in OF_ONE_SITE:
            command.add_argument("site", choices=PLACES)
    return result


def status(testbed: Testbed) -> int:
    missing = testbed.status()
    for site, names in missing.items():
        print(f"{site}: {'down: ' + ', '.join(names) if names else 'up'}")
    return 1 if any(missing.values()) else 0


def run(arguments: argparse.Namespace) -> int:
    testbed = Testbed(arguments.state_dir)
    if arguments.command == "status":
        return status(testbed)
    act = getattr(testbed, arguments.command)
    if arguments.command in OF_ONE_SITE:
        act(arguments.site)
    else:
        act()
    return 0


def main() -> int:
    arguments = parser().parse_args()
    try:
        return run(arguments)
    except (BrokenTestbed, ControlError, FileNotFoundError) as error:
        print(f"testbed {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
