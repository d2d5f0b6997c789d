# SPDX-License-Identifier: Apache-2.0
"""What is made of measured times. Seconds in, and out what the names say."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that so large a share of them (0 to 1) does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def latency(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile, in milliseconds."""
    return {
        "p50_ms": round(percentile(seconds, 0.50) * 1000, 3),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 3),
    }


def median_of(runs: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return the median over the runs of each of their figures, and the runs themselves."""
    return {
        **{name: statistics.median(run[name] for run in runs) for name in runs[0]},
        "runs": [dict(run) for run in runs],
    }
