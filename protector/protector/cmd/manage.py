# SPDX-License-Identifier: Apache-2.0
"""protector-manage: what an administrator does at the host of a site's Protector."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_config import cfg

from protector import conf as options
from protector.db import schema, session
from protector.keys import Keys


def main(arguments: Sequence[str] | None = None) -> None:
    commands = cfg.SubCommandOpt("command", handler=_add_commands, title="commands")
    conf = options.load(sys.argv[1:] if arguments is None else arguments, commands)
    run: Callable[[cfg.ConfigOpts], None] = conf.command.run
    run(conf)


def sync_database(conf: cfg.ConfigOpts) -> None:
    engine = session.connect(conf.database.connection)
    schema.upgrade(engine)
    print(f"The database is at {schema.version(engine)}.")


def show_version(conf: cfg.ConfigOpts) -> None:
    print(schema.version(session.connect(conf.database.connection)) or "The database is empty.")


def create_key(conf: cfg.ConfigOpts) -> None:
    Keys.from_conf(conf).create()
    print(f"{conf.secrets.key_file} has a new key: it encrypts from now on, all decrypt.")


def _add_commands(commands: Any) -> None:
    database = commands.add_parser("db", help="the database's tables")
    verbs = database.add_subparsers(title="db commands", required=True)
    sync = verbs.add_parser("sync", help="bring the tables to this release")
    sync.set_defaults(run=sync_database)
    version = verbs.add_parser("version", help="print the last migration applied")
    version.set_defaults(run=show_version)
    key = commands.add_parser(
        "create-key", help="put a new key before those by which passwords are encrypted"
    )
    key.set_defaults(run=create_key)
