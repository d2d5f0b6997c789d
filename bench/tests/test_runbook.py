# SPDX-License-Identifier: Apache-2.0
"""The shell script, run with commands that only write down how they were called."""

import pathlib
import subprocess
from typing import Any

import pytest

from protector_bench import runbook

OPENSTACK = """#!/bin/bash
echo "openstack $*" >>"$CALLS"
case "$*" in
    "volume create"*) echo "id-of-${*: -1}" ;;
    "volume show"*) echo available ;;
    "port create"*) echo port-id ;;
    "server list"*) printf 'one\\ntwo\\n' ;;
esac
"""
CURL = """#!/bin/bash
echo "curl $*" >>"$CALLS"
case "$*" in *login*) printf 'x-auth-token: session\\r\\n' ;; esac
"""


@pytest.fixture
def calls(tmp_path: pathlib.Path, wanted: dict[str, Any]) -> list[str]:
    """What the script called, in order."""
    for name, text in (("openstack", OPENSTACK), ("curl", CURL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    log = tmp_path / "calls"
    subprocess.run(
        ["bash", "-c", runbook.script({**wanted, "array": "https://array"})],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(log)},
        check=True,
        timeout=30,
    )
    return log.read_text().splitlines()


def test_one_command_follows_the_other(calls: list[str]) -> None:
    of_a_vm = [
        *("curl", "openstack volume create", "curl", "openstack volume create"),
        *("openstack volume show", "openstack volume show"),
        *("openstack port create", "openstack server create"),
    ]
    expected = ["curl", *of_a_vm, *of_a_vm, "openstack server list"]
    assert [call.startswith(begin) for call, begin in zip(calls, expected, strict=True)] == [
        True
    ] * len(expected)


def test_volumes_are_copied_managed_and_attached(calls: list[str]) -> None:
    copy, manage = calls[1], calls[2]
    assert "x-auth-token: session" in copy
    assert '{"source": {"name": "flasharray-a:group.1.volume-' in copy
    assert "source-name=copy-of-" in manage
    assert "--bootable" in manage
    assert "--non-bootable" in calls[4]
    server = next(call for call in calls if "server create" in call)
    assert "--volume id-of-one-0 --block-device uuid=id-of-one-1," in server
    assert "--port port-id" in server
