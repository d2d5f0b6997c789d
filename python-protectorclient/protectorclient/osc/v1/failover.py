# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group failover"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions as osc

from protectorclient.osc import command, elsewhere, mapping, progress, readiness
from protectorclient.osc.v1 import operation as operations
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.operation import Operation
from protectorclient.v1.readiness import Readiness


class FailOver(elsewhere.AtTheRightSite, readiness.TellsReadiness):
    """Fail a protection group over to this site

    Unplanned: the other site is gone. Its VMs come up here, from the latest complete snapshot that
    was replicated; what was written after that is lost. The other site is not asked for anything.

    With --dry-run nothing is done: it is told what stands in the way, and what would be done. The
    exit code is 1 when there is an error.
    """

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group failover prod-web-app --type unplanned \\
    --network-mapping web=dr-web --flavor-mapping m1.large=m1.xlarge --wait

Before, on a quiet day too:
  openstack protector protection-group failover prod-web-app --type unplanned --dry-run

Next, without --wait:
  watch openstack protector operation show <operation-id>
When it is completed:
  openstack server list
When the other site is back:
  openstack protector protection-group sync-force prod-web-app"""

    failed_with: str | None = None

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        parser.add_argument(
            "--type",
            choices=["unplanned"],
            required=True,
            help="unplanned: without the other site",
        )
        mapping.add_options(parser, "For this execution; it overrides what is kept with the group.")
        parser.add_argument(
            "--accept-stale-metadata",
            action="store_true",
            help="Go on although a change made on the other site never arrived here whole",
        )
        waiting = parser.add_mutually_exclusive_group()
        waiting.add_argument(
            "--wait",
            action="store_true",
            help="Show the progress until it has ended; exit with 1 when it failed",
        )
        waiting.add_argument(
            "--dry-run",
            action="store_true",
            help="Change nothing: tell what stands in the way, and what would be done; exit with 1"
            " when there is an error",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        if parsed_args.dry_run:
            found = self.at_the_right_site(lambda there: _check(there, parsed_args))
            return self.told(parsed_args.group, found)
        protector, operation = self.at_the_right_site(
            lambda there: (there, _submit(there, parsed_args))
        )
        if not parsed_args.wait:
            return operations.STARTED, operations.shown(operation, operations.STARTED)
        self.remark(
            f"Operation {operation.id} is {operation.status}. It goes on if you interrupt this"
            f" command; follow it with: openstack protector operation show {operation.id}"
        )
        operation = progress.follow(operation, protector.get_operation, sys.stderr)
        if operation.status != "completed":
            cancelled = f"Operation {operation.id} was {operation.status}"
            self.failed_with = operation.error_message or cancelled
        return operations.SHOWN, operations.shown(operation)

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]
    ) -> int:
        result: int = super().produce_output(parsed_args, column_names, data)
        if self.failed_with:
            raise osc.CommandError(self.failed_with)
        return result


def _submit(protector: Proxy, parsed_args: argparse.Namespace) -> Operation:
    group = command.find_group(protector, parsed_args.group)
    return protector.fail_over(group, **_given(parsed_args))


def _check(protector: Proxy, parsed_args: argparse.Namespace) -> Readiness:
    group = command.find_group(protector, parsed_args.group)
    return protector.check(group, **_given(parsed_args))


def _given(parsed_args: argparse.Namespace) -> dict[str, Any]:
    return {
        "network_mapping": parsed_args.network_mapping,
        "flavor_mapping": parsed_args.flavor_mapping,
        "accept_stale_metadata": parsed_args.accept_stale_metadata,
    }
