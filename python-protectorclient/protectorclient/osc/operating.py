# SPDX-License-Identifier: Apache-2.0
"""Commands that start an operation: wait for it or not, or only have it thought through."""

import argparse
import datetime
from collections.abc import Callable

from protectorclient.osc import command, following
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.operation import Operation
from protectorclient.v1.protection_group import ProtectionGroup


class StartsOperation(following.Follows):
    """One operation of one group, at the site that is right for it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        self.waiting = parser.add_mutually_exclusive_group()
        self.waiting.add_argument(
            "--wait",
            action="store_true",
            help="Show the progress until it has ended; exit with 1 when it failed",
        )
        return parser

    def add_dry_run(self) -> None:
        self.waiting.add_argument(
            "--dry-run",
            action="store_true",
            help="Change nothing: tell what stands in the way, and what would be done; exit with 1"
            " when there is an error",
        )

    def started(
        self,
        parsed_args: argparse.Namespace,
        submit: Callable[[Proxy, ProtectionGroup], Operation],
    ) -> following.Row:
        """Start the operation of the group at the right site, and wait for it if that is asked."""

        def ask(there: Proxy) -> tuple[Proxy, Operation]:
            return there, submit(there, command.find_group(there, parsed_args.group))

        protector, operation = self.at_the_right_site(ask)
        return self.told_of(protector, operation, wait=parsed_args.wait)


def add_points(parser: argparse.ArgumentParser) -> None:
    """Let an older snapshot be chosen."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--snapshot",
        metavar="<snapshot>",
        help="Recover from this snapshot instead of the newest complete one, and the VMs as they"
        " were then; see: openstack protector protection-group snapshot list",
    )
    which.add_argument(
        "--before",
        metavar="<time>",
        type=_moment,
        help="Recover from the newest complete snapshot that was taken until this time, written as"
        " 2025-06-15T03:40:00Z, or with another time zone's offset instead of Z",
    )


def point(parsed_args: argparse.Namespace) -> dict[str, str | None]:
    """Return which snapshot was chosen."""
    return {"snapshot": parsed_args.snapshot, "before": parsed_args.before}


def _moment(text: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time with its time zone. Write it as 2025-06-15T03:40:00Z"
        )
    return moment.isoformat()
