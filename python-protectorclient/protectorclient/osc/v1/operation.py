# SPDX-License-Identifier: Apache-2.0
"""openstack protector operation ..."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import utils
from osc_lib.cli import pagination

from protectorclient.osc import columns, command
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
)
FORMATTERS = {
    "steps_completed": columns.JsonList,
    "steps_failed": columns.JsonList,
    "steps": columns.Steps,
}
LISTED = (*STARTED, "started_at", "completed_at")
HEADINGS = (
    "Operation ID",
    "Operation Type",
    "Status",
    "Progress",
    "Source Site",
    "Target Site",
    "Started At",
    "Completed At",
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
            choices=["queued", "running", "completed", "failed"],
            help="Only operations in this status: queued, running, completed or failed",
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
