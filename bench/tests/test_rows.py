# SPDX-License-Identifier: Apache-2.0
"""Each part prints rows of as many columns as its header has."""

from typing import Any

import pytest

from protector_bench import api, cli, edits, idle

RUN = {"p50_ms": 12.3456, "p99_ms": 20.0, "per_second": 81.0}
SPENT = {f"{name}_percent": 1.5 for name in idle.PROCESSES}
FIGURES: list[tuple[Any, dict[str, Any]]] = [
    (api, {"clients": {"1": {"protector group list": {"things": 1000, "bytes": 9, **RUN}}}}),
    (
        edits,
        {
            "edit_seconds": 0.03,
            "bare_seconds": 0.02,
            "edit_to_bare": 1.5,
            "at_once": {"4": {"edits_per_second": 50.0, "seconds": 2.0}},
        },
    ),
    (cli, {name: {"seconds": 2.0, "cpu_seconds": 1.8} for name in cli.COMMANDS}),
    (
        idle,
        {"groups": {"1000": {"site-a": {**SPENT, "engine_rss_mb": 150.0, "calls": {"nova": 1.0}}}}},
    ),
]


@pytest.mark.parametrize(("part", "figures"), FIGURES)
def test_rows_fit_their_header(part: Any, figures: dict[str, Any]) -> None:
    found = list(part.rows(figures))
    assert found
    assert {len(row) for row in found} == {len(part.HEADER)}
