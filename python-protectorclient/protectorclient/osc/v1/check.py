# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group check"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from protectorclient.osc import command, elsewhere, mapping, readiness
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.readiness import Readiness


class CheckProtectionGroup(elsewhere.AtTheRightSite, readiness.TellsReadiness):
    """Check whether a protection group could be failed over to this site now

    Everything that a failover needs is looked at, and nothing is changed: mappings, flavors,
    quotas, addresses, the site's services, Cinder's policy, the snapshots and their age. All that
    is found is told at once, with what helps, and then what a failover would do.

    An error of a VM keeps that one from coming up, any other error all of them.
    The exit code is 1 when there is an error.
    """

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group check prod-web-app

Example, for a program:
  openstack protector protection-group check prod-web-app -f json

Next, after a disaster:
  openstack protector protection-group failover prod-web-app --type unplanned --wait"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group", metavar="<protection-group>", help="Name or id of the protection group"
        )
        mapping.add_options(parser, "For this check; it overrides what is kept with the group.")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        def ask(protector: Proxy) -> Readiness:
            group = command.find_group(protector, parsed_args.group)
            given = parsed_args.network_mapping or parsed_args.flavor_mapping
            if not given:
                return protector.get_readiness(group)
            return protector.check(
                group,
                network_mapping=parsed_args.network_mapping,
                flavor_mapping=parsed_args.flavor_mapping,
            )

        return self.told(parsed_args.group, self.at_the_right_site(ask))
