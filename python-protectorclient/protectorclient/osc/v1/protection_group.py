# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group ..."""

import argparse
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import utils
from osc_lib.cli import pagination

from protectorclient.osc import columns, command, mapping
from protectorclient.v1.protection_group import ProtectionGroup

SHOWN = (
    "id",
    "name",
    "status",
    "current_primary_site",
    "primary_site",
    "secondary_site",
    "failover_count",
    "last_failover_at",
    "remote_sync_status",
    "status_reason",
    "description",
    "project_id",
    "replication_type",
    "epoch",
    "version",
    "rpo_minutes",
    "replication_interval",
    "network_mapping",
    "flavor_mapping",
    "members",
    "fencing",
    "fenced",
    "drift",
    "last_test_at",
    "last_test_result",
    "last_test_rto_seconds",
    "last_test_outdated",
    "created_at",
    "updated_at",
)
FORMATTERS = {
    "network_mapping": columns.Mapping,
    "flavor_mapping": columns.Mapping,
    "members": columns.Names,
    "fenced": columns.Fenced,
    "drift": columns.Drift,
}
LISTED = (
    "id",
    "name",
    "status",
    "current_primary_site",
    "primary_site",
    "secondary_site",
    "remote_sync_status",
)
HEADINGS = (
    "ID",
    "Name",
    "Status",
    "Current Primary Site",
    "Primary Site",
    "Secondary Site",
    "Remote Sync Status",
)
POLICY = ("rpo_minutes", "replication_interval")


def _shown(group: ProtectionGroup) -> tuple[Any, ...]:
    row: tuple[Any, ...] = utils.get_item_properties(group, SHOWN, formatters=FORMATTERS)
    return row


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rpo-minutes",
        metavar="<minutes>",
        type=int,
        help="The age that the newest replicated snapshot should not exceed",
    )
    parser.add_argument(
        "--replication-interval",
        metavar="<seconds>",
        type=int,
        help="Time between two replicated snapshots, with replication type async (default: 300)",
    )
    parser.add_argument(
        "--fencing",
        metavar="<stop|report>",
        choices=["stop", "report"],
        help="What a site that comes back does with VMs of the group that still run there although"
        " the group runs on the other site by now: stop them (the default; they are never deleted),"
        " or only report them",
    )
    parser.add_argument("--description", metavar="<description>", help="What the group is for")


def _warn_of_drift(log: logging.Logger, group: ProtectionGroup) -> None:
    """Tell loudly what a failover would lack; on stderr, for the output is read by programs."""
    for entry in group.drift or []:
        log.warning("WARNING: %s: %s", group.name, columns.drift_told(entry))


def _given(parsed_args: argparse.Namespace, *fields: str) -> dict[str, Any]:
    values = {field: getattr(parsed_args, field) for field in fields}
    return {field: value for field, value in values.items() if value is not None}


class CreateProtectionGroup(command.ShowOne):
    """Create a protection group, on both sites"""

    example = """Example:
  openstack protector protection-group create prod-web-app \\
    --primary-site site-a --secondary-site site-b \\
    --network-mapping web=dr-web --flavor-mapping m1.large=m1.xlarge

Next, add the VMs that fail over together:
  openstack protector protection-group member add prod-web-app web-server-1"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="<name>", help="The group's name")
        parser.add_argument(
            "--primary-site", metavar="<site>", required=True, help="The site where the VMs run"
        )
        parser.add_argument(
            "--secondary-site",
            metavar="<site>",
            required=True,
            help="The site to which they fail over",
        )
        parser.add_argument(
            "--replication-type",
            choices=["async", "sync"],
            default="async",
            help="How the volumes are replicated: async, at an interval, or sync, each write at"
            " once (default: async)",
        )
        parser.add_argument(
            "--volume-type",
            metavar="<volume-type>",
            help="The VMs' volume type, when the site has several that are replicated",
        )
        _add_options(parser)
        mapping.add_options(parser, "Kept with the group, for every failover.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        attrs = _given(
            parsed_args,
            "name",
            "primary_site",
            "secondary_site",
            "replication_type",
            "volume_type",
            "description",
            "fencing",
            *POLICY,
            "network_mapping",
            "flavor_mapping",
        )
        return SHOWN, _shown(self.protector.create_protection_group(**attrs))


class ListProtectionGroup(command.Lister):
    """List protection groups"""

    example = """Example:
  openstack protector protection-group list --status active

Next:
  openstack protector protection-group show prod-web-app"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--name", metavar="<name>", help="Only the group of this name")
        parser.add_argument("--status", metavar="<status>", help="Only groups in this status")
        pagination.add_marker_pagination_option_to_parser(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        groups = list(
            self.protector.protection_groups(
                max_items=parsed_args.limit, **_given(parsed_args, "name", "status", "marker")
            )
        )
        for group in groups:
            _warn_of_drift(self.log, group)
        return HEADINGS, [utils.get_item_properties(group, LISTED) for group in groups]


class _OneGroup(command.Command):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        return parser


class ShowProtectionGroup(_OneGroup, command.ShowOne):
    """Show a protection group"""

    example = """Example:
  openstack protector protection-group show prod-web-app

Before a failover, look at status, current_primary_site and remote_sync_status. Next:
  openstack protector consistency-group show prod-web-app"""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        _warn_of_drift(self.log, group)
        return SHOWN, _shown(group)


class SetProtectionGroup(_OneGroup):
    """Change a protection group, on both sites"""

    example = """Example, one network more and a shorter interval:
  openstack protector protection-group set prod-web-app \\
    --network-mapping db=dr-db --replication-interval 300

Example, have a site that comes back after a failover only report the VMs that still run there:
  openstack protector protection-group set prod-web-app --fencing report"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_options(parser)
        mapping.add_options(parser, "Added to those kept with the group.")
        for kind in ("network", "flavor"):
            parser.add_argument(
                f"--no-{kind}-mapping",
                action="store_true",
                help=f"Forget the {kind} mapping kept with the group; with --{kind}-mapping,"
                " replace it",
            )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        group = self.find_group(parsed_args.group)
        changes = _given(parsed_args, "description", "fencing", *POLICY)
        changes |= _mappings(group, parsed_args)
        if changes:
            self.protector.update_protection_group(group, **changes)


def _mappings(group: ProtectionGroup, parsed_args: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return those mappings that change, whole."""
    changed = {}
    for name in ("network_mapping", "flavor_mapping"):
        given, afresh = getattr(parsed_args, name), getattr(parsed_args, f"no_{name}")
        if given or afresh:
            kept = {} if afresh else getattr(group, name)
            changed[name] = {**kept, **(given or {})}
    return changed


class DeleteProtectionGroup(_OneGroup):
    """Delete a protection group, on both sites; the VMs stay"""

    example = "Example:\n  openstack protector protection-group delete prod-web-app"

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.protector.delete_protection_group(self.find_group(parsed_args.group))


class ShowPolicy(_OneGroup, command.ShowOne):
    """Show the replication policy of a protection group"""

    example = """Example:
  openstack protector protection-group policy-show prod-web-app

To change it:
  openstack protector protection-group set prod-web-app --rpo-minutes 15"""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        policy = self.protector.get_replication_policy(self.find_group(parsed_args.group))
        return POLICY, utils.get_item_properties(policy, POLICY)


class Release(_OneGroup):
    """Let what a protection group left on its other site go

    After a failover the old VMs stay there, stopped and locked, and their volumes marked, so that
    the group can fail back onto them. Released, they are unlocked and yours to delete or to keep;
    nothing is deleted by this. A later failback makes VMs and volumes of their own there.
    """

    example = """Example, on the site on which the group runs:
  export OS_CLOUD=site-b
  openstack protector protection-group release prod-web-app

Next, on the other site, delete what is of no use any more:
  export OS_CLOUD=site-a
  openstack server delete <vm>"""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.protector.release(self.find_group(parsed_args.group))


class ResetState(_OneGroup):
    """Set the status of a protection group by hand, after an operation that died

    Refused while an engine works on the group, unless forced.
    """

    example = """Example, after making sure that nothing works on it any more:
  openstack protector operation list --protection-group prod-web-app
  openstack protector protection-group reset-state prod-web-app --state active

Next, fail over again:
  openstack protector protection-group failover prod-web-app --type unplanned"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--state",
            metavar="<state>",
            choices=["active", "error", "failed_over"],
            default="active",
            help="The new status: active (default), error or failed_over",
        )
        parser.add_argument(
            "--force", action="store_true", help="Even while an engine says that it works on it"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        group = self.find_group(parsed_args.group)
        self.protector.reset_state(group, parsed_args.state, force=parsed_args.force)
