# SPDX-License-Identifier: Apache-2.0
"""The command, as someone at a terminal uses it."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess

import pytest
from pair import COMMAND, Asking, Running


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=30
    )


def test_arrays_are_told_what_happens_to_them(simulator: Running, a: Asking) -> None:
    address = f"127.0.0.1:{simulator.control_port}"
    a.volume("v")
    written = run("ctl", "--address", address, "write", "array=fa-a", "volume=v", "marker=hello")
    assert written.returncode == 0, written.stderr
    read = run("ctl", "--address", address, "writes", "array=fa-a", "name=v")
    assert [write["marker"] for write in json.loads(read.stdout)] == ["hello"]
    down = run("ctl", "--address", address, "array-down", "array=fa-a")
    assert (down.returncode, down.stdout) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["write", "array=fa-a"], "missing a required argument: 'volume'"),
        (["write", "fa-a"], "give fa-a as name=value"),
        (["wirte"], "there is no command wirte; there are advance,"),
    ],
)
def test_mistakes_are_explained(simulator: Running, arguments: list[str], said: str) -> None:
    refused = run("ctl", "--address", f"127.0.0.1:{simulator.control_port}", *arguments)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ")
    assert said in refused.stderr


ARRAY = '[[arrays]]\nname = "x"\naddress = "127.0.0.1"\napi_token = "t"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name at least one array"),
        ("arrays = ", "is not TOML"),
        (ARRAY + 'peers = ["y"]', "which is no other array here"),
        (ARRAY + ARRAY, "two arrays have the same name"),
        (ARRAY + 'colour = "red"', "[arrays]: colour is not a setting; there are name,"),
        ("[[arrays]]\nname = 'x'", "[arrays]: address is missing"),
        (ARRAY + "[strict]\nmin_freqency = 1", "[strict]: min_freqency is not a setting"),
        (ARRAY + 'port = "http"', "[arrays]: port must be a whole number"),
        ("statedir = 'x'\n" + ARRAY, "statedir is not a setting"),
    ],
)
def test_a_wrong_configuration_is_explained(tmp_path: pathlib.Path, text: str, said: str) -> None:
    config = tmp_path / "simulator.toml"
    config.write_text(text)
    refused = run("serve", "--config", config)
    assert refused.returncode == 1
    assert said in refused.stderr


def test_a_configuration_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    refused = run("serve", "--config", tmp_path / "absent.toml")
    assert "absent.toml cannot be read: No such file" in refused.stderr


def test_state_of_another_version_is_not_touched(tmp_path: pathlib.Path) -> None:
    config = tmp_path / "simulator.toml"
    config.write_text(ARRAY)
    (tmp_path / "state").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "state.sqlite")) as database:
        database.execute("CREATE TABLE volumes (name TEXT)")
    refused = run("serve", "--config", config)
    assert refused.returncode == 1
    assert "was written by another version of the simulator. Remove it" in refused.stderr
