# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group member ..."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions as osc
from osc_lib import utils

from protectorclient.osc import columns, command
from protectorclient.v1.member import Member

SHOWN = ("server_id", "name", "flavor", "networks", "volumes", "status")
HEADINGS = ("Server ID", "Name", "Flavor", "Networks", "Volumes", "Status")
FORMATTERS = {"networks": columns.Names, "volumes": columns.Names}


def _row(member: Member) -> tuple[Any, ...]:
    row: tuple[Any, ...] = utils.get_item_properties(member, SHOWN, formatters=FORMATTERS)
    return row


class _OneServer(command.Command):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        parser.add_argument("server", metavar="<server>", help="Name or id of the server")
        return parser


class AddMember(_OneServer, command.ShowOne):
    """Protect a server: add it to a protection group

    All its volumes have to be of the group's volume type. Everything that is needed to rebuild it
    is recorded on both sites.
    """

    example = """Example:
  openstack protector protection-group member add prod-web-app web-server-1

Next, see that both sites know it:
  openstack protector protection-group sync-status prod-web-app"""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        return SHOWN, _row(self.protector.add_member(group, parsed_args.server))


class RemoveMember(_OneServer):
    """Protect a server no longer: remove it from a protection group"""

    example = """Example:
  openstack protector protection-group member remove prod-web-app web-server-1"""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        group = self.find_group(parsed_args.group)
        found = [
            member.server_id
            for member in self.protector.members(group)
            if parsed_args.server in (member.server_id, member.name)
        ]
        if len(found) != 1:
            raise osc.CommandError(_not_one(parsed_args.server, parsed_args.group, found))
        self.protector.remove_member(group, found[0])


def _not_one(server: str, group: str, found: Sequence[str]) -> str:
    if found:
        return (
            f"More than one member of {group} is named {server}: {', '.join(found)}."
            " Give the id of the one you mean"
        )
    return (
        f"Server {server} is not a member of protection group {group}. See:"
        f" openstack protector protection-group member list {group}"
    )


class ListMember(command.Lister):
    """List the members of a protection group"""

    example = "Example:\n  openstack protector protection-group member list prod-web-app"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        return HEADINGS, [_row(member) for member in self.protector.members(group)]
