# SPDX-License-Identifier: Apache-2.0
"""How a recovery names what it makes, so that whoever repeats it finds it again."""

import itertools
from collections import Counter
from collections.abc import Sequence

from protector.domain.document import Document, Member

# The step that recreates a VM is named by this and the VM.
RECREATE = "recreate_vm"

# A step's name is stored in 255 characters, and Nova lets a server's name have as many.
NAME_LIMIT = 200


def epoch_of(document: Document) -> int:
    """Return the epoch in which the disaster struck.

    A partial failover has counted its epoch already; what resumes it belongs to the same one, and
    finds under the same keys what was made before.
    """
    return document.epoch - (document.status == "failed_over_partial")


def key(source_id: str, epoch: int) -> str:
    """Return the key under which a volume or server of the source is recovered."""
    return f"{source_id}-e{epoch}"


def boot_tiers(members: Sequence[Member]) -> list[tuple[int, list[Member]]]:
    """Return what is started together, in the order in which it is started."""
    ordered = sorted(members, key=lambda member: member.boot_priority)
    tiers = itertools.groupby(ordered, key=lambda member: member.boot_priority)
    return [(priority, list(tier)) for priority, tier in tiers]


def kind_of(step: str) -> str:
    """Return what a step does, whichever VM it is for."""
    return RECREATE if step.startswith(f"{RECREATE}_") else step


def step_names(members: Sequence[Member]) -> dict[str, str]:
    """Return server id -> name of the step that recreates it, no two alike in any collation."""
    plain = {member.server_id: f"{RECREATE}_{member.name[:NAME_LIMIT]}" for member in members}
    count = Counter(name.casefold().strip() for name in plain.values())
    return {
        server_id: name if count[name.casefold().strip()] == 1 else f"{name}_{server_id[:8]}"
        for server_id, name in plain.items()
    }


def optional_steps(members: Sequence[Member]) -> set[str]:
    """Return the names of the steps whose failure does not make an operation fail."""
    names = step_names(members)
    return {names[member.server_id] for member in members if member.criticality == "optional"}
