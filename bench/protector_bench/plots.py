# SPDX-License-Identifier: Apache-2.0
"""The figures as pictures."""

import pathlib
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Text that can be searched, and no noise in a comparison of two files.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "axes.grid": True})
LINES = {"floor": "floor", "runbook": "runbook", "protector": "Protector"}


def draw(figures: Mapping[str, Any], folder: pathlib.Path) -> list[pathlib.Path]:
    """Draw what there is; return the files."""
    drawn = []
    if figures.get("failover"):
        drawn += _saved(_failover(figures["failover"]), folder / "bench-failover")
    if figures.get("groups"):
        drawn += _saved(_groups(figures["groups"]), folder / "bench-groups")
    return drawn


def _failover(measured: Mapping[str, Any]) -> Figure:
    sizes = sorted(measured, key=int)
    figure = Figure(figsize=(11, 8), layout="constrained")
    whole, each, parts, cpu = figure.subplots(2, 2).flat
    for name, label in LINES.items():
        _line(whole, measured, f"{name}_seconds", label)
        _line(each, measured, f"{name}_seconds", label, per_vm=True)
    _line(cpu, measured, "floor_cpu_seconds_per_vm", LINES["floor"])
    _line(cpu, measured, "cpu_seconds_per_vm", "Protector's engine")
    whole.set(title="Failover of a group", xlabel="VMs", ylabel="seconds", yscale="log")
    each.set(title="Failover, per VM", xlabel="VMs", ylabel="seconds per VM")
    cpu.set(title="Processor time, per VM", xlabel="VMs", ylabel="CPU seconds per VM")
    for axes in (whole, each, cpu):
        axes.set_xscale("log")
        axes.set_xticks([int(size) for size in sizes], sizes)
        axes.minorticks_off()
        axes.legend()
    _phases(parts, {size: measured[size] for size in sizes if "phases" in measured[size]})
    return figure


def _line(
    axes: Axes, measured: Mapping[str, Any], name: str, label: str, *, per_vm: bool = False
) -> None:
    points = sorted((int(size), one[name]) for size, one in measured.items() if name in one)
    if points:
        values = [value / size if per_vm else value for size, value in points]
        axes.plot([size for size, _ in points], values, marker="o", label=label)


def _phases(axes: Axes, measured: Mapping[str, Any]) -> None:
    """Stack the phases of a failover, per VM."""
    names = dict.fromkeys(name for one in measured.values() for name in one["phases"])
    bottoms = [0.0] * len(measured)
    for name in names:
        heights = [one["phases"].get(name, 0.0) / int(size) for size, one in measured.items()]
        axes.bar(list(measured), heights, bottom=bottoms, label=name.replace("_", " "))
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    axes.set(title="Phases of Protector's, per VM", xlabel="VMs", ylabel="seconds per VM")
    axes.margins(y=0.4)  # above the bars is where the legend goes
    axes.legend(loc="upper center", ncols=3, fontsize="small")


def _groups(measured: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    engines = measured["engines"]
    axes.bar(list(engines), [one["seconds"] for one in engines.values()], width=0.5)
    axes.set(
        title=f"{measured['groups']} groups of {measured['vms_per_group']} VMs at once",
        xlabel="engines",
        ylabel="seconds",
    )
    return figure


def _saved(figure: Figure, stem: pathlib.Path) -> list[pathlib.Path]:
    paths = [stem.with_suffix(f".{kind}") for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=120)
    return paths
