# SPDX-License-Identifier: Apache-2.0
"""Every option there is, one file per section. Configuration is passed, never global."""

from collections.abc import Sequence

from keystoneauth1 import loading
from oslo_config import cfg
from oslo_log import log

from protector import context
from protector.conf import (
    api,
    base,
    cloud,
    coordination,
    database,
    engine,
    flasharray,
    notifications,
    peer,
    secrets,
    storage,
)

PROJECT = "protector"
DEFAULT_FILE = "/etc/protector/protector.conf"
SERVICE_AUTH = "service_auth"
# Loggers whose every line would be a line of a command's output; and one that logs with its trace
# what a step says in a sentence, which is on the operation's record.
QUIET = ("alembic=WARN", "taskflow=CRITICAL")

SECTIONS: dict[str, list[cfg.Opt]] = {
    "DEFAULT": base.OPTIONS,
    "api": api.OPTIONS,
    "cloud": cloud.OPTIONS,
    "coordination": coordination.OPTIONS,
    "database": database.OPTIONS,
    "engine": engine.OPTIONS,
    "flasharray": flasharray.OPTIONS,
    "notifications": notifications.OPTIONS,
    "peer": peer.OPTIONS,
    "secrets": secrets.OPTIONS,
    "storage": storage.OPTIONS,
}


def register(conf: cfg.ConfigOpts) -> None:
    for section, options in SECTIONS.items():
        conf.register_opts(options, group=None if section == "DEFAULT" else section)
    loading.register_auth_conf_options(conf, SERVICE_AUTH)


def load(arguments: Sequence[str], *cli: cfg.Opt) -> cfg.ConfigOpts:
    """Read the command line and the files it names (/etc/protector/protector.conf if none).

    Ends the command with a sentence when they make no sense.

    :param cli: options and sub-commands that only this command takes.
    """
    conf = cfg.ConfigOpts()
    register(conf)
    log.register_options(conf)
    log.set_defaults(context.LINE, [*log.get_default_log_levels(), *QUIET])
    conf.set_default("logging_user_identity_format", context.IDENTITY)
    conf.register_cli_opts(cli)
    try:
        conf(arguments, project=PROJECT)
    except cfg.Error as error:
        raise SystemExit(f"{error}. See {DEFAULT_FILE}, or give --config-file") from None
    log.setup(conf, PROJECT)
    return conf


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """What oslo-config-generator writes into the sample file."""
    auth = loading.get_auth_common_conf_options() + loading.get_auth_plugin_conf_options("password")
    return [*SECTIONS.items(), (SERVICE_AUTH, auth)]
