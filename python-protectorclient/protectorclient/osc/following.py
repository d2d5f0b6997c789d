# SPDX-License-Identifier: Apache-2.0
"""Commands that start an operation, and can wait until it has ended."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions as osc

from protectorclient.osc import elsewhere, progress, readiness
from protectorclient.osc.v1 import operation as operations
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.operation import Operation

Row = tuple[Sequence[str], Iterable[Any]]


class Follows(elsewhere.AtTheRightSite, readiness.TellsReadiness):
    failed_with: str | None = None

    def told_of(self, protector: Proxy, operation: Operation, *, wait: bool) -> Row:
        """Return what is shown of it: at once, or when it has ended.

        :param protector: of the site where it was started.
        """
        if not wait:
            return operations.STARTED, operations.shown(operation, operations.STARTED)
        operation = self.follow(protector, operation)
        if operation.status != "completed":
            self.failed_with = _why(operation)
        return operations.SHOWN, operations.shown(operation)

    def follow(self, protector: Proxy, operation: Operation) -> Operation:
        """Show its progress until it has ended."""
        self.remark(
            f"Operation {operation.id} is {operation.status}. It goes on if you interrupt this"
            f" command; follow it with: openstack protector operation show {operation.id}"
        )
        return progress.follow(operation, protector.get_operation, sys.stderr)

    def must_complete(self, protector: Proxy, operation: Operation) -> None:
        """:raises CommandError: it did not, and why."""
        operation = self.follow(protector, operation)
        if operation.status != "completed":
            raise osc.CommandError(_why(operation))

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Sequence[Any]
    ) -> int:
        result: int = super().produce_output(parsed_args, column_names, data)
        if self.failed_with:
            raise osc.CommandError(self.failed_with)
        return result


def _why(operation: Operation) -> str:
    return operation.error_message or f"Operation {operation.id} was {operation.status}"
