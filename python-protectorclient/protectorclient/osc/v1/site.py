# SPDX-License-Identifier: Apache-2.0
"""openstack protector site ..."""

import argparse
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from osc_lib import exceptions as osc
from osc_lib import utils

from protectorclient.osc import columns, command
from protectorclient.v1.site import Site

SHOWN = (
    "id",
    "name",
    "description",
    "local",
    "auth_url",
    "region_name",
    "username",
    "project_name",
    "user_domain_name",
    "project_domain_name",
    "status",
    "validated_at",
    "created_at",
    "updated_at",
)
LISTED = ("id", "name", "local", "auth_url", "region_name", "status", "validated_at")
HEADINGS = ("ID", "Name", "Local", "Auth URL", "Region Name", "Status", "Validated At")

# Option -> what it says of the site.
DESCRIBED = {
    "auth_url": "Where to sign in: the site's Keystone, for example http://192.0.2.10:5000/v3",
    "region_name": "The site's region, when its catalog has several",
    "username": "The user by which this site signs in to that one; needed for the other site only",
    "project_name": "That user's project",
    "user_domain_name": "The domain of that user",
    "project_domain_name": "The domain of that project",
    "description": "What the site is for",
}


def _row(site: Site, fields: Sequence[str]) -> tuple[Any, ...]:
    return tuple(site.is_local if field == "local" else getattr(site, field) for field in fields)


def _add_options(parser: argparse.ArgumentParser, *required: str) -> None:
    for field, help in DESCRIBED.items():
        parser.add_argument(
            f"--{field.replace('_', '-')}",
            metavar=f"<{field.replace('_', '-')}>",
            required=field in required,
            help=help,
        )
    parser.add_argument(
        "--password-file",
        metavar="<file>",
        type=pathlib.Path,
        help="A file whose first line is that user's password; without it you are asked for it",
    )


def _described(parsed_args: argparse.Namespace) -> dict[str, Any]:
    given = {field: getattr(parsed_args, field) for field in DESCRIBED}
    return {field: value for field, value in given.items() if value is not None}


def _password_in(file: pathlib.Path) -> str:
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise osc.CommandError(f"Cannot read the password in {file}: {error.strerror}") from error
    if not lines or not lines[0]:
        raise osc.CommandError(f"The first line of {file} is empty; it should be the password.")
    return lines[0]


class CreateSite(command.ShowOne):
    """Register a site

    Both sites are registered on both: each knows itself and the other. The other one is signed in
    to by a user with the role service; its password is asked for or read from a file.
    """

    example = """Example, on site-a:
  openstack protector site create site-a --auth-url http://192.0.2.10:5000/v3
  openstack protector site create site-b --auth-url http://192.0.2.20:5000/v3 \\
    --username protector --project-name service --password-file ~/site-b.password

Next, see whether it can be reached:
  openstack protector site validate site-b"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "name", metavar="<name>", help="The site's name, the same on both sites"
        )
        _add_options(parser, "auth_url")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        attrs = _described(parsed_args)
        if parsed_args.password_file:
            attrs["password"] = _password_in(parsed_args.password_file)
        elif parsed_args.username:
            attrs["password"] = self._ask_password(parsed_args)
        site = self.protector.create_site(name=parsed_args.name, **attrs)
        return SHOWN, _row(site, SHOWN)

    def _ask_password(self, parsed_args: argparse.Namespace) -> str:
        prompt = f"Password of {parsed_args.username} on {parsed_args.name}: "
        password: str = utils.get_password(self.app.stdin, prompt, confirm=False)
        return password


class ListSite(command.Lister):
    """List sites"""

    example = "Example:\n  openstack protector site list"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        return HEADINGS, [_row(site, LISTED) for site in self.protector.sites()]


class _OneSite(command.Command):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("site", metavar="<site>", help="Name or id of the site")
        return parser


class ShowSite(_OneSite, command.ShowOne):
    """Show a site"""

    example = "Example:\n  openstack protector site show site-b"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        return SHOWN, _row(self.protector.get_site(parsed_args.site), SHOWN)


class SetSite(_OneSite):
    """Change what is known of a site"""

    example = """Example, after the password of its user was changed:
  openstack protector site set site-b --password-file ~/site-b.password

Next, see whether it can be reached:
  openstack protector site validate site-b"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        attrs = _described(parsed_args)
        if parsed_args.password_file:
            attrs["password"] = _password_in(parsed_args.password_file)
        self.protector.update_site(parsed_args.site, **attrs)


class DeleteSite(_OneSite):
    """Forget a site that no protection group uses"""

    example = "Example:\n  openstack protector site delete site-b"

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.protector.delete_site(parsed_args.site)


class ValidateSite(_OneSite, command.ShowOne):
    """Sign in to a site and look whether what Protector needs is there"""

    example = "Example:\n  openstack protector site validate site-b"

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        found = self.protector.validate_site(parsed_args.site)
        return ("status", "checks"), (found["status"], columns.Checks(found["checks"]))


class ListVolumeTypes(_OneSite, command.Lister):
    """List a site's volume types that are replicated

    Only the site itself knows them: sign in there.
    """

    example = """Example:
  export OS_CLOUD=site-a
  openstack protector site list-volume-types site-a

Next, create a group for VMs whose volumes have such a type:
  openstack protector protection-group create prod-web-app \\
    --primary-site site-a --secondary-site site-b"""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        types = self.protector.volume_types(parsed_args.site)
        return ("ID", "Name", "Backend", "Replication Type"), [
            (type["id"], type["name"], type["backend"], type["replication_type"]) for type in types
        ]
