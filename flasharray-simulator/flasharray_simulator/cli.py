# SPDX-License-Identifier: Apache-2.0
"""The command ``flasharray-simulator``."""

import argparse
import json
import logging
import pathlib
import signal
import sys
import threading
from typing import Any

from flasharray_simulator import settings
from flasharray_simulator.control import Control, ControlError
from flasharray_simulator.errors import BadSettings


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (BadSettings, ControlError) as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flasharray-simulator", description=__doc__)
    parsers = parser.add_subparsers(required=True, metavar="command")
    serve = parsers.add_parser("serve", help="run the arrays until a signal ends them")
    serve.add_argument("--config", type=pathlib.Path, required=True, help="TOML; see the README")
    serve.add_argument("--verbose", action="store_true", help="log every request")
    serve.set_defaults(run=_serve)
    control = parsers.add_parser("ctl", help="tell running arrays what happens to them")
    control.add_argument("--address", default="127.0.0.1:8440", help="of the control port")
    control.add_argument("command", help="such as write or array-down; a wrong one lists all")
    control.add_argument(
        "arguments",
        nargs="*",
        metavar="name=value",
        help="the command's arguments, such as array=fa-a; values may be JSON",
    )
    control.set_defaults(run=_control)
    return parser


def _serve(options: argparse.Namespace) -> None:
    # Here, as `ctl` has no use for a database and is quick without one.
    from flasharray_simulator.simulator import Simulator

    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    simulator = Simulator(settings.read(options.config))
    try:
        simulator.start()
    except OSError as error:
        raise BadSettings(f"an address cannot be listened on: {error}") from None
    print("ready", flush=True)
    ended.wait()
    simulator.stop()


def _control(options: argparse.Namespace) -> None:
    host, _, port = options.address.rpartition(":")
    given = dict(map(_argument, options.arguments))
    answer = Control(host, int(port)).call(options.command.replace("-", "_"), **given)
    if answer is not None:
        print(json.dumps(answer, indent=2))


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ControlError(f"give {text} as name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
