# SPDX-License-Identifier: Apache-2.0
"""Which network or flavor of one site stands for which of the other."""

from collections.abc import Mapping


def target_for(mapping: Mapping[str, str], *, id: str, name: str) -> str | None:
    """Return what the mapping gives for a resource known by id and name, or None.

    The id is the stronger of the two: names may repeat.
    """
    return mapping.get(id, mapping.get(name))


def override(stored: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the stored mapping with the entries given for one execution laid over it."""
    return {**stored, **given}
