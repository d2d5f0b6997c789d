# SPDX-License-Identifier: Apache-2.0
"""Writes a site's configuration files: those of ``templates/``, filled in."""

import base64
import json
import os
import pathlib
import shutil
import string

from testbed.layout import PASSWORD, PORTS, Folders, Place, peer_of

TEMPLATES = pathlib.Path(__file__).parent / "templates"
# Few connections each: a site's services together must not exhaust its MariaDB.
POOL = "max_pool_size = 5\nmax_overflow = 20"
STATE_FOLDERS = ("nova", "neutron", "cinder", "glance/images", "glance/tasks", "glance/staging")
# Services put a copy of each notification into queues that nobody here may read.
SHORT_LIVED = {
    "pattern": "^notifications\\.",
    "apply-to": "queues",
    "definition": {"message-ttl": 60_000},
}
# Templates that are parts of others.
PARTS = {"service_account.ini"}


def configure(place: Place, folders: Folders) -> None:
    """Write the site's files anew; keys and data that exist stay as they are."""
    root = folders.site(place)
    config, state = root / "etc", root / "state"
    # What was laid over Protector's options for a while that nobody ended.
    shutil.rmtree(root / "protector.d", ignore_errors=True)
    for folder in (config, root / "protector.d", root / "log", state / "lock"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in STATE_FOLDERS:
        (state / name).mkdir(parents=True, exist_ok=True)
    values = _values(place, folders)
    for template in TEMPLATES.iterdir():
        if template.name not in PARTS:
            _write_secret(config / template.name, _fill(template, values))
    # Nova takes the first of its files for the paste file, and looks for it here.
    paste = folders.openstack / "etc" / "nova" / "api-paste.ini"
    (config / "api-paste.ini").write_text(paste.read_text())
    _write_secret(config / "rabbitmq.json", json.dumps(_broker_definitions(), indent=1))
    _write_secret(config / "protector-password", PASSWORD)
    for name in ("fernet", "credential"):
        _make_keys(state / name)


def _values(place: Place, folders: Folders) -> dict[str, str]:
    peer = peer_of(place)
    root = folders.site(place)
    values = {
        "site": place.name,
        "address": place.address,
        "password": PASSWORD,
        "mysql": f"mysql+pymysql://openstack:{PASSWORD}@{place.address}:{PORTS['mariadb']}",
        "rabbitmq": f"rabbit://openstack:{PASSWORD}@{place.address}:{PORTS['rabbitmq']}/",
        "pool": POOL,
        "config": str(root / "etc"),
        "log": str(root / "log"),
        "state": str(root / "state"),
        "etc": str(folders.openstack / "etc"),
        "array": place.array,
        "array_target": place.array_target,
        "array_token": place.api_token,
        "peer_array": peer.array,
        "peer_array_target": peer.array_target,
        "peer_array_token": peer.api_token,
        "ca": str(folders.simulator / "state" / "ca.pem"),
    }
    account = _fill(TEMPLATES / "service_account.ini", values).strip()
    values["service_account"] = account
    values["protector_account"] = account.replace("username = service", "username = protector")
    values["keystone_authtoken"] = "\n".join(
        (
            account,
            f"www_authenticate_uri = {place.url('keystone')}/v3",
            "memcached_servers =",
            "service_token_roles = service",
            "service_token_roles_required = true",
        )
    )
    return values


def _fill(template: pathlib.Path, values: dict[str, str]) -> str:
    return string.Template(template.read_text()).substitute(values)


def _broker_definitions() -> dict[str, object]:
    user = {"name": "openstack", "password": PASSWORD, "tags": ""}
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [user],
        "vhosts": [{"name": "/"}],
        "permissions": [{"user": "openstack", "vhost": "/", **everything}],
        "policies": [{"vhost": "/", "name": "notifications", **SHORT_LIVED}],
    }


def _make_keys(folder: pathlib.Path) -> None:
    """Do what `keystone-manage fernet_setup` does, without its seconds."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in ("0", "1"):
        if not (folder / number).exists():
            _write_secret(folder / number, _new_key())


def _new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _write_secret(path: pathlib.Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
