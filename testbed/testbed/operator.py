# SPDX-License-Identifier: Apache-2.0
"""A person at a workstation: types `openstack …`, and sees what it prints."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

# The command beside this interpreter: the one that has Protector's plugin.
OPENSTACK = pathlib.Path(sys.executable).parent / "openstack"
# Seconds: longer than any command of the procedure may take on a busy machine.
PATIENCE = 600


@dataclasses.dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    command: str
    stdout: str
    stderr: str
    code: int


class CommandFailed(Exception):
    def __init__(self, said: Said) -> None:
        super().__init__(f"{said.command} ended with {said.code}:\n{said.stdout}{said.stderr}")
        self.said = said


class Operator:
    """Runs the real command with a clouds.yaml; ``show`` prints it as the operator sees it."""

    def __init__(self, clouds_yaml: pathlib.Path, *, show: bool = False) -> None:
        self._clouds_yaml = clouds_yaml
        self._show = show

    def openstack(self, cloud: str, *words: str, check: bool = True) -> Said:
        """Run ``openstack <words>`` signed in to the cloud.

        :raises CommandFailed: it ended with another code than 0, and ``check`` is set.
        """
        command = "openstack " + " ".join(words)
        done = subprocess.run(
            [str(OPENSTACK), *words],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("OS_")},
                "OS_CLOUD": cloud,
                "OS_CLIENT_CONFIG_FILE": str(self._clouds_yaml),
                "COLUMNS": "110",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        said = Said(command, done.stdout, done.stderr, done.returncode)
        if self._show:
            # At once: commands for both sites may run side by side.
            print(f"\n[{cloud}]$ {command}\n{said.stdout}{said.stderr}", end="", flush=True)
        if check and said.code != 0:
            raise CommandFailed(said)
        return said

    def json(self, cloud: str, *words: str) -> Any:
        """Run a command with ``-f json`` and return what it printed."""
        return json.loads(self.openstack(cloud, *words, "-f", "json").stdout)
