# SPDX-License-Identifier: Apache-2.0
"""Which network or flavor of one site stands for which of the other."""

from collections.abc import Collection, Mapping


def target_for(mapping: Mapping[str, str], *, id: str, name: str) -> str | None:
    """Return what the mapping gives for a resource known by id and name, or None.

    The id is the stronger of the two: names may repeat.
    """
    return mapping.get(id, mapping.get(name))


def override(
    stored: Mapping[str, str], given: Mapping[str, str], known: Collection[tuple[str, str]]
) -> dict[str, str]:
    """Return the stored mapping with the entries given for one execution laid over it.

    :param known: id and name of what is mapped: given by name, it replaces what is stored by id.
    """
    replaced = {alias for pair in known if set(pair) & given.keys() for alias in pair}
    return {**{key: to for key, to in stored.items() if key not in replaced}, **given}
