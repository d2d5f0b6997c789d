# SPDX-License-Identifier: Apache-2.0
from openstack import resource

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
    #: What is done: ``failover``.
    operation_type = resource.Body("operation_type")
    #: ``queued``, ``running``, ``completed`` or ``failed``.
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
    #: When it was asked for.
    created_at = resource.Body("created_at")

    @property
    def has_ended(self) -> bool:
        return self.status in ("completed", "failed")
