# SPDX-License-Identifier: Apache-2.0
"""A site whose Protector asks OpenStack by the proxy, and an operation to be begun there."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from flasharray_simulator.control import Control
from testbed import shortcut
from testbed.drills import Drill
from testbed.faults.calls import ARRAY, Call, call
from testbed.faults.cases import RESTART, Case
from testbed.faults.kinds import ARRAY_FAULTS, FAULTS
from testbed.faults.proxy import Proxy, Strike
from testbed.layout import PLACES
from testbed.openstack import APIS
from testbed.progress import wait_for
from testbed.protector import ENGINE
from testbed.testbed import Testbed

# Seconds until services are well again whose database or broker was restarted.
RECOVERY = 60
# Protector to an array, not Cinder's driver.
AGENT = "protector"
# Protector is quick to give up an answer, a request and a step here, though not so quick that it
# takes a busy machine for a fault; and it does nothing of its own accord.
CONFIG = """
[service_auth]
auth_url = {keystone}

[cloud]
timeout = 8
call_budget = 4
server_timeout = 90
volume_timeout = 30

[flasharray]
connect_timeout = 3
timeout = 8

[engine]
step_budget = 20
capture_interval = 3600
sweep_interval = 1
"""


class Scene:
    def __init__(self, testbed: Testbed, drill: Drill, proxy: Proxy) -> None:
        self.testbed = testbed
        self.drill = drill
        self.protector = shortcut.protector(testbed.cloud(drill.site))
        self._proxy = proxy
        self.array = PLACES[drill.site].array
        self._restart: threading.Thread | None = None
        self._since = 0

    @property
    def control(self) -> Control:
        return self.testbed.control

    def put_back(self) -> None:
        """Make the world what it was before the operation, with a Protector that knows nothing."""
        with self.testbed.protector_stopped(self.drill.site):
            self.testbed.restore(self.drill.scene)
        if self.drill.elsewhere:  # the other site has its part in it
            (other,) = set(self.testbed.sites) - {self.drill.site}
            self.testbed.start_service(other, ENGINE)
        self._proxy.recorded()
        self._since = len(self.control.journal())

    def calls(self) -> list[Call]:
        """Return what was asked of OpenStack, and by Protector of the array, since put back."""
        return [
            *self._proxy.recorded(),
            *(
                call(ARRAY, entry["method"], entry["path"])
                for entry in self.control.journal(self._since)
                if entry["array"] == self.array and entry["agent"].startswith(AGENT)
            ),
        ]

    @contextlib.contextmanager
    def going_wrong(self, case: Case) -> Iterator[Callable[[], bool]]:
        """Let the case's fault happen when it is time for it, until this is left.

        What is given tells whether it has happened.
        """
        try:
            yield self._set(case)
        finally:
            self._proxy.clear()
            self.control.clear_faults()
            if self._restart:
                self._restart.join()
                self._restart = None
                wait_for(self._answers, seconds=RECOVERY, otherwise="the site does not recover")

    # -- inside -------------------------------------------------------------------------------

    def _set(self, case: Case) -> Callable[[], bool]:
        if case.service == ARRAY:
            rule = ARRAY_FAULTS[case.fault]
            path = f"{case.call.path}$"
            self.control.fault(self.array, path, method=case.call.method, agent=AGENT, **rule)
            return self._array_struck
        if case.fault == RESTART:
            strike = Strike(case.call, None, act=lambda: self._begin(case.service))
        else:
            strike = Strike(case.call, FAULTS[case.fault])
        self._proxy.strike(strike)
        return lambda: strike.struck

    def _array_struck(self) -> bool:
        return any(entry["fault"] for entry in self.control.journal(self._since))

    def _answers(self) -> bool:
        """Whether people can work with the site."""
        cloud = self.testbed.cloud(self.drill.site)
        with contextlib.suppress(SDKException, ClientException):
            for things in (
                cloud.compute.servers(),
                cloud.network.networks(),
                cloud.block_storage.volumes(),
                shortcut.protector(cloud).operations(),
            ):
                list(things)
            return True
        return False

    def _begin(self, service: str) -> None:
        """Begin to restart it; the request goes on meanwhile."""
        self._restart = threading.Thread(target=self._restarted, args=(service,))
        self._restart.start()

    def _restarted(self, service: str) -> None:
        self.testbed.kill_service(self.drill.site, service)
        self.testbed.start_service(self.drill.site, service)


@contextlib.contextmanager
def scene(testbed: Testbed, drill: Drill) -> Iterator[Scene]:
    """Arrange all, and keep it; Protector asks by the proxy from then on, until this is left."""
    place = PLACES[drill.site]
    with Proxy({api.name: place.url(api.name) for api in APIS}).open() as proxy:
        drill.set_scene(testbed)
        config = CONFIG.format(keystone=proxy.url("keystone"))
        with testbed.protector_configured(drill.site, config):
            yield Scene(testbed, drill, proxy)
