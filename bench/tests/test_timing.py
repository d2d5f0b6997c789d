# SPDX-License-Identifier: Apache-2.0
import pytest

from protector_bench.timing import latency, median_of, percentile


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.995, 100), (1.0, 100)]
)
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value


def test_a_single_value_is_every_percentile() -> None:
    assert latency([0.0125]) == {"p50_ms": 12.5, "p99_ms": 12.5}


def test_each_figure_has_its_own_median_and_the_runs_are_kept() -> None:
    runs = [{"a": 1.0, "b": 9.0}, {"a": 3.0, "b": 7.0}, {"a": 2.0, "b": 8.0}]
    assert median_of(runs) == {"a": 2.0, "b": 8.0, "runs": runs}
