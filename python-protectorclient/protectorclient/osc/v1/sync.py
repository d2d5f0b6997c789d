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
FORCE = ("peer_site", "status", "version", "checksum", "duration_ms")


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

    Refused, with both versions named, when the other site has changes of its own.
    """

    example = """Example, when the other site is back:
  openstack protector protection-group sync-force prod-web-app

Next:
  openstack protector protection-group sync-status prod-web-app"""

    formatter_namespace = "protectorclient.formatter.sync_force"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        if isinstance(self.formatter, SyncForceText):
            sync = self._tell(group, self.formatter)
        else:
            sync = self.protector.force_sync(group)
        return FORCE, utils.get_item_properties(sync, FORCE)

    def _tell(self, group: ProtectionGroup, text: SyncForceText) -> Sync:
        """Push, and say before the answer what is being done, and if the site was not reached."""
        for line in text.opening():
            print(line, file=self.app.stdout, flush=True)
        try:
            return self.protector.force_sync(group)
        except sdk.HttpException as refusal:
            known = errors.details(refusal)
            if known.get("code") == errors.PEER_UNREACHABLE:
                print(
                    text.unreachable(known["details"]["peer_site"], known["details"]["reason"]),
                    file=self.app.stdout,
                )
            raise
