# SPDX-License-Identifier: Apache-2.0
"""What many groups cost: more of them, and what a database is asked."""

from typing import Any

import sqlalchemy as sa
from functional.engine.world import Site, World

from protector.db import documents, groups


def statements(site: Site) -> list[str]:
    """Return what the site's database is asked from now on."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(site.engine, "before_cursor_execute", note)
    return asked


def copy_group(world: World, times: int) -> None:
    """Let both sites have other groups like theirs, each with a group of site-a's array."""
    original = world.document()
    chain = original.consistency_group
    assert chain is not None
    array = world.a.array
    for number in range(times):
        name = f"copy-{number}"
        array.groups[name] = set(array.groups[chain.array_group])
        array.replicate(
            name, target_array=world.b.array.array, interval_seconds=300, retention_seconds=60
        )
        copy = original.model_copy(
            update={
                "group_id": f"pg-{name}",
                "name": name,
                "consistency_group": chain.model_copy(update={"array_group": name}),
            }
        )
        for site in (world.a, world.b):
            with site.sessions.begin() as session:
                documents.keep(session, copy, documents.CURRENT).acknowledged = True
                groups.synced(groups.adopt(session, copy, site.name), copy.epoch, copy.version)
