# SPDX-License-Identifier: Apache-2.0
"""How long a failover took is told to the millisecond."""

import datetime
import types
from typing import Any

from protector_bench.disaster import Disaster


def test_the_end_is_the_one_on_record_not_the_whole_second_that_the_api_tells() -> None:
    asked: list[str] = []

    def query(site: str, statement: str) -> list[list[str]]:
        asked.append(statement)
        return [["2026-12-01 12:56:26.201"]]

    testbed: Any = types.SimpleNamespace(query=query)
    operation: Any = types.SimpleNamespace(id="op-1", completed_at="2026-12-01T12:56:26Z")
    at = Disaster(testbed, 1, {}).completed_at(operation)
    assert at == datetime.datetime(2026, 12, 1, 12, 56, 26, 201000, datetime.UTC).timestamp()
    assert "'op-1'" in asked[0]
