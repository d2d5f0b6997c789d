# SPDX-License-Identifier: Apache-2.0
"""The tables of OpenStack's databases: migrated once, then loaded from a file."""

import concurrent.futures
import functools
import hashlib
import pathlib
import threading

from testbed.layout import Folders
from testbed.mariadb import DATABASES, MariaDB
from testbed.openstack import manage

# Nova fills these in from its configuration, so that the tables are the same at both sites.
CELL_DATABASE = "{scheme}://{username}:{password}@{hostname}:{port}/%s?{query}"
CELL_BROKER = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"
OPENSTACK_DATABASES = [name for name in DATABASES if name != "protector"]

# Two sites start at once; the first makes the file.
_making = threading.Lock()


def template(folders: Folders) -> pathlib.Path:
    """Return the file for these versions and this way to make it, whether or not it exists."""
    made_of = folders.lock.read_bytes() + pathlib.Path(__file__).read_bytes()
    return folders.cache / f"schemas-{hashlib.sha256(made_of).hexdigest()[:16]}.sql"


def make_tables(folders: Folders, site_folder: pathlib.Path, mariadb: MariaDB) -> str:
    """Give empty databases their tables; say how."""
    path = template(folders)
    with _making:
        if not path.exists():
            _migrate(folders, site_folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_text(mariadb.dump(OPENSTACK_DATABASES))
            new.replace(path)
            return "tables made by the services' migrations"
    mariadb.execute(path.read_text())
    return "tables loaded"


def _migrate(folders: Folders, site_folder: pathlib.Path) -> None:
    run = functools.partial(manage, folders, site_folder)

    def nova() -> None:
        nova_manage = functools.partial(run, "nova-manage", "--config-file", "nova.conf")
        nova_manage("api_db", "sync")
        cell_v2 = functools.partial(nova_manage, "cell_v2")
        cell_v2("map_cell0", "--database_connection", CELL_DATABASE % "nova_cell0")
        nova_manage("db", "sync")
        cell_v2(
            *("create_cell", "--name", "cell1", "--transport-url", CELL_BROKER),
            *("--database_connection", CELL_DATABASE % "nova_cell1"),
        )

    jobs = [
        nova,
        lambda: run("neutron-db-manage", "--config-file", "neutron.conf", "upgrade", "heads"),
        lambda: run("cinder-manage", "--config-file", "cinder.conf", "db", "sync"),
        lambda: run("keystone-manage", "--config-file", "keystone.conf", "db_sync"),
        lambda: run("glance-manage", "--config-file", "glance-api.conf", "db_sync"),
        lambda: run("placement-manage", "--config-file", "placement.conf", "db", "sync"),
    ]
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        for job in [pool.submit(job) for job in jobs]:
            job.result()
