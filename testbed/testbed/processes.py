# SPDX-License-Identifier: Apache-2.0
"""Starts processes that outlive the command, remembers them, and ends those and no others."""

import contextlib
import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import psutil

from testbed.errors import BrokenTestbed
from testbed.progress import wait_for

# Seconds that a killed process may take to vanish.
DEATH = 5.0
# Seconds.
RELEASE = 15


@dataclasses.dataclass(frozen=True)
class Record:
    """A process we started; ``started`` tells it from a later one of its number."""

    name: str
    pid: int
    started: int
    command: list[str]

    def leader(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            process = psutil.Process(self.pid)
            if started(self.pid) == self.started and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


class Processes:
    """The processes of one folder: each leads a session, which its children belong to."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._records = folder / "processes"
        self._logs = folder / "log"

    def start(
        self,
        name: str,
        command: Sequence[object],
        *,
        env: Mapping[str, str],
        cwd: pathlib.Path,
        group: int | None = None,
    ) -> None:
        """Start it, in a group of users of its own when that is given and we are root."""
        self._records.mkdir(parents=True, exist_ok=True)
        with self.output(name).open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                group=group if os.geteuid() == 0 else None,
            )
        # It is meant to outlive us: Python shall not complain that nobody waited for it.
        process.returncode = 0
        record = Record(
            name,
            process.pid,
            started(process.pid),
            [str(word) for word in command],
        )
        path = self._records / f"{name}.json"
        path.with_suffix(".new").write_text(json.dumps(dataclasses.asdict(record), indent=1))
        path.with_suffix(".new").replace(path)

    def output(self, name: str) -> pathlib.Path:
        """Return the file that holds what the process prints."""
        self._logs.mkdir(parents=True, exist_ok=True)
        return self._logs / f"{name}.out"

    def names(self) -> list[str]:
        return sorted(path.stem for path in self._records.glob("*.json"))

    def alive(self, name: str) -> bool:
        path = self._records / f"{name}.json"
        return path.exists() and self._record(path).leader() is not None

    def process(self, name: str) -> psutil.Process:
        """:raises BrokenTestbed: it does not run."""
        path = self._records / f"{name}.json"
        leader = self._record(path).leader() if path.exists() else None
        if leader is None:
            raise BrokenTestbed(f"{name} does not run; see {self.output(name)}")
        return leader

    def end(self, names: Iterable[str] | None = None, *, grace: float) -> None:
        """End processes with all their children: asked to first, when ``grace`` (s) is given."""
        chosen = self.names() if names is None else names
        paths = [self._records / f"{name}.json" for name in chosen]
        records = [self._record(path) for path in paths if path.exists()]
        if grace:
            for record in records:
                if leader := record.leader():
                    leader.terminate()
            _wait_until_gone(records, grace)
        _kill(records)
        for path in paths:
            path.unlink(missing_ok=True)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to the process and all its children."""
        for process in _members([self._record(self._records / f"{name}.json")]):
            process.send_signal(number)

    def _record(self, path: pathlib.Path) -> Record:
        return Record(**json.loads(path.read_text()))

    def wait_for_port(self, name: str, address: str, port: int, *, seconds: float) -> None:
        """Wait until the process listens there.

        :raises BrokenTestbed: it ended, or does not listen in time.
        """

        def listens() -> bool:
            if listening(address, port):
                return True
            if not self.alive(name):
                raise BrokenTestbed(f"{name} has ended; see {self.output(name)}")
            return False

        wait_for(
            listens,
            seconds=seconds,
            otherwise=f"{name} does not listen on {address}:{port}; see {self.output(name)}",
        )


def started(pid: int) -> int:
    """Return when the process began, in ticks since boot: no change of the clock moves that."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19])


def listening(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def expect_free(ports: Iterable[tuple[str, int]], *, patience: float = RELEASE) -> None:
    """Make sure that nobody listens there.

    :param patience: seconds; a process that was killed may hold its ports for a moment longer.
    :raises BrokenTestbed: somebody does, and would be taken for ours.
    """
    wanted, deadline = list(ports), time.monotonic() + patience
    while taken := [f"{address}:{port}" for address, port in wanted if listening(address, port)]:
        if time.monotonic() > deadline:
            raise BrokenTestbed(
                f"another process listens on {', '.join(taken)}; end it, then try again"
                " (`ss -ltnp` shows which it is)"
            )
        time.sleep(0.2)


def _members(records: Iterable[Record]) -> Iterator[psutil.Process]:
    """Yield every process in the sessions of the records, zombies aside."""
    sessions = {record.pid for record in records if not _reused(record)}
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _reused(record: Record) -> bool:
    """Whether the number is another process's now: then nothing of the session is left."""
    try:
        return started(record.pid) != record.started
    except OSError:
        return False


def _wait_until_gone(records: Sequence[Record], seconds: float) -> None:
    end = time.monotonic() + seconds
    while any(_members(records)) and time.monotonic() < end:
        time.sleep(0.05)


def _kill(records: Sequence[Record]) -> None:
    """Kill until nothing is left: some have just made another child.

    :raises BrokenTestbed: something does not die.
    """
    end = time.monotonic() + DEATH
    while members := list(_members(records)):
        if time.monotonic() > end:
            left = ", ".join(str(process.pid) for process in members)
            raise BrokenTestbed(f"processes {left} do not end, even by SIGKILL")
        for process in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.02)
