# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group test-failover | test-cleanup"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from protectorclient.osc import command, mapping, operating


class TestFailOver(operating.StartsOperation):
    """Test the failover of a protection group on this site, while it runs on the other

    The VMs come up here from a snapshot, under other names, beside all that is here already.
    Nothing changes for the group, its VMs on the other site, or their replication; and a failover
    can begin at any moment, the test notwithstanding.

    Their networks are isolated ones, made for the test: the same subnets and addresses, and no
    router. Only networks that are given with --network-mapping are used as they are; what is kept
    with the group for a disaster is not, so that no test can come into your production network by
    itself. Flavors are those of a failover.

    A VM is well when it is ACTIVE and, if it has a probe or a wait port, answers there. It is tried
    from the engine's host, as far as [engine] port_timeout lets it, and only on a network that was
    given: from outside, an isolated network's addresses are somebody else's.

    What came up stays for you to look at, until test-cleanup, or until its time is over. A test in
    which no VM came up at all removes itself.
    """

    __test__ = False  # pytest takes it for one of its own

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group test-failover prod-web-app --wait

Example, on a network of the lab, with a page that has to answer:
  openstack protector protection-group test-failover prod-web-app \\
    --network-mapping web=lab --probe web-server-1=http:8080/health --wait

Before:
  openstack protector protection-group test-failover prod-web-app --dry-run
Next:
  openstack protector protection-group test-cleanup prod-web-app --wait
The result stays with the group (last_test_result):
  openstack protector protection-group show prod-web-app"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        operating.add_points(parser)
        mapping.add_options(
            parser,
            "For this test; of networks, only those given here are used, and isolated ones are made"
            " for all others.",
        )
        parser.add_argument(
            "--name-prefix",
            metavar="<prefix>",
            default="test-",
            help="What the names of the test's servers, volumes and networks begin with (default:"
            " test-)",
        )
        parser.add_argument(
            "--keep",
            metavar="<hours>",
            type=float,
            help="Hours after which the test is cleaned up by itself (default: as is configured on"
            " the site, a day unless it was changed)",
        )
        parser.add_argument(
            "--probe",
            metavar="<vm>=tcp:<port>|http:<port>/<path>",
            action=mapping.Add,
            help="What has to answer of a VM, by its name or id; repeat it for each",
        )
        self.add_dry_run()
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        given = _given(parsed_args)
        if not parsed_args.dry_run:
            return self.started(
                parsed_args, lambda there, group: there.test_failover(group, **given)
            )
        found = self.at_the_right_site(
            lambda there: there.check_test(command.find_group(there, parsed_args.group), **given)
        )
        return self.told(parsed_args.group, found)


class TestCleanUp(operating.StartsOperation):
    """Remove all that the last test of a protection group has made on this site

    It is found by what Protector has written on it, whatever became of it since: servers, ports,
    volumes, on the array too, and the isolated networks. What somebody else uses by now, as an
    isolated network with a port of yours, stays and is named; free it, and clean up again.
    """

    __test__ = False  # pytest takes it for one of its own

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group test-cleanup prod-web-app --wait"""

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Sequence[str], Iterable[Any]]:
        return self.started(parsed_args, lambda there, group: there.clean_up_test(group))


def _given(parsed_args: argparse.Namespace) -> dict[str, Any]:
    return {
        "network_mapping": parsed_args.network_mapping,
        "flavor_mapping": parsed_args.flavor_mapping,
        "prefix": parsed_args.name_prefix,
        "keep_hours": parsed_args.keep,
        "probes": parsed_args.probe,
        **operating.point(parsed_args),
    }
