# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch groups to which nothing happens: CPU, and calls by target.

Both sites have the groups, and an engine each, with the periods of an installation as it comes.
Calls are counted in a window of their own, since an engine has to log them for that.
"""

import collections
import contextlib
import pathlib
import re
import time
from collections.abc import Iterator
from typing import Any

import psutil

from protector_bench import scene
from protector_bench.timing import median_of
from testbed.layout import PLACES, PORTS
from testbed.testbed import Testbed

GROUPS = (1_000, 10_000)
# Seconds. A window is as long as the longest period, and a multiple of the other.
CAPTURE_INTERVAL, SWEEP_INTERVAL = 60, 5
WINDOW = 60
# Seconds in which an engine that was started reads everything for the first time.
SETTLE = 60
PERIODS = f"[engine]\ncapture_interval = {CAPTURE_INTERVAL}\nsweep_interval = {SWEEP_INTERVAL}\n"
CALLS_LOGGED = "[DEFAULT]\ndefault_log_levels = urllib3.connectionpool=DEBUG\n"
# As urllib3 logs it.
CALL = re.compile(r'https?://(?P<address>[\d.]+):(?P<port>\d+) "(?P<method>[A-Z]+) \S+ HTTP')
PROCESSES = ("protector-engine", "protector-api", "mariadb")

HEADER = ("groups", "site", "engine % of a core", "engine MB", "API %", "database %", "calls/min")


def measure(testbed: Testbed, runs: int) -> dict[str, Any]:
    original = scene.protect(testbed)
    figures, there = {}, 1
    for number in GROUPS:
        copies = scene.copy(original, range(there, number))
        scene.put_in_force(copies)
        scene.replicate(testbed, copies)
        there = number
        figures[str(number)] = _watched(testbed, runs)
    return {
        "window_seconds": WINDOW,
        "capture_interval": CAPTURE_INTERVAL,
        "sweep_interval": SWEEP_INTERVAL,
        "groups": figures,
    }


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for number, sites in figures["groups"].items():
        for site, figure in sites.items():
            calls = ", ".join(f"{one} {count:g}" for one, count in figure["calls"].items())
            yield (
                number,
                site,
                f"{figure['protector-engine_percent']:.2f}",
                f"{figure['engine_rss_mb']:.0f}",
                f"{figure['protector-api_percent']:.2f}",
                f"{figure['mariadb_percent']:.2f}",
                calls,
            )


# -- inside ---------------------------------------------------------------------------------------


def _watched(testbed: Testbed, runs: int) -> dict[str, dict[str, Any]]:
    """Return site -> what its engine, and what it makes others do, costs."""
    with _configured(testbed, PERIODS):
        windows = [_window(testbed) for _ in range(runs)]
    with _configured(testbed, PERIODS + CALLS_LOGGED):
        calls = _calls(testbed)
    return {
        site: {**median_of([window[site] for window in windows]), "calls": calls[site]}
        for site in testbed.sites
    }


@contextlib.contextmanager
def _configured(testbed: Testbed, options: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for site in testbed.sites:
            stack.enter_context(testbed.protector_configured(site, options))
        time.sleep(SETTLE)
        yield


def _window(testbed: Testbed) -> dict[str, dict[str, float]]:
    """Return site -> percent of one core that its processes take, and the engine's memory."""
    processes = {
        site: {name: testbed.process(site, name) for name in PROCESSES} for site in testbed.sites
    }
    before = {site: _spent(its) for site, its in processes.items()}
    began = time.monotonic()
    time.sleep(WINDOW)
    seconds = time.monotonic() - began
    after = {site: _spent(its) for site, its in processes.items()}
    return {
        site: {
            **{
                f"{name}_percent": round((after[site][name] - spent) / seconds * 100, 3)
                for name, spent in before[site].items()
            },
            "engine_rss_mb": round(its["protector-engine"].memory_info().rss / 2**20, 1),
        }
        for site, its in processes.items()
    }


def _spent(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Return the CPU seconds that each has taken since it began."""
    return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


def _calls(testbed: Testbed) -> dict[str, dict[str, float]]:
    """Return site -> target -> calls per minute of its engine."""
    logs = {site: testbed.log_folder(site) / "protector-engine.log" for site in testbed.sites}
    sizes = {site: log.stat().st_size for site, log in logs.items()}
    time.sleep(WINDOW)
    return {site: counted(site, log, sizes[site]) for site, log in logs.items()}


def counted(site: str, log: pathlib.Path, begin: int) -> dict[str, float]:
    with log.open() as lines:
        lines.seek(begin)
        found = collections.Counter(_target(site, call) for call in CALL.finditer(lines.read()))
    return {target: count * 60 / WINDOW for target, count in sorted(found.items())}


def _target(site: str, call: re.Match[str]) -> str:
    (where,) = (name for name, place in PLACES.items() if place.address == call["address"])
    (service,) = (name for name, port in PORTS.items() if port == int(call["port"]))
    return service if where == site else f"peer's {service}"
