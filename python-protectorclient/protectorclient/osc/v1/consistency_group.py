# SPDX-License-Identifier: Apache-2.0
"""openstack protector consistency-group ..."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from protectorclient.osc import columns, command


class ShowConsistencyGroup(command.ShowOne):
    """Show what stands behind a protection group on this site

    On the site where the VMs run: Cinder's group, the array's group and its replication. On the
    other one: the replicated snapshots that the array holds.
    """

    example = """Example:
  openstack protector consistency-group show prod-web-app

Next, when the primary site is gone:
  openstack protector protection-group failover prod-web-app --type unplanned --wait"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        found = self.protector.get_consistency_group(self.find_group(parsed_args.group))
        return tuple(found.told), [_value(*item) for item in found.told.items()]


def _value(field: str, value: Any) -> Any:
    if field == "snapshots":
        return columns.Snapshots(value)
    return columns.JsonList(value) if isinstance(value, list) else value
