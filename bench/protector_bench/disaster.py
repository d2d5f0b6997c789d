# SPDX-License-Identifier: Apache-2.0
"""The scene of each measurement: site-a is dead, and site-b has what it needs to bring VMs up.

It is put back before each run, so that every run finds the same.
"""

import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from protector_bench import runbook
from protector_bench.fleet import (
    FLAVOR,
    HERE,
    NETWORK,
    THERE,
    Vm,
    boot,
    make_group,
    protect,
    replicate,
    settle_there,
)
from protector_bench.gauge import Gauge
from protector_bench.prepared import prepare
from protectorclient.v1._proxy import Proxy
from protectorclient.v1.operation import Operation
from protectorclient.v1.protection_group import ProtectionGroup
from testbed import shortcut
from testbed.errors import BrokenTestbed
from testbed.operator import OPENSTACK
from testbed.protector import ENGINE
from testbed.testbed import Testbed

GROUP = "bench"
# As the operator gives them.
MAPPINGS: dict[str, Any] = {
    "network_mapping": dict([NETWORK]),
    "flavor_mapping": {FLAVOR: FLAVOR},
}
# Seconds for whatever is measured.
PATIENCE = 3600


@dataclasses.dataclass(frozen=True)
class Disaster:
    """A group of ``size`` VMs whose site is dead."""

    testbed: Testbed
    size: int
    wanted: dict[str, Any]

    @property
    def checkpoint(self) -> str:
        return f"bench-{self.size}"

    @property
    def _list(self) -> pathlib.Path:
        return self.testbed.folders.state / f"{self.checkpoint}.json"

    def keep(self) -> None:
        self._list.write_text(json.dumps(self.wanted))
        self.testbed.checkpoint(self.checkpoint)

    def put_back(self) -> None:
        """Let nothing have been done yet; no engine runs."""
        self.testbed.restore(self.checkpoint)

    def floor(self, width: int) -> dict[str, Any]:
        """Work the list off; see :mod:`protector_bench.floor` for what is in the times."""
        self.put_back()
        script = "protector_bench.floor"
        said = _said([sys.executable, "-m", script, str(self._list), str(width)], os.environ)
        return {"width": width, **json.loads(said)}

    def runbook(self) -> dict[str, Any]:
        """``seconds``: from the start of the script to its end."""
        self.put_back()
        environment = {
            "PATH": f"{OPENSTACK.parent}:/usr/bin:/bin",
            "HOME": str(self.testbed.folders.state),
            "OS_CLOUD": THERE,
            "OS_CLIENT_CONFIG_FILE": str(self.testbed.clouds_yaml),
        }
        began = time.monotonic()
        _said(["bash", "-c", runbook.script(self.wanted)], environment)
        return {"seconds": time.monotonic() - began}

    def ready(self) -> tuple[Proxy, ProtectionGroup]:
        """Put all back, and start the engine; return a client that has signed in, and the group.

        The engine thinks the failover through once: so it has signed in, knows the services'
        versions, and its code is loaded, as in one that has run for days.
        """
        self.put_back()
        self.testbed.start_service(THERE, ENGINE)
        there = shortcut.protector(self.testbed.cloud(THERE))
        (group,) = there.protection_groups(name=GROUP)
        there.check(group, **MAPPINGS)
        return there, group

    def protector(self) -> dict[str, Any]:
        """Fail the group over.

        ``seconds``: from the request, sent by a client that has signed in, to the moment at which
        the record shows the operation completed; all clocks are this machine's. ``cpu_seconds`` and
        ``peak_rss_mb`` are of the engine in that time.
        """
        there, group = self.ready()
        with Gauge(self.testbed.process(THERE, ENGINE)) as gauge:
            at = time.time()
            ended = follow(there, there.fail_over(group, **MAPPINGS))
        must_be_complete(ended)
        return {
            "seconds": self.completed_at(ended) - at,
            "cpu_seconds": gauge.cpu_seconds,
            "peak_rss_mb": gauge.peak_rss_mb,
            "submitted_at": at,
            "steps": ended.steps,
        }

    def completed_at(self, operation: Operation) -> float:
        """Return the moment that is on record: the API tells whole seconds of it."""
        statement = f"SELECT completed_at FROM protector.operations WHERE id = '{operation.id}'"
        ((at,),) = self.testbed.query(THERE, statement)
        return moment(f"{at}Z")


class Stage:
    """Sites on which ever larger groups meet with disaster."""

    def __init__(self, testbed: Testbed) -> None:
        self._testbed = testbed
        self._vms: list[Vm] = []
        self._last: Disaster | None = None
        testbed.reset()
        shortcut.introduce_sites(testbed)
        settle_there(testbed)
        self._group = make_group(testbed, GROUP)

    def disaster(self, size: int) -> Disaster:
        """Let the group have so many VMs, at least as many as before, and their site die."""
        if self._last:
            self._revive(self._last)
        names = [f"bench-{number:03}" for number in range(len(self._vms), size)]
        new = boot(self._testbed.cloud(HERE), names)
        protect(self._testbed, self._group, new)
        self._vms += new
        (snapshot,) = replicate(self._testbed)
        disaster = Disaster(self._testbed, size, prepare(self._testbed, self._vms, snapshot))
        self._testbed.kill(HERE)
        disaster.keep()
        self._last = disaster
        return disaster

    def _revive(self, disaster: Disaster) -> None:
        disaster.put_back()
        self._testbed.start(HERE)
        self._testbed.start_service(THERE, ENGINE)


def _said(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return what the command printed.

    :raises BrokenTestbed: it did not end well, or not in time.
    """
    try:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        raise BrokenTestbed(f"it ended with {error.returncode}: {error.stderr}") from None
    except subprocess.TimeoutExpired:
        raise BrokenTestbed(f"it did not end in {PATIENCE} seconds") from None


def follow(protector: Proxy, operation: Operation) -> Operation:
    """Wait until the operation has ended; it is looked at ever more seldom, so that the looking
    costs next to nothing.
    """
    began = time.monotonic()
    while not operation.has_ended:
        time.sleep(max(0.1, (time.monotonic() - began) / 20))
        operation = protector.get_operation(operation.id)
    return operation


def moment(text: str) -> float:
    """Return what the API calls a moment in seconds, as :func:`time.time` does."""
    return datetime.datetime.fromisoformat(text).timestamp()


def must_be_complete(operation: Operation) -> None:
    """:raises BrokenTestbed: not every VM came up."""
    if operation.status != "completed" or operation.steps_failed:
        raise BrokenTestbed(
            f"operation {operation.id} is {operation.status}: {operation.error_message}"
        )
