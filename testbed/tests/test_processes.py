# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from testbed.errors import BrokenTestbed
from testbed.processes import Processes, expect_free
from testbed.progress import wait_for

# A parent whose child left its process group, and both of which shrug off SIGTERM.
FAMILY = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path: pathlib.Path) -> Iterator[Processes]:
    found = Processes(tmp_path)
    yield found
    found.end(grace=0)


@pytest.fixture
def family(processes: Processes, tmp_path: pathlib.Path) -> list[int]:
    """Two processes started under the name ``family``."""
    born = tmp_path / "born"
    born.mkdir()
    processes.start("family", [sys.executable, "-c", FAMILY, born], env={}, cwd=tmp_path)
    wait_for(lambda: len(list(born.iterdir())) == 2, seconds=10, otherwise="no family")
    return [int(path.name) for path in born.iterdir()]


def running(pids: list[int]) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter()
        if process.pid in pids and process.status() != psutil.STATUS_ZOMBIE
    ]


def test_a_killed_process_takes_its_children_along(processes: Processes, family: list[int]) -> None:
    assert processes.alive("family")
    processes.end(grace=0)
    assert running(family) == []
    assert not processes.alive("family")
    assert processes.names() == []


def test_children_that_outlived_their_parent_are_ended_too(
    processes: Processes, family: list[int], tmp_path: pathlib.Path
) -> None:
    leader = json.loads((tmp_path / "processes" / "family.json").read_text())["pid"]
    psutil.Process(leader).kill()
    wait_for(lambda: not processes.alive("family"), seconds=10, otherwise="it lives on")
    assert len(running(family)) == 1
    processes.end(grace=0)
    assert running(family) == []


def test_who_ignores_the_request_is_killed_after_the_grace(
    processes: Processes, family: list[int]
) -> None:
    processes.end(grace=0.2)
    assert running(family) == []


def test_a_process_is_known_to_a_later_command(family: list[int], tmp_path: pathlib.Path) -> None:
    later = Processes(tmp_path)
    assert later.alive("family")
    later.end(grace=0)
    assert running(family) == []


def test_a_process_that_got_the_number_of_ours_is_left_alone(
    processes: Processes, tmp_path: pathlib.Path
) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        record = {"name": "old", "pid": stranger.pid, "started": 1, "command": ["sleep"]}
        folder = tmp_path / "processes"
        folder.mkdir()
        (folder / "old.json").write_text(json.dumps(record))
        assert not processes.alive("old")
        processes.end(grace=0.1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_that_ends_at_once_is_told_with_its_log(
    processes: Processes, tmp_path: pathlib.Path
) -> None:
    processes.start("brief", ["true"], env=dict(os.environ), cwd=tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(BrokenTestbed, match=r"brief has ended; see .*brief\.out"):
            processes.wait_for_port("brief", "127.0.0.1", port, seconds=10)


def test_a_port_that_another_process_has_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokenTestbed, match=f"another process listens on 127.0.0.1:{port}"):
            expect_free([("127.0.0.1", port)], patience=0)
