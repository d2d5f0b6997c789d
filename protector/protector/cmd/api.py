# SPDX-License-Identifier: Apache-2.0
"""protector-api: what tenants, administrators and the other site's Protector speak to."""

import sys
from collections.abc import Sequence

import waitress
from oslo_config import cfg

from protector import access, rpc
from protector import conf as options
from protector.api.app import make_app
from protector.api.services import Services
from protector.api.wsgi import Wsgi, by_keystone, pipeline
from protector.cloud.openstack import OpenStackCloud
from protector.cmd import memory
from protector.db import session
from protector.keys import Keys


def main(arguments: Sequence[str] | None = None) -> None:
    conf = options.load(sys.argv[1:] if arguments is None else arguments)
    app = make(conf)
    memory.keep()
    waitress.serve(
        app,
        host=conf.api.host,
        port=conf.api.port,
        threads=conf.api.threads,
        ident="protector",
    )


def make(conf: cfg.ConfigOpts) -> Wsgi:
    services = Services(
        conf=conf,
        sessions=session.make_sessions(session.connect(conf.database.connection)),
        enforcer=access.make_enforcer(conf),
        engine=rpc.EngineClient(conf, rpc.transport(conf)),
        cloud=OpenStackCloud.from_conf(conf),
        keys=Keys.from_conf(conf),
    )
    return pipeline(by_keystone(make_app(services), conf))
