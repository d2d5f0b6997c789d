# SPDX-License-Identifier: Apache-2.0
"""openstack protector tenant-mapping ..."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from openstack import exceptions as sdk
from osc_lib import exceptions as osc
from osc_lib import utils

from protectorclient.osc import command

SHOWN = ("id", "project_id", "peer_site", "peer_project_id", "created_at")
HEADINGS = ("ID", "Project ID", "Peer Site", "Peer Project ID", "Created At")


class CreateTenantMapping(command.ShowOne):
    """Pair a project of this site with one of the other site

    A protection group of the one project comes up in the other. Pair them on both sites.
    """

    example = """Example, on site-a:
  openstack protector tenant-mapping create --project acme \\
    --peer-site site-b --peer-project 0f4c9e0d2b6a4c3f8a3f5d7e9b1c2d3e"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--project",
            metavar="<project>",
            required=True,
            help="Name or id of this site's project",
        )
        parser.add_argument(
            "--peer-site", metavar="<site>", required=True, help="Name of the other site"
        )
        parser.add_argument(
            "--peer-project", metavar="<id>", required=True, help="Id of the other site's project"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        mapping = self.protector.create_tenant_mapping(
            project_id=self._project_id(parsed_args.project),
            peer_site=parsed_args.peer_site,
            peer_project_id=parsed_args.peer_project,
        )
        return SHOWN, utils.get_item_properties(mapping, SHOWN)

    def _project_id(self, name_or_id: str) -> str:
        identity: Any = self.app.client_manager.sdk_connection.identity
        try:
            project_id: str = identity.find_project(name_or_id, ignore_missing=False).id
        except (sdk.NotFoundException, sdk.DuplicateResource) as error:
            raise osc.CommandError(
                f"No project {name_or_id} here, or several. See: openstack project list --long"
            ) from error
        return project_id


class ListTenantMapping(command.Lister):
    """List which projects are paired with which of the other site"""

    example = "Example:\n  openstack protector tenant-mapping list"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        mappings = self.protector.tenant_mappings()
        return HEADINGS, [utils.get_item_properties(mapping, SHOWN) for mapping in mappings]


class _OneTenantMapping(command.Command):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("mapping", metavar="<tenant-mapping>", help="Id of the tenant mapping")
        return parser


class ShowTenantMapping(_OneTenantMapping, command.ShowOne):
    """Show a pair of projects"""

    example = "Example:\n  openstack protector tenant-mapping show <id>"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        mapping = self.protector.get_tenant_mapping(parsed_args.mapping)
        return SHOWN, utils.get_item_properties(mapping, SHOWN)


class DeleteTenantMapping(_OneTenantMapping):
    """Part two projects"""

    example = "Example:\n  openstack protector tenant-mapping delete <id>"

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.protector.delete_tenant_mapping(parsed_args.mapping)
