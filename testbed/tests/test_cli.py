# SPDX-License-Identifier: Apache-2.0
import pathlib

import pytest

from testbed import cli


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.parser().parse_args([command, "--help"])
    assert cli.COMMANDS[command].split(";")[0] in " ".join(capsys.readouterr().out.split())


def test_a_site_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.parser().parse_args(["kill", "site-c"])
    assert "site-a" in capsys.readouterr().err


def test_a_testbed_that_never_was_cannot_start_a_site(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["testbed", "--state-dir", str(tmp_path / "state"), "start", "site-a"]
    )
    assert cli.main() == 1
    assert capsys.readouterr().err == (
        "testbed start: the testbed was never up; run `testbed up` first\n"
    )
