# SPDX-License-Identifier: Apache-2.0
"""Which engine works on an operation: a compare-and-set on its row. Callers own the transaction."""

import dataclasses
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from protector import errors
from protector.db.models import Operation, now
from protector.domain import progress
from protector.domain.operation import Status


@dataclasses.dataclass(frozen=True)
class Claim:
    """An engine's hold on an operation, until it ends or the row says otherwise."""

    operation_id: str
    owner: str
    generation: int

    @property
    def is_the_first(self) -> bool:
        """Whether no engine has worked on the operation before."""
        return self.generation == 1


def take(session: Session, operation_id: str, owner: str) -> Claim | None:
    """Claim a queued operation; None when it is not queued, or another engine was first."""
    generation = session.scalar(
        sa.select(Operation.generation).filter_by(id=operation_id, status=Status.QUEUED)
    )
    if generation is None:
        return None
    claim = Claim(operation_id, owner, generation + 1)
    taken = _change(
        session,
        {"id": operation_id, "status": Status.QUEUED, "generation": generation},
        status=Status.RUNNING,
        owner=owner,
        generation=claim.generation,
        started_at=now(),
        progress=progress.percent({}, ()),
    )
    return claim if taken else None


def orphaned(
    session: Session, owner: str, *, alive: Collection[str] | None, besides: Collection[str] = ()
) -> list[Claim]:
    """Return the claims that nobody works by any more, oldest first.

    Those are of this owner's old self, of owners that are not alive, and of those who let go.

    :param alive: the owners that are; None: nobody knows.
    :param besides: ids of the operations that this owner does run.
    """
    rows = session.execute(
        sa.select(Operation.id, Operation.owner, Operation.generation)
        .filter_by(status=Status.RUNNING)
        .order_by(Operation.created_at, Operation.id)
    )
    return [
        Claim(id, holder or "", generation)
        for id, holder, generation in rows
        if id not in besides
        and (holder in (owner, None) or (alive is not None and holder not in alive))
    ]


def take_over(session: Session, claim: Claim, owner: str) -> Claim | None:
    """Claim what somebody held, so that it lets go; None when another engine was first."""
    mine = Claim(claim.operation_id, owner, claim.generation + 1)
    taken = _change(
        session,
        {"id": claim.operation_id, "status": Status.RUNNING, "generation": claim.generation},
        owner=owner,
        generation=mine.generation,
        updated_at=now(),
    )
    return mine if taken else None


def release(session: Session, claim: Claim) -> None:
    """Let go of an operation that is to go on; what is somebody else's by now stays so."""
    _change(session, _held(claim), owner=None)


def hold(session: Session, claim: Claim, **values: object) -> None:
    """Show that the engine is alive, and change the row with it.

    :raises ClaimLost: the operation is somebody else's, or has ended.
    """
    if not _change(session, _held(claim), **values, updated_at=now()):
        raise errors.ClaimLost(operation=claim.operation_id)


def queued(session: Session) -> list[str]:
    """Return ids of the operations that wait for an engine, oldest first."""
    return list(
        session.scalars(
            sa.select(Operation.id)
            .filter_by(status=Status.QUEUED)
            .order_by(Operation.created_at, Operation.id)
        )
    )


def _held(claim: Claim) -> dict[str, object]:
    return {
        "id": claim.operation_id,
        "owner": claim.owner,
        "generation": claim.generation,
        "status": Status.RUNNING,
    }


def _change(session: Session, where: dict[str, object], **values: object) -> bool:
    result = session.execute(sa.update(Operation).filter_by(**where).values(**values))
    return bool(getattr(result, "rowcount", 0))
