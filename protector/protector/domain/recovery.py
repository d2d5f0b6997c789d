# SPDX-License-Identifier: Apache-2.0
"""How a recovery names what it makes, so that whoever repeats it finds it again."""

import itertools
from collections import Counter
from collections.abc import Sequence

from protector.domain.document import Document, Member

# The step that recreates a VM is named by this and the VM.
RECREATE = "recreate_vm"

# What labels begin with.
FAILOVER, TEST = "e", "t"

# The step that stops the VMs of a boot tier is named by this and the tier's number.
STOP_TIER = "stop_vms_of_tier"

# A step's name is stored in 255 characters, and Nova lets a server's name have as many.
NAME_LIMIT = 200


def epoch_of(document: Document) -> int:
    """Return the epoch in which the disaster struck.

    A partial failover has counted its epoch already; what resumes it belongs to the same one, and
    finds under the same keys what was made before.
    """
    return document.epoch - (document.status == "failed_over_partial")


def label(epoch: int) -> str:
    """Return what tells the recoveries of one disaster from all others."""
    return f"{FAILOVER}{epoch}"


def test_label(operation_id: str) -> str:
    """Return what tells what a test failover makes from all else."""
    return f"{TEST}{operation_id.removeprefix('op-')[:8]}"


def label_of_last(document: Document) -> str:
    """Return the label of the recovery by which the group came to where it runs now."""
    return label(document.epoch - 1)


def is_over(label: str, document: Document) -> bool:
    """Tell whether the group was brought here by that recovery, and has failed back since.

    One that came to nothing, and may be gone on with, is not; nor is a test.
    """
    epoch = label.removeprefix("e")
    failed_back = document.status == "active" and epoch != label
    return failed_back and int(epoch) + 2 <= document.epoch


def key(source_id: str, label: str) -> str:
    """Return the key under which a volume or server of the source is recovered.

    :param label: of the recovery, at most 11 of letters and digits.
    """
    return f"{source_id}-{label}"


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
