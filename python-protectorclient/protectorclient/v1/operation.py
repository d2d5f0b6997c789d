# SPDX-License-Identifier: Apache-2.0
from typing import Any, Self

from openstack import exceptions, resource
from openstack.proxy import Proxy

from protectorclient.v1._base import ProjectResource


class Operation(ProjectResource):
    """What was asked of a protection group, and how far it is."""

    resource_key = "operation"
    resources_key = "operations"
    base_path = "/%(project_id)s/operations"

    allow_fetch = allow_list = True

    _query_mapping = resource.QueryParameters("group_id", "status")

    #: The operation's id.
    operation_id = resource.Body("operation_id", alternate_id=True)
    #: What is done: ``failover``, ``test_failover``, ``test_cleanup``.
    operation_type = resource.Body("operation_type")
    #: ``queued``, ``running``, ``completed``, ``failed`` or ``cancelled``.
    status = resource.Body("status")
    #: Percent.
    progress = resource.Body("progress", type=int)
    #: The site on which the VMs ran.
    source_site = resource.Body("source_site")
    #: The site on which they are to run.
    target_site = resource.Body("target_site")
    #: The names of the steps that ended well.
    steps_completed = resource.Body("steps_completed", type=list)
    #: The names of the steps that failed.
    steps_failed = resource.Body("steps_failed", type=list)
    #: When an engine began to work on it.
    started_at = resource.Body("started_at")
    #: When it ended.
    completed_at = resource.Body("completed_at")
    #: What went wrong, and what to do.
    error_message = resource.Body("error_message")
    #: The protection group.
    group_id = resource.Body("group_id")
    #: Each step: name, phase, status, started_at, ended_at, detail.
    steps = resource.Body("steps", type=list)
    #: The operation whose work this one takes up.
    retry_of = resource.Body("retry_of")
    #: How it is being cancelled, or was: ``undo`` or ``keep`` what it has made.
    cancel = resource.Body("cancel")
    #: When it was asked for.
    created_at = resource.Body("created_at")

    @property
    def has_ended(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")

    def retry(self, session: Proxy, **arguments: Any) -> Self:
        """Start an operation that does what this one left, and return it at once."""
        return self._act(session, "retry", **arguments)

    def cancel_it(self, session: Proxy, *, keep: bool) -> Self:
        """Have it stop, and return it at once."""
        return self._act(session, "cancel", keep=keep)

    def _act(self, session: Proxy, action: str, **arguments: Any) -> Self:
        url = f"{self.base_path % {'project_id': self.project_id}}/{self.id}/action"
        response = session.post(url, json={action: arguments})
        exceptions.raise_from_response(response)
        answer: dict[str, Any] = response.json()["operation"]
        return self.existing(
            connection=session._get_connection(), **(answer | {"project_id": self.project_id})
        )
