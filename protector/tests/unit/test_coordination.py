# SPDX-License-Identifier: Apache-2.0
"""Engines that see each other, by the back-end that needs nothing but a folder."""

import pathlib
import time

import pytest
from oslo_config import cfg

from protector import conf as options
from protector import errors
from protector.coordination import Members

EXPIRY = 1
PATIENCE = 10


def members(folder: pathlib.Path | str, name: str) -> Members:
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf.set_override("site_name", "site-b")
    conf.set_override("backend_url", f"file://{folder}", group="coordination")
    conf.set_override("member_expiry", EXPIRY, group="coordination")
    conf([], default_config_files=[], default_config_dirs=[])
    return Members(conf, name)


def test_engines_see_each_other_until_they_leave(tmp_path: pathlib.Path) -> None:
    one, other = members(tmp_path, "one"), members(tmp_path, "other")
    one.join()
    other.join()
    assert one.alive() == other.alive() == {"one", "other"}
    other.leave()
    assert one.alive() == {"one"}


def test_a_visitor_sees_them_and_is_none_of_them(tmp_path: pathlib.Path) -> None:
    members(tmp_path, "one").join()
    assert members(tmp_path, "visitor").alive() == {"one"}


def test_a_member_stays_alive_while_its_heart_beats_and_expires_when_it_stops(
    tmp_path: pathlib.Path,
) -> None:
    one, other = members(tmp_path, "one"), members(tmp_path, "other")
    one.join()
    other.join()
    time.sleep(2 * EXPIRY)
    assert one.alive() == {"one", "other"}
    assert other._coordinator is not None
    other._coordinator.heart.stop()
    until = time.monotonic() + PATIENCE
    while one.alive() != {"one"}:
        assert time.monotonic() < until, "it never expires"
        time.sleep(0.1)


def test_an_engine_that_starts_again_is_the_same_member(tmp_path: pathlib.Path) -> None:
    members(tmp_path, "one").join()
    again = members(tmp_path, "one")
    again.join()
    assert again.alive() == {"one"}


def test_an_engine_that_starts_again_stays_alive(tmp_path: pathlib.Path) -> None:
    dead = members(tmp_path, "one")
    dead.join()
    assert dead._coordinator is not None
    dead._coordinator.heart.stop()
    again = members(tmp_path, "one")
    again.join()
    time.sleep(2 * EXPIRY)
    assert again.alive() == {"one"}


def test_an_engine_whose_sign_of_life_was_lost_joins_again(tmp_path: pathlib.Path) -> None:
    one = members(tmp_path, "one")
    one.join()
    for entry in tmp_path.glob("groups/*/*.raw"):
        entry.unlink()
    assert one.alive() == set()
    one.join()
    assert one.alive() == {"one"}


def test_leaving_what_one_never_joined_is_no_error(tmp_path: pathlib.Path) -> None:
    members(tmp_path, "one").leave()


def test_a_backend_that_is_not_there_is_named() -> None:
    with pytest.raises(errors.CoordinationUnreachable, match=r"backend_url in protector\.conf"):
        members("/proc/nowhere", "one").join()
