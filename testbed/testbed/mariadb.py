# SPDX-License-Identifier: Apache-2.0
"""A site's MariaDB."""

import os
import pathlib
import shutil
import subprocess
from collections.abc import Collection, Iterable

from testbed.errors import BrokenTestbed
from testbed.layout import PASSWORD, PORTS, Place
from testbed.processes import Processes

NAME = "mariadb"
# Debian has the server outside of an ordinary user's path.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# Name -> character set. Some of OpenStack's indexes are too long for utf8mb4.
DATABASES = {
    **dict.fromkeys(
        (
            "keystone",
            "glance",
            "placement",
            "nova_api",
            "nova_cell0",
            "nova_cell1",
            "neutron",
            "cinder",
        ),
        "utf8mb3",
    ),
    "protector": "utf8mb4",
}
START = 60.0


class MariaDB:
    def __init__(self, place: Place, folder: pathlib.Path, processes: Processes) -> None:
        self._place = place
        self._folder = folder / "mariadb"
        self._processes = processes

    @property
    def _data(self) -> pathlib.Path:
        return self._folder / "data"

    @property
    def _client_options(self) -> pathlib.Path:
        return self._folder / "client.cnf"

    def start(self) -> None:
        """Start it, with its databases and its one user made when they are not there."""
        self._folder.mkdir(exist_ok=True)
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        if not (self._data / "mysql").is_dir():
            self._install(as_root)
        (self._folder / "init.sql").write_text(_init_sql())
        self._client_options.touch(mode=0o600)
        self._client_options.write_text(
            f"[client]\nprotocol=tcp\nhost={self._place.address}\nport={PORTS['mariadb']}\n"
            f"user=openstack\npassword={PASSWORD}\ndefault-character-set=utf8mb4\n"
        )
        self._processes.start(
            NAME,
            [
                _command("mariadbd"),
                "--no-defaults",
                *as_root,
                f"--datadir={self._data}",
                f"--tmpdir={self._folder}",
                # In the data folder: a path from the root could be too long for a socket.
                "--socket=mysql.sock",
                f"--port={PORTS['mariadb']}",
                f"--bind-address={self._place.address}",
                f"--init-file={self._folder / 'init.sql'}",
                "--skip-name-resolve",
                "--skip-log-bin",
                "--max-connections=1000",
                "--performance-schema=OFF",
                "--innodb-buffer-pool-size=128M",
                "--innodb-log-file-size=32M",
                # What was committed survives the process, though not the machine.
                "--innodb-flush-log-at-trx-commit=2",
                "--innodb-flush-method=nosync",
                "--innodb-doublewrite=0",
            ],
            env={**os.environ, "PATH": PATH},
            cwd=self._folder,
        )

    def _install(self, as_root: list[str]) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        _run(
            [
                _command("mariadb-install-db"),
                "--no-defaults",
                *as_root,
                f"--datadir={self._data}",
                # Two installations at once would trip over each other in /tmp.
                f"--tmpdir={self._folder}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ]
        )

    def wait(self) -> None:
        self._processes.wait_for_port(NAME, self._place.address, PORTS["mariadb"], seconds=START)

    def execute(self, statements: str) -> str:
        """Run SQL statements; return the rows they yield, tabs between columns."""
        client = [_command("mariadb"), f"--defaults-file={self._client_options}"]
        return _run([*client, "--batch", "--skip-column-names"], statements)

    def dump(self, databases: Iterable[str], *options: str) -> str:
        """Return the statements that make the databases what they are."""
        return _run(
            [
                _command("mariadb-dump"),
                f"--defaults-file={self._client_options}",
                "--skip-comments",
                "--single-transaction",
                *options,
                "--databases",
                *databases,
            ]
        )

    def rows(self, databases: Iterable[str], *, besides: Collection[str] = ()) -> str:
        """Return the statements that put back the rows of the databases, all or none.

        :param besides: tables that stay as they are, ``database.table``.
        """
        names = list(databases)
        rows = self.dump(
            names,
            *("--no-create-db", "--no-create-info", "--skip-add-locks"),
            # Its ALTER TABLE would commit, and a service that finds its own row gone makes another.
            "--skip-disable-keys",
            *(f"--ignore-table={table}" for table in besides),
        )
        return _together(*self._deletions(names, besides), rows)

    def empty(self, database: str) -> None:
        """Delete all rows, except those that say how far the tables are migrated."""
        deletions = self._deletions([database])
        self.execute(_together(*(line for line in deletions if "alembic_version" not in line)))

    def _deletions(self, databases: Iterable[str], besides: Iterable[str] = ()) -> list[str]:
        listed = _listed(databases)
        return self.execute(
            "SELECT CONCAT('DELETE FROM `', table_schema, '`.`', table_name, '`;')"
            " FROM information_schema.tables"
            f" WHERE table_type = 'BASE TABLE' AND table_schema IN ({listed})"
            f" AND CONCAT(table_schema, '.', table_name) NOT IN ({_listed(['', *besides])})"
        ).splitlines(keepends=True)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _together(*statements: str) -> str:
    begin = "SET foreign_key_checks = 0;\nSTART TRANSACTION;\n"
    return begin + "".join(statements) + "COMMIT;\n"


def _init_sql() -> str:
    """Return what MariaDB does at each start; it wants one statement in a line."""
    return "".join(
        f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET {characters};\n"
        for name, characters in DATABASES.items()
    ) + (
        f"CREATE USER IF NOT EXISTS openstack@'%' IDENTIFIED BY '{PASSWORD}';\n"
        "GRANT ALL ON *.* TO openstack@'%';\n"
    )


def _command(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if not found:
        raise BrokenTestbed(f"{name} is not installed; install Debian's package mariadb-server")
    return found


def _run(command: list[str], statements: str = "") -> str:
    done = subprocess.run(
        command,
        input=statements,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": PATH},
    )
    if done.returncode:
        raise BrokenTestbed(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
