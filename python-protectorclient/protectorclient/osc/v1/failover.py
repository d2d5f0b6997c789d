# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group failover"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from protectorclient.osc import command, mapping, operating


class FailOver(operating.StartsOperation):
    """Fail a protection group over to this site

    Unplanned: the other site is gone. Its VMs come up here, from the latest complete snapshot that
    was replicated, or an older one; what was written after that is lost. The other site is not
    asked for anything.

    Planned: both sites are well. The other site shuts its VMs down and sends the last of their
    data, so that nothing is lost; then they come up here. Whatever goes wrong before both sites
    have changed roles is undone, and the VMs run on where they were. Until a failback the old VMs
    stay there, stopped and locked.

    With --dry-run nothing is done: it is told what stands in the way, and what would be done. The
    exit code is 1 when there is an error.
    """

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group failover prod-web-app --type unplanned \\
    --network-mapping web=dr-web --flavor-mapping m1.large=m1.xlarge --wait

To move to this site while both are well:
  openstack protector protection-group failover prod-web-app --type planned --wait

Before, on a quiet day too:
  openstack protector protection-group failover prod-web-app --type unplanned --dry-run

Example, when the newest snapshots hold what you want to be rid of:
  openstack protector protection-group snapshot list prod-web-app
  openstack protector protection-group failover prod-web-app --type unplanned \\
    --before 2025-06-15T03:40:00Z --wait

Next, without --wait:
  watch openstack protector operation show <operation-id>
When it is completed:
  openstack server list
When the other site is back, after an unplanned one:
  openstack protector protection-group sync-force prod-web-app"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--type",
            choices=["planned", "unplanned"],
            required=True,
            help="planned: both sites are well, and nothing is lost; unplanned: without the other"
            " site",
        )
        operating.add_points(parser)
        mapping.add_options(parser, "For this execution; it overrides what is kept with the group.")
        parser.add_argument(
            "--accept-stale-metadata",
            action="store_true",
            help="Go on although a change made on the other site never arrived here whole",
        )
        self.add_dry_run()
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        given = _given(parsed_args)
        if not parsed_args.dry_run:
            return self.started(parsed_args, lambda there, group: there.fail_over(group, **given))
        found = self.at_the_right_site(
            lambda there: there.check(command.find_group(there, parsed_args.group), **given)
        )
        return self.told(parsed_args.group, found)


def _given(parsed_args: argparse.Namespace) -> dict[str, Any]:
    return {
        "type": parsed_args.type,
        "network_mapping": parsed_args.network_mapping,
        "flavor_mapping": parsed_args.flavor_mapping,
        "accept_stale_metadata": parsed_args.accept_stale_metadata,
        **operating.point(parsed_args),
    }
