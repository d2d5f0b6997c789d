# SPDX-License-Identifier: Apache-2.0
from openstack import resource

from protectorclient.v1._base import ProjectResource


class Snapshot(ProjectResource):
    """A point in time to which a group can be recovered on the site that is asked."""

    resources_key = "snapshots"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/snapshots"

    allow_list = True

    #: The group it is of.
    group_id = resource.URI("group_id")
    #: The array's name of it; it is given to a failover.
    name = resource.Body("name", alternate_id=True)
    #: When the source took it.
    created_at = resource.Body("created_at")
    #: Whether all of it has arrived.
    complete = resource.Body("complete", type=bool)
    #: Percent of it that has arrived.
    progress = resource.Body("progress", type=int)
    #: Bytes that were sent of it, as far as the array tells.
    sent_bytes = resource.Body("sent_bytes", type=int)
    #: Seconds since the source took it.
    age_seconds = resource.Body("age_seconds", type=int)
