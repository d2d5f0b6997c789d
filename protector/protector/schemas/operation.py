# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal, Self

import pydantic

from protector.domain import operation
from protector.domain.operation import StepStatus
from protector.schemas.common import Body, ListQuery, Name, exact_stamp, stamp
from protector.schemas.group import Mapping


class OperationQuery(ListQuery):
    group_id: str | None = None
    status: operation.Status | None = None
    sort_dir: Literal["asc", "desc"] = "desc"


class Retry(Body):
    """``skip``: names or ids of VMs that are left out."""

    network_mapping: Mapping = {}
    flavor_mapping: Mapping = {}
    skip: list[Name] = []
    accept_stale_metadata: bool = False


class Cancel(Body):
    keep: bool = False


class ActionBody(Body):
    retry: Retry | None = None
    cancel: Cancel | None = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or not (self.retry or self.cancel):
            raise ValueError("ask for exactly one of retry, cancel")
        return self


def view(row: Any, steps: Sequence[Any], *, whole: bool = True) -> dict[str, Any]:
    """:param whole: with what is told of each step."""
    order = {name: number for number, name in enumerate(chain(*row.plan.values()))}
    told = sorted(steps, key=lambda step: order.get(step.name, len(order)))
    shown = {
        "operation_id": row.id,
        "operation_type": row.kind,
        "status": row.status,
        "progress": row.progress,
        "source_site": row.source_site,
        "target_site": row.target_site,
        "steps_completed": [s.name for s in told if s.status is StepStatus.COMPLETED],
        "steps_failed": [s.name for s in told if s.status is StepStatus.FAILED],
        "started_at": stamp(row.started_at),
        "completed_at": stamp(row.completed_at),
        "error_message": row.error_message,
        "group_id": row.group_id,
        "retry_of": row.retry_of,
        "cancel": row.cancel,
    }
    if whole:
        shown["steps"] = [_step(step) for step in told]
    return {**shown, "created_at": stamp(row.created_at)}


def announced(row: Any, steps: Sequence[Any], *, step: str | None) -> dict[str, Any]:
    """Return a notification's payload.

    :param step: name of the one that it is about, if it is about one.
    """
    return {
        **view(row, steps, whole=False),
        "project_id": row.project_id,
        "user_id": row.user_id,
        "step": next((_step(one) for one in steps if one.name == step), None),
    }


def _step(step: Any) -> dict[str, Any]:
    return {
        "name": step.name,
        "phase": step.phase,
        "status": step.status,
        "started_at": exact_stamp(step.started_at),
        "ended_at": exact_stamp(step.ended_at),
        "detail": step.detail,
    }
