# SPDX-License-Identifier: Apache-2.0
from openstack import resource

from protectorclient.v1._base import ProjectResource


class Readiness(ProjectResource):
    """Whether a group can be failed over to the site that is asked, and how it would go."""

    resource_key = "readiness"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/readiness"

    allow_fetch = True

    #: The group it is about.
    group_id = resource.URI("group_id")
    #: Whether no finding is an error.
    ready = resource.Body("ready", type=bool)
    #: What is not as it should be, errors first: severity, subject, finding, remedy, server_id.
    findings = resource.Body("findings", type=list)
    #: What a failover would do: phases, vms, snapshot, estimate.
    plan = resource.Body("plan", type=dict)
