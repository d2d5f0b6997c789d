# SPDX-License-Identifier: Apache-2.0
"""The peer's password at rest: encrypted by keys that only this site's services can read."""

import os
import pathlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from oslo_config import cfg

from protector import errors


class Keys:
    """The keys of a file, one a line: the first encrypts, all decrypt, so that they can rotate."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> "Keys":
        return cls(pathlib.Path(conf.secrets.key_file))

    def create(self) -> None:
        """Put a new key before those there are; nobody else may read the file."""
        old = self._path.read_bytes() if self._path.exists() else b""
        new = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n" + old)
        new.replace(self._path)

    def encrypt(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        """:raises KeysUnusable: none of the keys has encrypted it."""
        try:
            return self._fernet().decrypt(text.encode()).decode()
        except InvalidToken:
            raise errors.KeysUnusable(
                path=self._path, reason="none of them fits what is in the database"
            ) from None

    def _fernet(self) -> MultiFernet:
        try:
            lines = self._path.read_text().split()
            return MultiFernet([Fernet(line) for line in lines])
        except OSError as error:
            raise errors.KeysUnusable(path=self._path, reason=error.strerror) from None
        except ValueError:
            raise errors.KeysUnusable(path=self._path, reason="it holds no keys") from None
