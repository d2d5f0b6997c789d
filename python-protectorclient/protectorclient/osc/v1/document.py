# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group document list | show | diff"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions as osc
from osc_lib import utils

from protectorclient.osc import columns, command
from protectorclient.v1.document import Document

LISTED = (
    "version",
    "epoch",
    "standing",
    "site",
    "modified_at",
    "members",
    "checksum",
    "kept_at",
)
HEADINGS = (
    "Version",
    "Epoch",
    "Standing",
    "Site",
    "Modified At",
    "Members",
    "Checksum",
    "Kept At",
)
FORMATTERS = {
    "projects": columns.Mapping,
    "policy": columns.Mapping,
    "mappings": columns.Mappings,
    "consistency_group": columns.Mapping,
    "members": columns.Names,
    "drift": columns.Drift,
}
CHANGES = ("What", "Before", "After")
# Characters. A shorter number is a version, also one that is kept no more.
CHECKSUM_LEAST = 7
VERSION = f"its version, or the beginning of its checksum ({CHECKSUM_LEAST} characters or more)"


class _OneGroup(command.Command):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        return parser


class ListDocument(_OneGroup, command.Lister):
    """List the versions of a group's recovery document that this site keeps, newest first

    By its standing a version is:

    * current: in force; a failover recovers this one.
    * prepared: sent by the other site, which has not confirmed it.
    * past: one from which the current one came.
    * overwritten: it lost when a conflict was settled with sync-force --force-direction.
    * abandoned: it was prepared and not confirmed when a failover here overtook it.
    """

    example = """Example:
  openstack protector protection-group document list prod-web-app

Next, what the current version changed:
  openstack protector protection-group document diff prod-web-app"""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        documents = self.protector.documents(self.find_group(parsed_args.group))
        formatters = {"checksum": columns.Checksum}
        return HEADINGS, [
            utils.get_item_properties(document, LISTED, formatters=formatters)
            for document in documents
        ]


class ShowDocument(_OneGroup, command.ShowOne):
    """Show a version of a group's recovery document: all that is needed to rebuild its VMs

    The table names the VMs; -f json or yaml gives all that is known of them.
    """

    example = """Example, the version in force:
  openstack protector protection-group document show prod-web-app -f json

Example, an earlier one, and one of several that have the same version:
  openstack protector protection-group document show prod-web-app 3
  openstack protector protection-group document show prod-web-app 9f86d0818848"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        # No option --version: "openstack" itself takes that, wherever it stands.
        parser.add_argument(
            "version",
            metavar="<version>",
            nargs="?",
            help=f"Which one: {VERSION} (default: the current)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        group = self.find_group(parsed_args.group)
        known = list(self.protector.documents(group))
        wanted = _wanted(known, parsed_args.version, parsed_args.group)
        document = self.protector.get_document(group, wanted.checksum)
        told = {"checksum": document.checksum, "standing": document.standing, **document.content}
        return tuple(told), [_column(*item) for item in told.items()]


class DiffDocument(_OneGroup, command.Lister):
    """List what changed from one version of a group's recovery document to another

    By default from the version before the current one to the current one.
    """

    example = """Example, what the last change was:
  openstack protector protection-group document diff prod-web-app

Example, what was lost with version 5 of site-a when site-b's version was forced on both:
  openstack protector protection-group document list prod-web-app
  openstack protector protection-group document diff prod-web-app 9f86d0818848"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "before",
            metavar="<from>",
            nargs="?",
            help=f"The one: {VERSION} (default: the one before the current)",
        )
        parser.add_argument(
            "after",
            metavar="<to>",
            nargs="?",
            help=f"The other: {VERSION} (default: the current)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        name = parsed_args.group
        known = list(self.protector.documents(self.find_group(name)))
        after = _wanted(known, parsed_args.after, name)
        if parsed_args.before:
            before = _wanted(known, parsed_args.before, name)
        else:
            before = _previous(known, name)
        changes = self.protector.document_differences(before, after)
        if not changes:
            self.remark(f"{_told(before)} and {_told(after)} of {name} do not differ.")
        return CHANGES, [(change["what"], change["before"], change["after"]) for change in changes]


def _column(field: str, value: Any) -> Any:
    formatter = FORMATTERS.get(field)
    return formatter(value) if formatter else value


def _wanted(known: Sequence[Document], wanted: str | None, group: str) -> Document:
    """Return the document of that version, or whose checksum begins so; None: the current one."""
    if wanted is None:
        found = [document for document in known if document.standing == "current"]
    else:
        found = [document for document in known if str(document.version) == wanted]
        if not found and len(wanted) >= CHECKSUM_LEAST:
            found = [one for one in known if one.checksum.startswith(wanted.lower())]
    if len(found) != 1:
        raise osc.CommandError(_not_one(wanted, group, found))
    return found[0]


def _previous(known: Sequence[Document], group: str) -> Document:
    """Return the version from which the current one came."""
    for document in known:
        if document.standing == "past":
            return document
    raise osc.CommandError(
        f"This site keeps no version of {group} before the current one. Say which two you mean;"
        f" see: openstack protector protection-group document list {group}"
    )


def _not_one(wanted: str | None, group: str, found: Sequence[Document]) -> str:
    if found:
        return (
            f"{wanted} is more than one document of {group}: {'; '.join(map(_told, found))}."
            " Give the beginning of the checksum of the one you mean"
        )
    which = "document in force" if wanted is None else f"document {wanted}"
    return (
        f"Protection group {group} has no {which} on this site. See:"
        f" openstack protector protection-group document list {group}"
    )


def _told(document: Document) -> str:
    return (
        f"{columns.abbreviated(document.checksum)} (version {document.version},"
        f" {document.standing}, written on {document.site} at {document.modified_at})"
    )
