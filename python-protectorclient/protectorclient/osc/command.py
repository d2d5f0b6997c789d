# SPDX-License-Identifier: Apache-2.0
"""What the commands have in common: signing in, names, errors, help."""

import argparse
import functools
import logging
import sys

from openstack import exceptions as sdk
from openstack.connection import Connection
from osc_lib import exceptions as osc
from osc_lib.command import command

from protectorclient.osc import errors
from protectorclient.service import SERVICE
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.protection_group import ProtectionGroup


class Command(command.Command):
    """Signs in only when its arguments are understood, so as to say in its words what failed."""

    auth_required = False

    #: How it is typed, and what is typed next.
    example: str

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def get_epilog(self) -> str:
        return f"{self.example}\n\n{super().get_epilog()}"

    def run(self, parsed_args: argparse.Namespace) -> int:
        # What it warns of ends in a sentence of ours.
        for name in ("keystoneauth.identity", "keystoneauth.discover"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self.auth_required = True
        with errors.of_signing_in(self.app.cloud, self.clouds):
            self.app.prepare_to_run_command(self)
        with errors.of_asking(self.app.cloud):
            result: int = super().run(parsed_args)
        return result

    @property
    def clouds(self) -> list[str]:
        """The names in clouds.yaml."""
        names: list[str] = self.app.cloud_config.get_cloud_names()
        return names

    @functools.cached_property
    def protector(self) -> Proxy:
        return protector_of(self.app.client_manager.sdk_connection)

    def find_group(self, name_or_id: str) -> ProtectionGroup:
        return find_group(self.protector, name_or_id)

    def remark(self, sentence: str) -> None:
        """Tell what is no part of the output."""
        print(sentence, file=sys.stderr, flush=True)


class ShowOne(Command, command.ShowOne):
    pass


class Lister(Command, command.Lister):
    pass


def protector_of(connection: Connection) -> Proxy:
    """Return the Protector in the connection's catalog."""
    if not connection.endpoint_for(SERVICE.service_type):
        raise errors.no_endpoint(connection.config)
    connection.add_service(SERVICE)
    proxy: Proxy = connection.protector  # type: ignore[attr-defined]
    return proxy


def find_group(protector: Proxy, name_or_id: str) -> ProtectionGroup:
    """Return the protection group of that name or id."""
    try:
        group = protector.find_protection_group(name_or_id)
    except sdk.DuplicateResource as error:
        raise osc.CommandError(
            f"More than one protection group is named {name_or_id}. Give the id of the one you"
            " mean; see: openstack protector protection-group list"
        ) from error
    except sdk.NotFoundException as error:
        if error.response is not None:
            raise
        group = None
    if group is None:
        raise osc.CommandError(
            f"No protection group {name_or_id}. See: openstack protector protection-group list"
        )
    return group
