# SPDX-License-Identifier: Apache-2.0
"""The configuration file."""

import dataclasses
import pathlib
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

from flasharray_simulator.errors import BadSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")

# Type of a setting -> types in TOML, and what to call them.
TYPES: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    tuple[str, ...]: ((list,), "a list of names"),
}


@dataclasses.dataclass(frozen=True)
class ArraySettings:
    name: str
    address: str
    api_token: str
    port: int = 443
    peers: tuple[str, ...] = ()
    sync_peers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ControlSettings:
    address: str = "127.0.0.1"
    port: int = 8440


@dataclasses.dataclass(frozen=True)
class ReplicationSettings:
    """How links begin, and what a volume holds before anything is written to it, in bytes.

    ``suspension`` is how many seconds pods hold writes before the mediator is asked.
    """

    bandwidth: float = 1024**3
    lag: float = 0.0
    initial_bytes: int = 1024**2
    suspension: float = 2.0


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
    except BadSettings as error:
        raise BadSettings(f"{path}: {error}") from None


def _settings(found: dict[str, Any], folder: pathlib.Path) -> Settings:
    sections: dict[str, Any] = {
        "control": ControlSettings,
        "replication": ReplicationSettings,
        "strict": StrictSettings,
    }
    given = {
        "state_dir": folder / found.get("state_dir", "state"),
        "arrays": tuple(_section(ArraySettings, a, "arrays") for a in found.get("arrays", [])),
        **{name: _section(kind, found.get(name, {}), name) for name, kind in sections.items()},
    }
    if unknown := found.keys() - given.keys():
        raise BadSettings(f"{min(unknown)} is not a setting; there are {', '.join(given)}")
    settings = Settings(**given)
    _check(settings)
    return settings


def _section(kind: type[S], found: dict[str, Any], name: str) -> S:
    """Return the section; what is missing, unknown or of another type is named."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for field in fields.values():
        if field.name not in found and field.default is dataclasses.MISSING:
            raise BadSettings(f"[{name}]: {field.name} is missing")
    given = {}
    for setting, value in found.items():
        if setting not in fields:
            known = ", ".join(fields)
            raise BadSettings(f"[{name}]: {setting} is not a setting; there are {known}")
        accepted, words = TYPES[fields[setting].type]
        if type(value) not in accepted:
            raise BadSettings(f"[{name}]: {setting} must be {words}")
        given[setting] = tuple(value) if isinstance(value, list) else value
    return kind(**given)


def _check(settings: Settings) -> None:
    names = [array.name for array in settings.arrays]
    if not names:
        raise BadSettings("name at least one array in the configuration file: [[arrays]]")
    if len(set(names)) < len(names):
        raise BadSettings("two arrays have the same name; give each its own")
    for array in settings.arrays:
        for peer in array.peers + array.sync_peers:
            if peer not in names or peer == array.name:
                raise BadSettings(f"{array.name} has the peer {peer}, which is no other array here")
