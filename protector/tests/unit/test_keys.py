# SPDX-License-Identifier: Apache-2.0
import pathlib
import stat

import pytest

from protector import errors
from protector.keys import Keys


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "keys"


def test_what_is_encrypted_is_not_to_be_read(path: pathlib.Path) -> None:
    keys = Keys(path)
    keys.create()
    secret = keys.encrypt("s3cret")
    assert "s3cret" not in secret
    assert keys.decrypt(secret) == "s3cret"


def test_nobody_else_may_read_the_keys(path: pathlib.Path) -> None:
    Keys(path).create()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_key_encrypts_and_the_old_one_still_decrypts(path: pathlib.Path) -> None:
    keys = Keys(path)
    keys.create()
    old = keys.encrypt("s3cret")
    keys.create()
    new = keys.encrypt("s3cret")
    assert keys.decrypt(old) == "s3cret"
    path.write_text(path.read_text().splitlines()[0])
    assert keys.decrypt(new) == "s3cret"
    with pytest.raises(errors.KeysUnusable, match="none of them fits"):
        keys.decrypt(old)


def test_a_file_that_is_missing_says_how_to_make_it(path: pathlib.Path) -> None:
    with pytest.raises(errors.KeysUnusable, match="protector-manage create-key"):
        Keys(path).encrypt("s3cret")


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_a_file_without_keys_says_so(path: pathlib.Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(errors.KeysUnusable, match="it holds no keys"):
        Keys(path).encrypt("s3cret")
