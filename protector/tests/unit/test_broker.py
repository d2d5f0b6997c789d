# SPDX-License-Identifier: Apache-2.0
"""Whether a broker answers is found out within a few seconds, whatever it does instead."""

import pathlib
import socket
import time

import pytest
from oslo_config import cfg

from protector import broker, rpc
from protector import conf as options
from protector.broker import Broker


def configured(tmp_path: pathlib.Path, url: str) -> cfg.ConfigOpts:
    file = tmp_path / "protector.conf"
    file.write_text(f"[DEFAULT]\nsite_name = site-a\ntransport_url = {url}\n")
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf(["--config-file", str(file)])
    rpc.transport(conf)  # it registers the library's options
    return conf


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "TIMEOUT", 0.2)


def test_where_no_broker_is_needed_nothing_is_asked(tmp_path: pathlib.Path) -> None:
    assert Broker(configured(tmp_path, "fake:/")).answers()


def test_one_that_is_not_there_does_not_answer(tmp_path: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not Broker(configured(tmp_path, f"rabbit://u:p@127.0.0.1:{port}/")).answers()


def test_one_that_takes_the_connection_and_is_silent_does_not_answer(
    tmp_path: pathlib.Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        url = f"rabbit://u:p@127.0.0.1:{server.getsockname()[1]}/"
        assert not Broker(configured(tmp_path, url)).answers()
    assert time.monotonic() - began < 5


def test_each_host_is_asked_under_its_name_and_password(tmp_path: pathlib.Path) -> None:
    conf = configured(tmp_path, "rabbit://u:p%40ss@one:1111,v:q@[::1]:2222//deep")
    one, other = "amqp://u:p%40ss@one:1111/%2Fdeep", "amqp://v:q@[::1]:2222/%2Fdeep"
    assert Broker(conf)._hosts == [one, other]
