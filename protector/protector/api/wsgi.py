# SPDX-License-Identifier: Apache-2.0
"""What a request passes before it reaches the app: a request id, Keystone's word on its token."""

from collections.abc import Callable
from typing import Any

from keystonemiddleware import opts
from keystonemiddleware.auth_token import AuthProtocol
from oslo_config import cfg
from oslo_middleware.request_id import RequestId

Wsgi = Callable[..., Any]

# Seconds; the middleware waits without end unless it is told.
KEYSTONE_TIMEOUT = 10


def by_keystone(app: Wsgi, conf: cfg.ConfigOpts) -> Wsgi:
    """Say of each request whose it is; whether that is enough is the app's to decide."""
    for section, options in opts.list_auth_token_opts():
        conf.register_opts(options, group=section)
    conf.set_default("http_connect_timeout", KEYSTONE_TIMEOUT, group="keystone_authtoken")
    middleware: Wsgi = AuthProtocol(app, {"oslo_config_config": conf, "delay_auth_decision": True})
    return middleware


def pipeline(app: Wsgi) -> Wsgi:
    """Give each request an id, before anything else can answer it."""
    outermost: Wsgi = RequestId(app)
    return outermost
