# SPDX-License-Identifier: Apache-2.0
"""The configuration file."""

import dataclasses
import pathlib
import tomllib
from typing import Any

from flasharray_simulator.errors import BadSettings


@dataclasses.dataclass(frozen=True)
class ArraySettings:
    name: str
    address: str
    api_token: str
    port: int = 443
    peers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ControlSettings:
    address: str = "127.0.0.1"
    port: int = 8440


@dataclasses.dataclass(frozen=True)
class ReplicationSettings:
    """How links begin, and what a volume holds before anything is written to it, in bytes."""

    bandwidth: float = 1024**3
    lag: float = 0.0
    initial_bytes: int = 1024**2


@dataclasses.dataclass(frozen=True)
class StrictSettings:
    """Where arrays' behaviour is not known for certain, or is in a test's way."""

    min_frequency: int = 300_000
    overwrite_with_default_protection: bool = True


@dataclasses.dataclass(frozen=True)
class Settings:
    state_dir: pathlib.Path
    arrays: tuple[ArraySettings, ...]
    control: ControlSettings = ControlSettings()
    replication: ReplicationSettings = ReplicationSettings()
    strict: StrictSettings = StrictSettings()


def read(path: pathlib.Path) -> Settings:
    """Return what the file says.

    :raises BadSettings: it is not there, or something in it is wrong.
    """
    try:
        found = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path} is not TOML: {error}") from None
    try:
        return _settings(found, path.parent)
    except TypeError as error:
        raise BadSettings(f"{path}: {str(error).split('() ')[-1]}") from None


def _settings(found: dict[str, Any], folder: pathlib.Path) -> Settings:
    arrays = tuple(
        ArraySettings(**array | {"peers": tuple(array.get("peers", ()))})
        for array in found.pop("arrays", [])
    )
    settings = Settings(
        state_dir=folder / found.pop("state_dir", "state"),
        arrays=arrays,
        control=ControlSettings(**found.pop("control", {})),
        replication=ReplicationSettings(**found.pop("replication", {})),
        strict=StrictSettings(**found.pop("strict", {})),
        **found,
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    names = [array.name for array in settings.arrays]
    if not names:
        raise BadSettings("name at least one array in the configuration file: [[arrays]]")
    if len(set(names)) < len(names):
        raise BadSettings("two arrays have the same name; give each its own")
    for array in settings.arrays:
        for peer in array.peers:
            if peer not in names or peer == array.name:
                raise BadSettings(f"{array.name} has the peer {peer}, which is no other array here")
