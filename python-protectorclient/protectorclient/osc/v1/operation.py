# SPDX-License-Identifier: Apache-2.0
"""openstack protector operation ..."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import utils
from osc_lib.cli import pagination

from protectorclient.osc import columns, command, mapping
from protectorclient.v1.operation import Operation

STARTED = (
    "operation_id",
    "operation_type",
    "status",
    "progress",
    "source_site",
    "target_site",
)
SHOWN = (
    *STARTED,
    "steps_completed",
    "steps_failed",
    "started_at",
    "completed_at",
    "error_message",
    "group_id",
    "steps",
    "created_at",
    "retry_of",
    "cancel",
)
FORMATTERS = {
    "steps_completed": columns.JsonList,
    "steps_failed": columns.JsonList,
    "steps": columns.Steps,
}
LISTED = (*STARTED, "started_at", "completed_at", "retry_of", "cancel")
HEADINGS = (
    "Operation ID",
    "Operation Type",
    "Status",
    "Progress",
    "Source Site",
    "Target Site",
    "Started At",
    "Completed At",
    "Retry Of",
    "Cancel",
)


def shown(operation: Operation, fields: Sequence[str] = SHOWN) -> tuple[Any, ...]:
    """Return the operation's row."""
    row: tuple[Any, ...] = utils.get_item_properties(operation, fields, formatters=FORMATTERS)
    return row


class ListOperation(command.Lister):
    """List operations that ran on this site, newest first"""

    example = """Example:
  openstack protector operation list --protection-group prod-web-app

Next:
  openstack protector operation show <operation-id>"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--protection-group",
            metavar="<protection-group>",
            help="Only operations of this group, by name or id",
        )
        parser.add_argument(
            "--status",
            metavar="<status>",
            choices=["queued", "running", "completed", "failed", "cancelled"],
            help="Only operations in this status: queued, running, completed, failed or cancelled",
        )
        pagination.add_marker_pagination_option_to_parser(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        query = {"status": parsed_args.status, "marker": parsed_args.marker}
        if parsed_args.protection_group:
            query["group_id"] = self.find_group(parsed_args.protection_group).id
        operations = self.protector.operations(
            max_items=parsed_args.limit,
            **{name: value for name, value in query.items() if value is not None},
        )
        return HEADINGS, [shown(operation, LISTED) for operation in operations]


class ShowOperation(command.ShowOne):
    """Show an operation: its progress, its steps, and what went wrong"""

    example = """Example:
  watch openstack protector operation show <operation-id>

Next, when it is completed:
  openstack server list"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("operation", metavar="<operation-id>", help="Id of the operation")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        return SHOWN, shown(self.protector.get_operation(parsed_args.operation))


class RetryOperation(command.ShowOne):
    """Do what a failed or cancelled operation left

    Starts an operation that makes only what is missing: VMs that run stay as they are, and volumes
    and ports that were made are used.
    """

    example = """Example, with the mapping that was missing:
  openstack protector operation retry <operation-id> --network-mapping db=dr-db

Example, giving up a VM that cannot be brought up:
  openstack protector operation retry <operation-id> --skip report-server-1

Next:
  watch openstack protector operation show <id of the new operation>"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "operation", metavar="<operation-id>", help="Id of the failed or cancelled operation"
        )
        mapping.add_options(
            parser, "Laid over those the operation was given, and those kept with the group."
        )
        parser.add_argument(
            "--skip",
            metavar="<vm>",
            action="append",
            default=[],
            help="Name or id of a VM to leave out for good; repeat it for each. The group is failed"
            " over without it; volumes that were made of it stay, and the step names them",
        )
        parser.add_argument(
            "--accept-stale-metadata",
            action="store_true",
            help="Go on although a change made on the other site never arrived here whole",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        operation = self.protector.retry_operation(
            parsed_args.operation,
            network_mapping=parsed_args.network_mapping,
            flavor_mapping=parsed_args.flavor_mapping,
            skip=parsed_args.skip,
            accept_stale_metadata=parsed_args.accept_stale_metadata,
        )
        fields = (*STARTED, "retry_of")
        return fields, shown(operation, fields)


class CancelOperation(command.ShowOne):
    """Stop an operation at the next safe point

    A step that has begun is ended first. Then all that the operation has made is undone: its
    volumes and ports, and its VMs, also those that run already. The group is what it was before,
    and can be failed over anew. With --keep, nothing is undone: VMs that run go on, and volumes
    that were made wait for a retry.
    """

    example = """Example, as if it had never been asked for:
  openstack protector operation cancel <operation-id>

Example, stop, see what is wrong, and go on from there:
  openstack protector operation cancel <operation-id> --keep
  openstack protector operation show <operation-id>
  openstack protector operation retry <operation-id>"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("operation", metavar="<operation-id>", help="Id of the operation")
        parser.add_argument(
            "--keep",
            action="store_true",
            help="Leave what was made for a later retry, instead of undoing it",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        operation = self.protector.cancel_operation(parsed_args.operation, keep=parsed_args.keep)
        fields = (*STARTED, "cancel")
        return fields, shown(operation, fields)
