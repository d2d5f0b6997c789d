# SPDX-License-Identifier: Apache-2.0
"""Many groups that are failed over at once, by one engine and by two."""

import concurrent.futures
import contextlib
import statistics
from collections.abc import Iterator
from typing import Any

from protector_bench.disaster import MAPPINGS, must_be_complete
from protector_bench.fleet import (
    HERE,
    THERE,
    WIDTH,
    boot,
    make_group,
    protect,
    replicate,
    settle_there,
)
from protector_bench.gauge import Gauge
from protectorclient.v1._proxy import Proxy
from testbed import shortcut
from testbed.progress import wait_for
from testbed.protector import ENGINES
from testbed.testbed import Testbed

GROUPS, VMS = 20, 5
CHECKPOINT = "bench-groups"
# Seconds that all of it may take, and between two looks.
PATIENCE, PAUSE = 1800, 0.5

HEADER = ("groups of VMs", "engines", "seconds", "VMs/h", "CPU s/VM")


def measure(testbed: Testbed, runs: int) -> dict[str, Any]:
    _set_scene(testbed)
    figures: dict[str, Any] = {"groups": GROUPS, "vms_per_group": VMS, "engines": {}}
    for engines in range(1, len(ENGINES) + 1):
        taken = [_run(testbed, engines) for _ in range(runs)]
        seconds = statistics.median(run["seconds"] for run in taken)
        cpu = statistics.median(run["cpu_seconds"] for run in taken)
        figures["engines"][str(engines)] = {
            "seconds": seconds,
            "vms_per_hour": GROUPS * VMS / seconds * 3600,
            "cpu_seconds_per_vm": cpu / (GROUPS * VMS),
            "runs": taken,
        }
    return figures


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for engines, one in figures["engines"].items():
        yield (
            f"{figures['groups']} of {figures['vms_per_group']}",
            engines,
            f"{one['seconds']:.1f}",
            f"{one['vms_per_hour']:.0f}",
            f"{one['cpu_seconds_per_vm']:.3f}",
        )


def _set_scene(testbed: Testbed) -> None:
    """Let there be the groups, all replicated, and their site dead."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    settle_there(testbed)
    vms = boot(testbed.cloud(HERE), [f"bench-{number:03}" for number in range(GROUPS * VMS)])

    def make(number: int) -> None:
        group = make_group(testbed, f"bench-{number:02}")
        protect(testbed, group, vms[number * VMS : (number + 1) * VMS])

    with concurrent.futures.ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(make, range(GROUPS)))
    replicate(testbed)
    testbed.kill(HERE)
    testbed.checkpoint(CHECKPOINT)


def _run(testbed: Testbed, engines: int) -> dict[str, float]:
    """``seconds``: from the first of the requests, sent side by side, to the last one's end."""
    testbed.restore(CHECKPOINT)
    testbed.start_service(THERE, *ENGINES[:engines])
    there = shortcut.protector(testbed.cloud(THERE))
    groups = list(there.protection_groups())
    for group in groups[: 2 * engines]:  # each engine has its turn, and then is warm
        there.check(group, **MAPPINGS)
    with contextlib.ExitStack() as measuring:
        gauges = [
            measuring.enter_context(Gauge(testbed.process(THERE, engine)))
            for engine in ENGINES[:engines]
        ]
        with concurrent.futures.ThreadPoolExecutor(len(groups)) as pool:
            begun = list(pool.map(lambda group: there.fail_over(group, **MAPPINGS), groups))
        wait_for(
            lambda: _all_have_ended(there),
            seconds=PATIENCE,
            otherwise="not all groups are failed over",
            pause=PAUSE,
        )
    for operation in begun:
        must_be_complete(there.get_operation(operation.id))
    return {
        "seconds": gauges[0].seconds,
        "cpu_seconds": sum(gauge.cpu_seconds for gauge in gauges),
    }


def _all_have_ended(there: Proxy) -> bool:
    return all(operation.has_ended for operation in there.operations())
