# SPDX-License-Identifier: Apache-2.0
"""What a recovery made and could not undo, each in a sentence with the command that removes it."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from protector.db import pairs
from protector.engine.recovery import Recovery


def servers(work: Recovery, ids: Iterable[str]) -> list[str]:
    return [
        f"VM {id} is left on {work.site}. Remove it: openstack server delete {id}" for id in ids
    ]


def volumes(session: Session, work: Recovery) -> list[str]:
    return [
        f"Volume {pair.volume_id} is left on {work.site}. Remove it:"
        f" openstack volume delete {pair.volume_id}"
        if pair.volume_id
        else f"Volume {pair.array_volume_name} is left on array {work.equipment.array.array}."
        f" Remove it there: {work.equipment.array.removal(pair.array_volume_name)}"
        for pair in pairs.volumes(session, work.group_id, work.label).values()
    ]
