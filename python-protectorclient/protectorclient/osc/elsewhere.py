# SPDX-License-Identifier: Apache-2.0
"""Commands that the other site may have to answer, which clouds.yaml knows too."""

from collections.abc import Callable
from typing import TypeVar

from openstack import exceptions as sdk
from openstack.connection import Connection

from protectorclient.osc import command, errors
from protectorclient.v1._proxy import Proxy

T = TypeVar("T")


class AtTheRightSite(command.Command):
    def at_the_right_site(self, ask: Callable[[Proxy], T]) -> T:
        """Ask this site's Protector; if it says that the other one is meant, ask that."""
        try:
            return ask(self.protector)
        except sdk.ConflictException as refusal:
            known = errors.details(refusal)
            right_site = (known.get("details") or {}).get("right_site")
            if known.get("code") != errors.WRONG_SITE or right_site not in self.clouds:
                raise
            self.remark(f"{known['message']}\nDoing that for you: your clouds.yaml has it.")
            return self.ask_at(right_site, ask)

    def ask_at(self, site: str, ask: Callable[[Proxy], T]) -> T:
        cloud = self.app.cloud_config.get_one(cloud=site)
        connection = Connection(config=cloud)
        with errors.of_signing_in(cloud, self.clouds):
            connection.session.get_token()
        with errors.of_asking(cloud):
            return ask(command.protector_of(connection))
