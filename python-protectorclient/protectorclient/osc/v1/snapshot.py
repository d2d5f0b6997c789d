# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group snapshot list"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import utils

from protectorclient.osc import columns, command, elsewhere

LISTED = ("name", "created_at", "complete", "progress", "sent_bytes", "age_seconds")
HEADINGS = ("Name", "Created At", "Complete", "Progress", "Size", "Age")
FORMATTERS = {
    "progress": columns.Percent,
    "sent_bytes": columns.Size,
    "age_seconds": columns.Age,
}


class ListSnapshot(elsewhere.AtTheRightSite, command.Lister):
    """List the replicated snapshots of a protection group on this site, newest first

    Each is a point in time to which the group can be recovered here, if it is complete: all of it
    has arrived. Its size is what had changed since the one before.
    """

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group snapshot list prod-web-app

Next, to try an older one without any harm:
  openstack protector protection-group test-failover prod-web-app --snapshot <name> --wait"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        found = self.at_the_right_site(
            lambda there: list(there.snapshots(command.find_group(there, parsed_args.group)))
        )
        return HEADINGS, [
            utils.get_item_properties(one, LISTED, formatters=FORMATTERS) for one in found
        ]
