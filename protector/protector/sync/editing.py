# SPDX-License-Identifier: Apache-2.0
"""One change of a group at a time, whichever engine makes it."""

import contextlib
import time
import uuid
from collections.abc import Collection, Iterator

from sqlalchemy.exc import DBAPIError

from protector import errors
from protector.db import editing, groups
from protector.db.session import Sessions

# Seconds. A person's change waits so long for one of ours, which nobody sees.
PATIENCE = 20.0
LOOK_AGAIN = 0.1

# What an editor is at: an edit that somebody asked for, or something that goes on unseen.
ASKED, UNSEEN = "edit", "upkeep"


class Editors:
    """Those of one engine. :param host: the engine's name, unlike any other's of the site."""

    def __init__(self, sessions: Sessions, host: str) -> None:
        self._sessions = sessions
        self._host = host
        self._active: set[str] = set()

    @contextlib.contextmanager
    def editing(self, group_id: str, what: str = ASKED) -> Iterator[str]:
        """Be the one who changes the group, and tell as whom.

        :raises EditedMeanwhile: somebody else is at it.
        """
        editor = f"{self._host}/{what}-{uuid.uuid4()}"
        self._active.add(editor)
        try:
            self._begin(group_id, editor, PATIENCE if what == ASKED else 0)
            yield editor
        finally:
            self._active.discard(editor)
            self._end(group_id, editor)

    def forget_dead(self, alive: Collection[str] | None = None) -> None:
        """End what nobody is at any more: of an engine that was killed, or lost its database.

        :param alive: hosts of the site's engines that are; None: nobody knows of the others.
        """
        with self._sessions.begin() as session:
            for group_id, editor in editing.begun(session):
                if self._is_dead(editor, alive):
                    editing.end(session, group_id, editor)

    # -- inside -------------------------------------------------------------------------------

    def _is_dead(self, editor: str, alive: Collection[str] | None) -> bool:
        host = editing.host_of(editor)
        if host == self._host:
            return editor not in self._active  # it was active before it was written down
        return alive is not None and host not in alive

    def _begin(self, group_id: str, editor: str, patience: float) -> None:
        end = time.monotonic() + patience
        while True:
            with self._sessions.begin() as session:
                name = groups.get(session, group_id).name
                if editing.begin(session, group_id, editor):
                    return
                other = editing.editor_of(session, group_id) or ""
            if f"/{UNSEEN}-" not in other or time.monotonic() > end:
                raise errors.EditedMeanwhile(group=name)
            time.sleep(LOOK_AGAIN)

    def _end(self, group_id: str, editor: str) -> None:
        """The database may be what failed; then :meth:`forget_dead` does it when it is back."""
        with contextlib.suppress(DBAPIError), self._sessions.begin() as session:
            editing.end(session, group_id, editor)
