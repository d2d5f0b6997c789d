# SPDX-License-Identifier: Apache-2.0
"""A failover, against the floor and the runbook, for groups of one VM to hundreds."""

import functools
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from protector_bench.counting import by_kind, by_service, counting
from protector_bench.disaster import MAPPINGS, Disaster, Stage, follow, moment
from protector_bench.fleet import THERE, VOLUMES
from testbed.errors import BrokenTestbed
from testbed.testbed import Testbed

SIZES = (1, 5, 20, 50, 100, 200)
# So many requests of the floor side by side. Each is tried with groups of up to TRIED VMs; larger
# ones are brought up by the one that was best last.
WIDTHS = (2, 4, 8, 16)
TRIED = 20
# VMs that a shell script can bring up while somebody waits.
BY_HAND = 5

HEADER = (
    *("VMs", "floor s", "width", "runbook s", "Protector s"),
    *("to floor", "to runbook", "VMs/h"),
    *("CPU s/VM", "floor's", "MiB", "calls/VM", "floor's"),
)

Keep = Callable[[dict[str, Any]], None]


def measure(
    testbed: Testbed, runs: int, sizes: Sequence[int] = SIZES, keep: Keep = lambda figures: None
) -> dict[str, Any]:
    """:param keep: is given the figures of a size whenever there are more of them."""
    stage = Stage(testbed)
    figures: dict[str, Any] = {}
    best: int | None = None
    for size in sorted(sizes):
        scene = stage.disaster(size)
        for taken in _taken(scene, runs, widths(size, best)):
            figures[str(size)] = summary(size, taken)
            keep({str(size): figures[str(size)]})
        best = figures[str(size)].get("floor_width", best)
    return figures


def widths(size: int, best: int | None) -> list[int]:
    """Return those to be tried: none that is wider than there are things to ask for at once.

    :param best: the one of the size before, if there was one.
    """
    if best and size > TRIED:
        return [best]
    narrower = [width for width in WIDTHS if width < size * (VOLUMES + 1)]
    return list(WIDTHS[: len(narrower) + 1])


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for size, one in sorted(figures.items(), key=lambda item: int(item[0])):
        failed = len(one["runs"]["failed"])
        yield (
            f"{size} ({failed} failed)" if failed else size,
            _shown(one.get("floor_seconds"), ".1f"),
            _shown(one.get("floor_width"), "d"),
            _shown(one.get("runbook_seconds"), ".1f"),
            _shown(one.get("protector_seconds"), ".1f"),
            _shown(one.get("ratio_to_floor"), ".2f"),
            _shown(one.get("ratio_to_runbook"), ".1f"),
            _shown(one.get("vms_per_hour"), ".0f"),
            *(_shown(one.get(name), ".3f") for name in _CPU),
            _shown(one.get("peak_rss_mb"), ".0f"),
            *(_shown(one.get(name) and sum(one[name].values()), ".1f") for name in _CALLS),
        )


_CPU = ("cpu_seconds_per_vm", "floor_cpu_seconds_per_vm")
_CALLS = ("api_calls", "floor_api_calls")


def summary(size: int, taken: dict[str, Any]) -> dict[str, Any]:
    """Return medians, and what follows from them, of what has been measured so far.

    :param taken: ``floor``, ``runbook`` and ``protector``: runs that ended well; ``calls``: of one
        more.
    """
    floors: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for run in taken["floor"]:
        floors[run["width"]].append(run)
    figures: dict[str, Any] = {}
    if floors:
        by_width = {width: _median(runs, "seconds") for width, runs in floors.items()}
        width = min(by_width, key=lambda width: by_width[width])
        figures = {
            "floor_seconds": by_width[width],
            "floor_width": width,
            "floor_seconds_by_width": by_width,
            "floor_cpu_seconds_per_vm": _median(floors[width], "cpu_seconds") / size,
            "floor_api_calls": {name: n / size for name, n in floors[width][-1]["calls"].items()},
        }
    if made := taken["protector"]:
        seconds = _median(made, "seconds")
        figures |= {
            "protector_seconds": seconds,
            "vms_per_hour": size / seconds * 3600,
            "cpu_seconds_per_vm": _median(made, "cpu_seconds") / size,
            "peak_rss_mb": _median(made, "peak_rss_mb"),
            "phases": _medians([run["phases"] for run in made]),
            "steps": _medians([run["steps"] for run in made]),
        }
    if taken["runbook"]:
        figures["runbook_seconds"] = _median(taken["runbook"], "seconds")
    if made and floors:
        figures["ratio_to_floor"] = figures["protector_seconds"] / figures["floor_seconds"]
    if made and taken["runbook"]:
        figures["ratio_to_runbook"] = figures["runbook_seconds"] / figures["protector_seconds"]
    return {**figures, **taken.get("calls", {}), "runs": taken}


def phases(
    submitted_at: float, seconds: float, steps: Sequence[dict[str, Any]]
) -> dict[str, float]:
    """Return how long each phase took: until the next one began, so that they add up.

    ``before``: from the request to the first step. The last one lasts until the end was seen.
    """
    begun: dict[str, float] = {}
    for step in steps:
        at = moment(step["started_at"]) - submitted_at
        begun[step["phase"]] = min(at, begun.get(step["phase"], at))
    order = sorted(begun, key=lambda phase: begun[phase])
    ends = [*(begun[phase] for phase in order[1:]), seconds]
    return {
        "before": begun[order[0]],
        **{phase: end - begun[phase] for phase, end in zip(order, ends, strict=True)},
    }


def step_seconds(steps: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return how long each step took; of those of a VM each, the median and the longest."""
    taken = {one["name"]: moment(one["ended_at"]) - moment(one["started_at"]) for one in steps}
    of_a_vm = [seconds for name, seconds in taken.items() if name.startswith(OF_A_VM)]
    return {
        **{name: s for name, s in taken.items() if not name.startswith(OF_A_VM)},
        f"{OF_A_VM} (median)": statistics.median(of_a_vm),
        f"{OF_A_VM} (longest)": max(of_a_vm),
    }


OF_A_VM = "recreate_vm"


def _taken(scene: Disaster, runs: int, tried: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield all that was measured so far, after each run.

    They take turns, so that what changes about the machine meanwhile hits all of them. What fails
    is written down, and has no figures; the rest is measured all the same.
    """
    taken: dict[str, Any] = {"floor": [], "runbook": [], "protector": [], "failed": []}
    turn: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        *(("floor", functools.partial(scene.floor, width)) for width in tried),
        ("protector", functools.partial(_protector, scene)),
        *([("runbook", scene.runbook)] if scene.size <= BY_HAND else []),
    ]
    for kind, run in turn * runs:
        try:
            taken[kind].append(run())
        except BrokenTestbed as error:
            taken["failed"].append(f"{kind}: {error}")
        yield taken
    taken["calls"] = _calls(scene)
    yield taken


def _protector(scene: Disaster) -> dict[str, Any]:
    run = scene.protector()
    steps, at = run.pop("steps"), run.pop("submitted_at")
    return {**run, "phases": phases(at, run["seconds"], steps), "steps": step_seconds(steps)}


def _calls(scene: Disaster) -> dict[str, Any]:
    """Return the calls of one more run; being counted, it is slower."""
    with counting(scene.testbed, THERE) as calls:
        there, group = scene.ready()
        calls.begin()
        follow(there, there.fail_over(group, **MAPPINGS))
        counted = calls.end()
    return {"api_calls": by_service(counted, scene.size), "api_calls_by_kind": by_kind(counted)}


def _median(runs: Sequence[dict[str, Any]], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: _median(runs, name) for name in runs[0]}


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
