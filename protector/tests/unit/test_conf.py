# SPDX-License-Identifier: Apache-2.0
import logging
import pathlib

import pytest
from oslo_config import cfg
from oslo_log.formatters import ContextFormatter

from protector import conf as options
from protector.context import Context

INFO = {"levelno": logging.INFO, "levelname": "INFO"}


def test_every_option_tells_what_it_is_for() -> None:
    for section, found in options.SECTIONS.items():
        for option in found:
            assert option.help, f"[{section}] {option.name}"


def test_the_sample_holds_every_section() -> None:
    assert {section for section, _ in options.list_opts()} == {*options.SECTIONS, "service_auth"}


def test_the_file_that_is_named_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "protector.conf"
    path.write_text("[DEFAULT]\nsite_name = site-a\n[api]\nport = 1234\n")
    conf = options.load(["--config-file", str(path)])
    assert (conf.site_name, conf.api.port, conf.peer.connect_timeout) == ("site-a", 1234, 3)


def test_what_is_missing_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "protector.conf"
    path.write_text("[api]\nport = 1234\n")
    with pytest.raises(SystemExit, match=r"site_name.*protector\.conf, or give --config-file"):
        options.load(["--config-file", str(path)])


def test_secrets_are_not_written_to_the_log() -> None:
    secret = {
        option.name
        for found in options.SECTIONS.values()
        for option in found
        if isinstance(option, cfg.Opt) and option.secret
    }
    assert secret == {"connection", "api_token", "transport_url", "backend_url"}


def test_each_line_of_the_log_tells_who_asked_and_what_for(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "protector.conf"
    path.write_text("[DEFAULT]\nsite_name = site-a\n")
    formatter = ContextFormatter(config=options.load(["--config-file", str(path)]))
    who = Context(request_id="req-1", user_id="alice", project_id="acme", auth_token="secret")
    about = logging.makeLogRecord(INFO | {"msg": "Hello", "context": who})
    assert formatter.format(about).endswith(" [req-1 alice acme - -] Hello")
    who.about(operation_id="op-1", group_id="pg-1")
    about = logging.makeLogRecord(INFO | {"msg": "Hello", "context": who})
    assert formatter.format(about).endswith(" [req-1 alice acme op-1 pg-1] Hello")
    about = logging.makeLogRecord(INFO | {"msg": "Nobody asked", "context": None})
    assert formatter.format(about).endswith(" [-] Nobody asked")
