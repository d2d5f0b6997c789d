# SPDX-License-Identifier: Apache-2.0
"""One change of a group at a time, whichever engine makes it."""

import contextlib
import time
import uuid
from collections.abc import Iterator

from protector import errors
from protector.db import editing, groups
from protector.db.session import Sessions

# Seconds. A person's change waits so long for one of ours, which nobody sees.
PATIENCE = 20.0
LOOK_AGAIN = 0.1

# What an editor is at: an edit that somebody asked for, or something that goes on unseen.
ASKED, UNSEEN = "edit", "upkeep"


@contextlib.contextmanager
def editing_of(sessions: Sessions, group_id: str, host: str, what: str = ASKED) -> Iterator[str]:
    """Be the one who changes the group, and tell as whom.

    :raises EditedMeanwhile: somebody else is at it.
    """
    editor = f"{host}/{what}-{uuid.uuid4()}"
    _begin(sessions, group_id, editor, PATIENCE if what == ASKED else 0)
    try:
        yield editor
    finally:
        with sessions.begin() as session:
            editing.end(session, group_id, editor)


def _begin(sessions: Sessions, group_id: str, editor: str, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        with sessions.begin() as session:
            name = groups.get(session, group_id).name
            if editing.begin(session, group_id, editor):
                return
            other = editing.editor_of(session, group_id) or ""
        if f"/{UNSEEN}-" not in other or time.monotonic() > end:
            raise errors.EditedMeanwhile(group=name)
        time.sleep(LOOK_AGAIN)
