# SPDX-License-Identifier: Apache-2.0
"""How people and tests sign in: clouds.yaml, openrc files, connections."""

import pathlib
from typing import Any

import openstack.config
import yaml
from openstack.connection import Connection

from testbed.layout import PASSWORD, PLACES, Folders, Place

# What follows the site's name in a cloud's name -> user, project.
ACCOUNTS = {
    "": ("alice", "acme"),
    "-admin": ("admin", "admin"),
    "-rival": ("mallory", "rival"),
}


def write(folders: Folders) -> None:
    """Write clouds.yaml, and an openrc file of each cloud in it."""
    clouds = {
        f"{place.name}{suffix}": _cloud(place, user, project)
        for place in PLACES.values()
        for suffix, (user, project) in ACCOUNTS.items()
    }
    folders.clouds_yaml.write_text(yaml.safe_dump({"clouds": clouds}, sort_keys=False))
    for name, cloud in clouds.items():
        variables = {**cloud["auth"], "region_name": cloud["region_name"]}
        lines = [f"export OS_{key.upper()}={value}\n" for key, value in variables.items()]
        (folders.state / f"{name}-openrc").write_text(
            "unset OS_CLOUD\nexport OS_IDENTITY_API_VERSION=3\n" + "".join(lines)
        )


def _cloud(place: Place, user: str, project: str) -> dict[str, Any]:
    return {
        "auth": {
            "auth_url": f"{place.url('keystone')}/v3",
            "username": user,
            "password": PASSWORD,
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": place.name,
    }


def connect(clouds_yaml: pathlib.Path, name: str) -> Connection:
    config = openstack.config.OpenStackConfig(
        config_files=[str(clouds_yaml)], secure_files=[], vendor_files=[], load_envvars=False
    )
    return Connection(config=config.get_one(cloud=name))
