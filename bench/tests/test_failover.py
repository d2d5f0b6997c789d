# SPDX-License-Identifier: Apache-2.0
"""What is made of measured runs."""

from typing import Any

import pytest

from protector_bench import failover

CALLS = {"nova": 20, "cinder": 30}


def floor(width: int, seconds: float) -> dict[str, Any]:
    return {"width": width, "seconds": seconds, "cpu_seconds": seconds / 10, "calls": CALLS}


def protector(seconds: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "cpu_seconds": 5.0,
        "peak_rss_mb": 150.0,
        "phases": {"before": 1.0},
        "steps": {"finalization": seconds},
    }


@pytest.fixture
def taken() -> dict[str, Any]:
    return {
        "floor": [floor(2, 9), floor(4, 8), floor(2, 10), floor(4, 30), floor(2, 11), floor(4, 8)],
        "protector": [protector(12), protector(10), protector(8)],
        "runbook": [],
        "failed": [],
    }


def test_the_width_of_the_best_median_makes_the_floor(taken: dict[str, Any]) -> None:
    figures = failover.summary(10, taken)
    assert figures["floor_width"] == 4
    assert figures["floor_seconds"] == 8
    assert figures["floor_seconds_by_width"] == {2: 10, 4: 8}
    assert figures["floor_cpu_seconds_per_vm"] == pytest.approx(0.08)
    assert figures["floor_api_calls"] == {"nova": 2, "cinder": 3}


def test_widths_that_make_a_difference_are_tried_while_it_is_quick() -> None:
    assert failover.widths(1, best=None) == [2, 4]
    assert failover.widths(5, best=2) == [2, 4, 8, 16]
    assert failover.widths(50, best=8) == [8]
    assert failover.widths(50, best=None) == list(failover.WIDTHS)


def test_protector_is_told_by_medians_and_ratios(taken: dict[str, Any]) -> None:
    figures = failover.summary(10, {**taken, "runbook": [{"seconds": 100}]})
    assert figures["protector_seconds"] == 10
    assert figures["ratio_to_floor"] == 1.25
    assert figures["ratio_to_runbook"] == 10
    assert figures["cpu_seconds_per_vm"] == 0.5
    assert figures["vms_per_hour"] == 3600


def test_a_run_that_is_cut_short_has_figures_and_a_row(taken: dict[str, Any]) -> None:
    figures = failover.summary(10, {**taken, "floor": taken["floor"][:1], "protector": []})
    (row,) = failover.rows({"10": figures})
    assert row[:5] == ("10", "9.0", "2", "-", "-")
    assert len(row) == len(failover.HEADER)


def test_a_floor_that_failed_has_none(taken: dict[str, Any]) -> None:
    figures = failover.summary(10, {**taken, "floor": [], "failed": ["floor: it did not end"]})
    assert figures["protector_seconds"] == 10
    assert "ratio_to_floor" not in figures
    (row,) = failover.rows({"10": figures})
    assert row[:2] == ("10 (1 failed)", "-")


def test_sizes_are_in_order(taken: dict[str, Any]) -> None:
    figures = failover.summary(10, taken)
    sizes = [row[0] for row in failover.rows({"100": figures, "5": figures, "20": figures})]
    assert sizes == ["5", "20", "100"]


STEPS = [
    step | {"started_at": f"2025-06-15T04:00:{a}Z", "ended_at": f"2025-06-15T04:00:{b}Z"}
    for step, a, b in (
        ({"name": "validate", "phase": "preparation"}, "01.000", "02.000"),
        ({"name": "recreate_vm_b", "phase": "instance_recreation"}, "04.500", "09.500"),
        ({"name": "recreate_vm_a", "phase": "instance_recreation"}, "04.000", "07.000"),
        ({"name": "finalization", "phase": "finalization"}, "10.000", "10.100"),
    )
]


def test_phases_add_up() -> None:
    at = 1749960000.5
    found = failover.phases(at, 10.0, STEPS)
    assert found == {
        "before": 0.5,
        "preparation": 3.0,
        "instance_recreation": 6.0,
        "finalization": 0.5,
    }
    assert sum(found.values()) == 10.0


def test_steps_of_vms_are_told_together() -> None:
    assert failover.step_seconds(STEPS) == {
        "validate": 1.0,
        "finalization": pytest.approx(0.1),
        "recreate_vm (median)": 4.0,
        "recreate_vm (longest)": 5.0,
    }
