# SPDX-License-Identifier: Apache-2.0
from openstack import resource

from protectorclient.v1._base import ProjectResource


class ReplicationPolicy(ProjectResource):
    """How far behind the replicated snapshots of a group may be."""

    resource_key = "policy"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/policy"
    requires_id = False

    allow_fetch = True

    #: The group it is the policy of.
    group_id = resource.URI("group_id")
    #: The age that the newest replicated snapshot should not exceed.
    rpo_minutes = resource.Body("rpo_minutes", type=int)
    #: Seconds between two replicated snapshots.
    replication_interval = resource.Body("replication_interval", type=int)
