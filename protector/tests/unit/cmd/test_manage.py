# SPDX-License-Identifier: Apache-2.0
import pathlib

import pytest

from protector.cmd import manage


@pytest.fixture
def given(tmp_path: pathlib.Path) -> list[str]:
    path = tmp_path / "protector.conf"
    path.write_text(
        f"[DEFAULT]\nsite_name = site-a\n"
        f"[database]\nconnection = sqlite:///{tmp_path}/protector.db\n"
        f"[secrets]\nkey_file = {tmp_path}/keys\n"
    )
    return ["--config-file", str(path)]


def test_the_database_is_brought_up_to_date(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    manage.main([*given, "db", "version"])
    manage.main([*given, "db", "sync"])
    manage.main([*given, "db", "version"])
    assert capsys.readouterr().out.splitlines() == [
        "The database is empty.",
        "The database is at 0006.",
        "0006",
    ]


def test_keys_are_made_and_not_shown(
    given: list[str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manage.main([*given, "create-key"])
    key = (tmp_path / "keys").read_text().strip()
    assert key
    assert key not in capsys.readouterr().out


def test_no_command_is_no_guess(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        manage.main(given)
