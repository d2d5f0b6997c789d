# SPDX-License-Identifier: Apache-2.0
"""What a process costs while something is done."""

import pathlib
import re
import time
from types import TracebackType
from typing import Self

import psutil

# What makes Linux forget the most memory that a process has had.
FORGET_PEAK = "5"


class Gauge:
    """Of one process, its threads included: ``seconds`` and ``cpu_seconds`` from begin to end,
    ``peak_rss_mb``: the most memory meanwhile, in MiB.
    """

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._folder = pathlib.Path(f"/proc/{process.pid}")
        self.seconds = self.cpu_seconds = self.peak_rss_mb = 0.0

    def __enter__(self) -> Self:
        (self._folder / "clear_refs").write_text(FORGET_PEAK)
        self._cpu, self._began = self._used(), time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.seconds = time.monotonic() - self._began
            self.cpu_seconds = self._used() - self._cpu
            self.peak_rss_mb = self._peak()

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _peak(self) -> float:
        found = re.search(r"VmHWM:\s+(\d+) kB", (self._folder / "status").read_text())
        return int(found[1]) / 1024 if found else 0.0
