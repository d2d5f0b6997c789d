# SPDX-License-Identifier: Apache-2.0
"""Which calls Protector makes: counted on their way, in a run whose time does not count."""

import collections
import contextlib
from collections.abc import Iterator

from testbed.faults.calls import ARRAY, Call, call
from testbed.faults.proxy import Proxy
from testbed.layout import PLACES
from testbed.openstack import APIS
from testbed.testbed import Testbed

# Protector to an array, not Cinder's driver.
AGENT = "protector"
# Protector signs in at the proxy, and then stays on this way.
CONFIG = """
[service_auth]
auth_url = {keystone}
"""

Counted = collections.Counter[Call]


class Counting:
    def __init__(self, testbed: Testbed, site: str, proxy: Proxy) -> None:
        self._control = testbed.control
        self._array = PLACES[site].array
        self._proxy = proxy
        self._since = 0

    def begin(self) -> None:
        self._proxy.recorded()
        self._since = len(self._control.journal())

    def end(self) -> Counted:
        """Return the calls since it was begun."""
        asked = [
            call(ARRAY, entry["method"], entry["path"])
            for entry in self._control.journal(self._since)
            if entry["array"] == self._array and entry["agent"].startswith(AGENT)
        ]
        return collections.Counter([*self._proxy.recorded(), *asked])


@contextlib.contextmanager
def counting(testbed: Testbed, site: str) -> Iterator[Counting]:
    """Let the site's Protector go by a proxy, from a new start on until this is left."""
    place = PLACES[site]
    with Proxy({api.name: place.url(api.name) for api in APIS}).open() as proxy:
        config = CONFIG.format(keystone=proxy.url("keystone"))
        with testbed.protector_configured(site, config):
            yield Counting(testbed, site, proxy)


def by_service(calls: Counted, things: int) -> dict[str, float]:
    """Return how many there were of each service for each of so many things."""
    sums: collections.Counter[str] = collections.Counter()
    for one, times in calls.items():
        sums[one.service] += times
    return {service: round(sums[service] / things, 2) for service in sorted(sums)}


def by_kind(calls: Counted) -> dict[str, int]:
    """Return how many there were of each kind, the most frequent first."""
    return {f"{one.service} {one}": times for one, times in calls.most_common()}
