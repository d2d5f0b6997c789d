# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group member ..."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions as osc
from osc_lib import utils

from protectorclient.osc import columns, command
from protectorclient.v1.member import Member
from protectorclient.v1.protection_group import ProtectionGroup

WISHES = ("boot_priority", "criticality", "wait_port")
SHOWN = ("server_id", "name", "flavor", "networks", "volumes", "status", *WISHES)
HEADINGS = (
    "Server ID",
    "Name",
    "Flavor",
    "Networks",
    "Volumes",
    "Status",
    "Boot Priority",
    "Criticality",
    "Wait Port",
)
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

    def find_member(self, group: ProtectionGroup, parsed_args: argparse.Namespace) -> Member:
        """Return the member that is meant."""
        found = [
            member
            for member in self.protector.members(group)
            if parsed_args.server in (member.server_id, member.name)
        ]
        if len(found) != 1:
            ids = [member.server_id for member in found]
            raise osc.CommandError(_not_one(parsed_args.server, parsed_args.group, ids))
        return found[0]


def _add_wishes(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a member is to be recovered."""
    parser.add_argument(
        "--boot-priority",
        metavar="<1-5>",
        type=int,
        choices=range(1, 6),
        help="When a failover starts it: 1 first, 5 last (3 unless it is given). VMs of one"
        " priority are started together, when all of the one before are ACTIVE",
    )
    parser.add_argument(
        "--criticality",
        metavar="<criticality>",
        choices=["critical", "optional"],
        help="critical (unless it is given): a failover that cannot bring it up has failed;"
        " optional: it is completed all the same, says why, and can be repeated for it",
    )


def _add_wait_port(parser: Any) -> None:
    parser.add_argument(
        "--wait-port",
        metavar="<port>",
        type=int,
        help="TCP port of the VM that has to answer before VMs of the next priority are started,"
        " as long as the site is configured to wait for it; then they are started all the same",
    )


class AddMember(_OneServer, command.ShowOne):
    """Protect a server: add it to a protection group

    All its volumes have to be of the group's volume type. Everything that is needed to rebuild it
    is recorded on both sites.
    """

    example = """Example:
  openstack protector protection-group member add prod-web-app web-server-1

Example, a database that has to answer before what needs it is started:
  openstack protector protection-group member add prod-web-app db-server-1 \\
    --boot-priority 1 --wait-port 5432

Next, see that both sites know it:
  openstack protector protection-group sync-status prod-web-app"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_wishes(parser)
        _add_wait_port(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        wishes = _given(parsed_args)
        return SHOWN, _row(self.protector.add_member(group, parsed_args.server, **wishes))


class SetMember(_OneServer):
    """Change how a member of a protection group is to be recovered"""

    example = """Example, a VM without which the group is of use too, started last:
  openstack protector protection-group member set prod-web-app report-server-1 \\
    --boot-priority 5 --criticality optional

Next:
  openstack protector protection-group member list prod-web-app"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_wishes(parser)
        port = parser.add_mutually_exclusive_group()
        _add_wait_port(port)
        port.add_argument("--no-wait-port", action="store_true", help="Wait for no port of it")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        group = self.find_group(parsed_args.group)
        changes = _given(parsed_args) | ({"wait_port": None} if parsed_args.no_wait_port else {})
        if changes:
            member = self.find_member(group, parsed_args)
            self.protector.update_member(group, member.id, **changes)


class ShowMember(_OneServer, command.ShowOne):
    """Show a member of a protection group"""

    example = (
        "Example:\n  openstack protector protection-group member show prod-web-app web-server-1"
    )

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        return SHOWN, _row(self.find_member(group, parsed_args))


class RemoveMember(_OneServer):
    """Protect a server no longer: remove it from a protection group"""

    example = """Example:
  openstack protector protection-group member remove prod-web-app web-server-1"""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        group = self.find_group(parsed_args.group)
        self.protector.remove_member(group, self.find_member(group, parsed_args).id)


def _given(parsed_args: argparse.Namespace) -> dict[str, Any]:
    values = {wish: getattr(parsed_args, wish) for wish in WISHES}
    return {wish: value for wish, value in values.items() if value is not None}


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
