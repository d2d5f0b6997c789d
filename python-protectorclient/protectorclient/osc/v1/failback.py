# SPDX-License-Identifier: Apache-2.0
"""openstack protector protection-group reprotect | failback"""

import argparse
from typing import Any

from openstack import exceptions as sdk

from protectorclient.osc import command, errors, following, mapping
from protectorclient.osc.following import Row
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.operation import Operation

Started = tuple[Proxy, Operation]


def _group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "group", metavar="<protection-group>", help="Name or id of the protection group"
    )


class Reprotect(following.Follows):
    """Protect a protection group that was failed over by the site that it came from

    Asked on the site where it runs, once the other one is back and both have the same metadata
    (sync-status: SYNCED). Its volumes are sent to the other site from then on, and its RPO is that
    of the first snapshot that arrives there whole. A planned failover does this by itself.

    From then on the VMs that run here are its members, which can be added and removed, and those
    they were recovered from are kept, off, for the way back.
    """

    example = """Example:
  export OS_CLOUD=site-b
  openstack protector protection-group sync-force prod-web-app
  openstack protector protection-group reprotect prod-web-app --wait

Next:
  openstack protector consistency-group show prod-web-app
To bring it back:
  openstack protector protection-group failback prod-web-app --wait"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _group(parser)
        parser.add_argument(
            "--wait",
            action="store_true",
            help="Show the progress until it has ended; exit with 1 when it failed",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Row:
        protector, operation = self.at_the_right_site(
            lambda there: _reprotect(there, parsed_args.group)
        )
        return self.told_of(protector, operation, wait=parsed_args.wait)


class FailBack(following.Follows):
    """Bring a protection group that was failed over back to the site that it came from

    Its VMs are stopped where they run, the last of their data is sent, and the original VMs are
    started with it: on their original volumes, which are overwritten after a snapshot of each was
    taken, and with their original addresses. What is not there any more is made anew, as are VMs
    that joined the group meanwhile. Nothing is lost. Then what ran on the other site is removed.

    Until the sites change their roles, a fault undoes it all: the originals are as they were, and
    the VMs run again where they did.

    A group that is not protected by the site that it came from is, first, if your clouds.yaml has
    the site where it runs.
    """

    what, does = "failback", "fail back"
    example = """Example:
  export OS_CLOUD=site-a
  openstack protector protection-group failback prod-web-app --dry-run
  openstack protector protection-group failback prod-web-app --wait

Next, without --wait:
  watch openstack protector operation show <operation-id>
When it is completed:
  openstack server list"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _group(parser)
        mapping.add_options(
            parser,
            "From the site where it runs to the one that it came from, for VMs that have not been"
            " there; by default the group's own, the other way round.",
        )
        waiting = parser.add_mutually_exclusive_group()
        waiting.add_argument(
            "--wait",
            action="store_true",
            help="Show the progress until it has ended; exit with 1 when it failed",
        )
        waiting.add_argument(
            "--dry-run",
            action="store_true",
            help="Change nothing: tell what stands in the way, and what would be done; exit with 1"
            " when there is an error",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        given = {
            "network_mapping": parsed_args.network_mapping,
            "flavor_mapping": parsed_args.flavor_mapping,
        }
        name = parsed_args.group
        if parsed_args.dry_run:
            found = self.at_the_right_site(
                lambda there: there.check_failback(command.find_group(there, name), **given)
            )
            return self.told(name, found)

        def start(there: Proxy) -> Started:
            return there, there.fail_back(command.find_group(there, name), **given)

        try:
            started = self.at_the_right_site(start)
        except sdk.ConflictException as refusal:
            self._reprotect_first(name, refusal)
            started = self.at_the_right_site(start)
        return self.told_of(*started, wait=parsed_args.wait)

    def _reprotect_first(self, group: str, refusal: sdk.ConflictException) -> None:
        """:raises ConflictException: that is not what is missing, or is not to be had from here."""
        known = errors.details(refusal)
        site = (known.get("details") or {}).get("right_site")
        if known.get("code") != errors.NOT_REPROTECTED or site not in self.clouds:
            raise refusal
        self.remark(f"{known['message']}\nDoing that for you: your clouds.yaml has it.")
        self.must_complete(*self.ask_at(site, lambda there: _reprotect(there, group)))


def _reprotect(protector: Proxy, name: str) -> Started:
    return protector, protector.reprotect(command.find_group(protector, name))
