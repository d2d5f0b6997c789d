# SPDX-License-Identifier: Apache-2.0
"""`scripts/isolated`: a loopback and processes of one's own, by which testbeds run side by side."""

import pathlib
import socket
import subprocess
import sys

import pytest

from testbed.layout import repository

ISOLATED = repository() / "scripts" / "isolated"
ADDRESS = "127.0.1.1"
# Seconds.
PATIENCE = 30

pytestmark = pytest.mark.skipif(
    subprocess.run([ISOLATED, "true"], capture_output=True).returncode != 0,
    reason="no namespaces can be made here",
)


def isolated(*command: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in (ISOLATED, *command)]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)


def test_it_ends_as_the_command_does() -> None:
    assert isolated("sh", "-c", "exit 3").returncode == 3


def test_an_address_that_is_taken_here_is_free_there() -> None:
    with socket.create_server((ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        listen = f"import socket; socket.create_server(({ADDRESS!r}, {port}))"
        done = isolated(sys.executable, "-c", listen)
        assert (done.returncode, done.stderr) == (0, "")


def test_what_it_has_started_ends_with_it(tmp_path: pathlib.Path) -> None:
    """Also what leads a session of its own, as all processes of a testbed do."""
    alive = tmp_path / "alive"
    # It holds the pipe's other end until it ends; who reads that sees the end.
    with subprocess.Popen(
        [str(ISOLATED), "sh", "-c", f"setsid sleep 600 & touch {alive}"],
        stdout=subprocess.PIPE,
    ) as started:
        assert started.stdout is not None
        left, _ = started.communicate(timeout=PATIENCE)
    assert alive.exists()
    assert left == b""
