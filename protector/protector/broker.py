# SPDX-License-Identifier: Apache-2.0
"""Whether the message broker between protector-api and protector-engine answers."""

import threading
from typing import Any
from urllib.parse import quote

import kombu
import oslo_messaging
from oslo_config import cfg

# Seconds for each word of the conversation.
TIMEOUT = 2.0


class Broker:
    """Asks over one connection of its own; another one when that has broken.

    oslo.messaging itself waits without end for a broker that is away. Where messages need no
    broker, there is nothing to ask.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        url = oslo_messaging.TransportURL.parse(conf)
        self._lock = threading.Lock()
        self._hosts = [_written(host, url.virtual_host) for host in url.hosts]
        self._connection = _connection(conf, self._hosts) if url.transport == "rabbit" else None

    def answers(self) -> bool:
        with self._lock:
            # The connection may have broken since it was last used.
            return self._connection is None or self._asked() or self._asked()

    # -- inside -------------------------------------------------------------------------------

    def _asked(self) -> bool:
        assert self._connection is not None
        tries = {"max_retries": len(self._hosts), "interval_start": 0, "interval_step": 0}
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


def _connection(conf: cfg.ConfigOpts, hosts: list[str]) -> kombu.Connection:
    return kombu.Connection(
        ";".join(hosts),
        ssl=_ssl(conf.oslo_messaging_rabbit),
        login_method=conf.oslo_messaging_rabbit.rabbit_login_method,
        connect_timeout=TIMEOUT,
        transport_options={"read_timeout": TIMEOUT, "write_timeout": TIMEOUT},
    )


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
