# SPDX-License-Identifier: Apache-2.0
"""Who asks for what: told by each line that is logged on the way.

A context is its thread's until the thread gets another one.
"""

from typing import Any

from oslo_context.context import RequestContext

# The line of a thread that has a context; the identity is made of what oslo.log knows, or "-".
LINE = (
    "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s"
    " [%(request_id)s %(user_identity)s] %(message)s"
)
IDENTITY = "%(user)s %(project)s %(operation_id)s %(group_id)s"


class Context(RequestContext):
    """The caller, and the operation and protection group that it is about."""

    def __init__(
        self, *, operation_id: str | None = None, group_id: str | None = None, **values: Any
    ) -> None:
        super().__init__(**values)
        self.about(operation_id=operation_id, group_id=group_id)

    def about(self, *, operation_id: str | None = None, group_id: str | None = None) -> None:
        self.operation_id = operation_id
        self.group_id = group_id

    def get_logging_values(self) -> dict[str, Any]:
        about = {"operation_id": self.operation_id, "group_id": self.group_id}
        return {**super().get_logging_values(), **about}


def of_operation(row: Any) -> Context:
    """Return the context of whoever asked for the operation, for what is done on its behalf."""
    return Context(
        user_id=row.user_id,
        project_id=row.project_id,
        request_id=row.request_id,
        operation_id=row.id,
        group_id=row.group_id,
    )
