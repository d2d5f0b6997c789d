# SPDX-License-Identifier: Apache-2.0
"""On what it was measured: the machine, and the versions of all that took part."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
from typing import Any

import psutil

from testbed.layout import Folders

# Distribution -> what people call it.
SERVICES = {
    "keystone": "Keystone",
    "nova": "Nova",
    "cinder": "Cinder",
    "neutron": "Neutron",
    "openstack-placement": "Placement",
}
LIBRARIES = ("protector", "openstacksdk", "taskflow", "sqlalchemy", "py-pure-client")
# Debian's packages.
PACKAGES = {"mariadb-server": "MariaDB", "rabbitmq-server": "RabbitMQ"}


def describe(folders: Folders) -> dict[str, Any]:
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "commit": _said("git", "-C", str(folders.repository), "describe", "--always", "--dirty"),
        "versions": {
            "Python": platform.python_version(),
            **_services(folders.openstack),
            **{name: importlib.metadata.version(name) for name in LIBRARIES},
            **{name: _package(package) for package, name in PACKAGES.items()},
        },
    }


def lines(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB,"
        f" {machine['system']}; {machine['commit']}\n{versions}"
    )


def _cpu() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _services(environment: pathlib.Path) -> dict[str, str]:
    packages = [str(path) for path in environment.glob("lib/python3*/site-packages")]
    found = importlib.metadata.distributions(path=packages)
    versions = {one.metadata["Name"].lower(): one.version for one in found}
    return {name: versions.get(package, "unknown") for package, name in SERVICES.items()}


def _package(name: str) -> str:
    return _said("dpkg-query", "--show", "--showformat", "${Version}", name)


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
