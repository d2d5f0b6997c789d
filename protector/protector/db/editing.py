# SPDX-License-Identifier: Apache-2.0
"""Who changes a group right now: a compare-and-set on its row. Callers own the transaction.

An editor is ``<engine's host>/<what>-<uuid>``, so that an engine which starts again knows those
of its old self.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector import errors
from protector.db.models import ProtectionGroup, now

# An engine that was at an edit for so long, and never came back, is not waited for any more.
STALE = datetime.timedelta(minutes=10)


def begin(session: Session, group_id: str, editor: str) -> bool:
    """Tell whether the group is this editor's from now on."""
    free = ProtectionGroup.editor.is_(None) | (ProtectionGroup.edited_since < now() - STALE)
    return _change(session, group_id, free, editor=editor, edited_since=now())


def must_hold(session: Session, group_id: str, editor: str) -> None:
    """:raises EditedMeanwhile: somebody else took it over."""
    row = session.get(ProtectionGroup, group_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise errors.GroupNotFound(group=group_id)
    if row.editor != editor:
        raise errors.EditedMeanwhile(group=row.name)


def end(session: Session, group_id: str, editor: str) -> None:
    _change(session, group_id, ProtectionGroup.editor == editor, editor=None, edited_since=None)


def begun(session: Session) -> list[tuple[str, str]]:
    """Return group id and editor of each that an engine is at, or was."""
    rows = session.execute(
        sa.select(ProtectionGroup.id, ProtectionGroup.editor).where(
            ProtectionGroup.editor.is_not(None)
        )
    )
    return [(group_id, editor) for group_id, editor in rows if editor]


def host_of(editor: str) -> str:
    return editor.rsplit("/", 1)[0]


def editor_of(session: Session, group_id: str) -> str | None:
    """Return who is at the group; None: nobody, or nobody who would come back."""
    return session.scalar(
        sa.select(ProtectionGroup.editor).where(
            ProtectionGroup.id == group_id, ProtectionGroup.edited_since >= now() - STALE
        )
    )


def _change(
    session: Session, group_id: str, where: sa.ColumnElement[bool], **values: object
) -> bool:
    # The group is the same as before: `updated_at` tells of its versions.
    result = session.execute(
        sa.update(ProtectionGroup)
        .where(ProtectionGroup.id == group_id, where)
        .values(**values, updated_at=ProtectionGroup.updated_at),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(result, "rowcount", 0))
