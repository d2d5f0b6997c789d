# SPDX-License-Identifier: Apache-2.0
import json
import pathlib

import pytest

from protector_bench import command, plots
from protector_bench.report import Report, table


def test_what_is_measured_again_replaces_its_own_alone(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "reports" / "bench.json"
    Report(path).keep("failover", {"5": {"floor_seconds": 1}, "20": {"floor_seconds": 2}})
    Report(path).keep("cli", {"seconds": 3})
    Report(path).keep("failover", {"5": {"floor_seconds": 4}})
    assert json.loads(path.read_text()) == {
        "failover": {"5": {"floor_seconds": 4}, "20": {"floor_seconds": 2}},
        "cli": {"seconds": 3},
    }


def test_figures_are_rounded_wherever_they_are(tmp_path: pathlib.Path) -> None:
    report = Report(tmp_path / "bench.json")
    report.keep("cli", {"runs": [{"seconds": 1.23456789}], 4: "as it is"})
    assert report.figures == {"cli": {"runs": [{"seconds": 1.2346}], "4": "as it is"}}


def test_columns_are_as_wide_as_their_contents() -> None:
    assert table(("VMs", "s"), [("5", "12.5"), ("200", "9.0")]) == (
        "VMs     s\n5    12.5\n200   9.0"
    )


def test_parts_and_sizes_can_be_chosen() -> None:
    chosen = command.parser().parse_args(["groups", "--vms", "1,50", "--runs", "1"])
    assert (chosen.parts, chosen.vms, chosen.runs) == (["groups"], [1, 50], 1)


@pytest.mark.parametrize("name", command.PARTS)
def test_a_part_has_a_table(name: str) -> None:
    part = command.PARTS[name]
    assert all(isinstance(word, str) for word in part.HEADER)
    assert callable(part.measure)
    assert callable(part.rows)


def test_what_there_is_is_drawn(tmp_path: pathlib.Path) -> None:
    floor = {"floor_seconds": 2.0, "floor_cpu_seconds_per_vm": 0.1}
    whole = {**floor, "protector_seconds": 3.0, "cpu_seconds_per_vm": 0.2, "phases": {"a": 1.0}}
    groups = {"groups": 20, "vms_per_group": 5, "engines": {"1": {"seconds": 9.0}}}
    drawn = plots.draw({"failover": {"1": whole, "20": floor}, "groups": groups}, tmp_path)
    assert sorted(path.name for path in drawn) == [
        "bench-failover.png",
        "bench-failover.svg",
        "bench-groups.png",
        "bench-groups.svg",
    ]
    assert all(path.stat().st_size > 1000 for path in drawn)
