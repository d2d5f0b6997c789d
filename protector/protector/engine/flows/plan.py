# SPDX-License-Identifier: Apache-2.0
"""The words in which flows are written: plan, phase, in turn, together."""

from collections.abc import Iterable, Iterator

from taskflow.flow import Flow
from taskflow.patterns import linear_flow, unordered_flow
from taskflow.task import Task

from protector.domain.progress import PHASES


def plan(name: str, *phases: Flow) -> Flow:
    return linear_flow.Flow(name).add(*phases)


def phase(name: str, *steps: Flow | Task) -> Flow:
    """Run the steps one after the other."""
    if name not in PHASES:
        raise ValueError(f"no phase is called {name}")
    return in_turn(name, *steps)


def in_turn(name: str, *steps: Flow | Task) -> Flow:
    """Run the steps one after the other."""
    return linear_flow.Flow(name).add(*steps)


def together(name: str, steps: Iterable[Task]) -> Flow:
    """Run the steps side by side, in no particular order."""
    return unordered_flow.Flow(name).add(*steps)


def outline(flow: Flow) -> dict[str, list[str]]:
    """Return phase -> names of its steps: the shape in which progress is told."""
    return {phase.name: list(_names(phase)) for phase, _ in flow.iter_nodes()}


def _names(node: Flow | Task) -> Iterator[str]:
    if isinstance(node, Task):
        yield node.name
        return
    for child, _ in node.iter_nodes():
        yield from _names(child)
