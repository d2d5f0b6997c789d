# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group sync-status | sync-force"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from openstack import exceptions as sdk
from osc_lib import utils

from protectorclient.osc import errors
from protectorclient.osc.text import ShowText, SyncForceText
from protectorclient.v1.protection_group import ProtectionGroup
from protectorclient.v1.sync import Sync

STATUS = ("group_id", "name", "status", "in_sync", "local", "remote", "actions")
FORCE = (
    "name",
    "peer_site",
    "status",
    "version",
    "checksum",
    "duration_ms",
    "source_site",
    "overwritten",
)


class _OneGroup(ShowText):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        return parser


class ShowSyncStatus(_OneGroup):
    """Show how a group's metadata here stands against the other site's, as last known here"""

    example = """Example:
  openstack protector protection-group sync-status prod-web-app

Next, when they differ and the other site is back:
  openstack protector protection-group sync-force prod-web-app"""

    formatter_namespace = "protectorclient.formatter.sync_status"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        status = self.protector.get_sync_status(self.find_group(parsed_args.group))
        return STATUS, utils.get_item_properties(status, STATUS)


class ForceSync(_OneGroup):
    """Push a group's metadata from this site to the other

    Refused, with both versions and their differences named, when the other site has changes of
    its own. Then say whose version holds, by --force-direction. What that means:

    * primary and secondary are the sites that "protection-group show" prints as primary_site and
      secondary_site, wherever the VMs run now.
    * The version that holds becomes a new one on both sites, numbered after both. The other one
      is overwritten, and kept: "protection-group document list | show | diff".
    * The version that holds also says on which site the VMs run (current_primary_site). VMs of
      the group that still run on the other site are fenced as the group's fencing says: stopped,
      never deleted, or only reported.
    """

    example = """Example, when the other site is back:
  openstack protector protection-group sync-force prod-web-app

Example, when each site has changes of its own, and those of the secondary site are to hold:
  openstack protector protection-group sync-status prod-web-app
  openstack protector protection-group sync-force prod-web-app \\
    --force-direction secondary-to-primary

Next:
  openstack protector protection-group sync-status prod-web-app"""

    formatter_namespace = "protectorclient.formatter.sync_force"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--force-direction",
            metavar="<direction>",
            choices=["secondary-to-primary", "primary-to-secondary"],
            help="Whose version holds when each site has changes of its own: secondary-to-primary"
            " (that of the secondary_site) or primary-to-secondary (that of the primary_site)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group, direction = self.find_group(parsed_args.group), parsed_args.force_direction
        if isinstance(self.formatter, SyncForceText):
            sync = self._tell(group, direction, self.formatter)
        else:
            sync = self.protector.force_sync(group, direction)
        return FORCE, (group.name, *utils.get_item_properties(sync, FORCE[1:]))

    def _tell(self, group: ProtectionGroup, direction: str | None, text: SyncForceText) -> Sync:
        """Push, and say before the answer what is being done, and if the site was not reached."""
        for line in text.opening():
            print(line, file=self.app.stdout, flush=True)
        try:
            return self.protector.force_sync(group, direction)
        except sdk.HttpException as refusal:
            known = errors.details(refusal)
            if known.get("code") == errors.PEER_UNREACHABLE:
                print(
                    text.unreachable(known["details"]["peer_site"], known["details"]["reason"]),
                    file=self.app.stdout,
                )
            raise
