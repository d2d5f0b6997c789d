# SPDX-License-Identifier: Apache-2.0
"""Whole processes of the ``openstack`` command: a list of Protector's against one of Nova's."""

import resource
import time
from collections.abc import Iterator, Sequence
from typing import Any

from protector_bench import scene
from protector_bench.timing import median_of
from testbed.operator import Operator
from testbed.testbed import Testbed

COMMANDS = {
    "protector": ("protector", "protection-group", "list"),
    "nova": ("server", "list"),
}
# Each command so often in a run; they take turns.
TIMES = 3

HEADER = ("command", "seconds", "CPU seconds")


def measure(testbed: Testbed, runs: int) -> dict[str, Any]:
    scene.protect(testbed)
    operator = Operator(testbed.clouds_yaml)
    for words in COMMANDS.values():
        _seconds(operator, words)  # what is read from a disk is read now
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in COMMANDS}
    for _ in range(runs * TIMES):
        for name, words in COMMANDS.items():
            taken[name].append(_seconds(operator, words))
    figures: dict[str, Any] = {name: median_of(each) for name, each in taken.items()}
    ratio = figures["protector"]["seconds"] / figures["nova"]["seconds"]
    return {**figures, "protector_to_nova": round(ratio, 3)}


def rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, words in COMMANDS.items():
        figure = figures[name]
        yield (
            f"openstack {' '.join(words)}",
            f"{figure['seconds']:.2f}",
            f"{figure['cpu_seconds']:.2f}",
        )


def _seconds(operator: Operator, words: Sequence[str]) -> dict[str, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    operator.openstack(scene.HERE, *words)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3)}
