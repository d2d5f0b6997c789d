# SPDX-License-Identifier: Apache-2.0
"""Whether the message broker between protector-api and protector-engine answers."""

import functools
import threading
from typing import Any
from urllib.parse import quote

import kombu
import oslo_messaging
from oslo_config import cfg

# Seconds for each word of the conversation.
TIMEOUT = 1.5


class Broker:
    """Asks over one connection of its own; another one when that has broken.

    oslo.messaging itself waits without end for a broker that is away. Where messages need no
    broker, there is nothing to ask.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._url = oslo_messaging.TransportURL.parse(conf)
        self._hosts = [_written(host, self._url.virtual_host) for host in self._url.hosts]
        self._lock = threading.Lock()

    def answers(self) -> bool:
        if self._url.transport != "rabbit":
            return True
        with self._lock:
            used = self._connection.connected  # it may have broken since
            return self._asked() or (used and self._asked())

    # -- inside -------------------------------------------------------------------------------

    @functools.cached_property
    def _connection(self) -> kombu.Connection:
        options = self._conf.oslo_messaging_rabbit
        return kombu.Connection(
            ";".join(self._hosts),
            ssl=_ssl(options),
            login_method=options.rabbit_login_method,
            connect_timeout=TIMEOUT,
            transport_options={"read_timeout": TIMEOUT, "write_timeout": TIMEOUT},
        )

    def _asked(self) -> bool:
        tries = {"max_retries": len(self._hosts) - 1, "interval_start": 0, "interval_step": 0}
        try:
            self._connection.ensure_connection(**tries)
            self._connection.channel().close()
        except (
            OSError,
            kombu.exceptions.OperationalError,
            *self._connection.connection_errors,
            *self._connection.channel_errors,
        ):
            self._connection.release()
            return False
        return True


def _written(host: oslo_messaging.TransportHost, virtual_host: str | None) -> str:
    user, password = quote(host.username or "", safe=""), quote(host.password or "", safe="")
    name = f"[{host.hostname}]" if ":" in (host.hostname or "") else host.hostname
    place = f"{name}:{host.port or 5672}/{quote(virtual_host or '', safe='')}"
    return f"amqp://{user}:{password}@{place}"


def _ssl(options: Any) -> dict[str, str] | bool:
    given = {
        "keyfile": options.ssl_key_file,
        "certfile": options.ssl_cert_file,
        "ca_certs": options.ssl_ca_file,
    }
    return bool(options.ssl) and ({name: file for name, file in given.items() if file} or True)
