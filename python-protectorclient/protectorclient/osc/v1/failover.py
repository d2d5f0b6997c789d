# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group failover"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from openstack import exceptions as sdk
from openstack.connection import Connection
from osc_lib import exceptions as osc

from protectorclient.osc import command, errors, mapping, progress
from protectorclient.osc.v1 import operation as operations
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.operation import Operation


class FailOver(command.ShowOne):
    """Fail a protection group over to this site

    Unplanned: the other site is gone. Its VMs come up here, from the latest complete snapshot that
    was replicated; what was written after that is lost. The other site is not asked for anything.
    """

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group failover prod-web-app --type unplanned \\
    --network-mapping web=dr-web --flavor-mapping m1.large=m1.xlarge --wait

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
        parser.add_argument(
            "--wait",
            action="store_true",
            help="Show the progress until it has ended; exit with 1 when it failed",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        protector, operation = self._start(parsed_args)
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

    def _start(self, parsed_args: argparse.Namespace) -> tuple[Proxy, Operation]:
        try:
            return self.protector, _submit(self.protector, parsed_args)
        except sdk.ConflictException as refusal:
            known = errors.details(refusal)
            right_site = (known.get("details") or {}).get("right_site")
            if known.get("code") != errors.WRONG_SITE or right_site not in self.clouds:
                raise
            self.remark(f"{known['message']}\nDoing that for you: your clouds.yaml has it.")
            return self._start_on(right_site, parsed_args)

    def _start_on(self, site: str, parsed_args: argparse.Namespace) -> tuple[Proxy, Operation]:
        cloud = self.app.cloud_config.get_one(cloud=site)
        connection = Connection(config=cloud)
        with errors.of_signing_in(cloud, self.clouds):
            connection.session.get_token()
        with errors.of_asking(cloud):
            protector = command.protector_of(connection)
            return protector, _submit(protector, parsed_args)


def _submit(protector: Proxy, parsed_args: argparse.Namespace) -> Operation:
    return protector.fail_over(
        command.find_group(protector, parsed_args.group),
        network_mapping=parsed_args.network_mapping,
        flavor_mapping=parsed_args.flavor_mapping,
        accept_stale_metadata=parsed_args.accept_stale_metadata,
    )
