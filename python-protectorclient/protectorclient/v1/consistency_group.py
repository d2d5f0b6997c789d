# SPDX-License-Identifier: Apache-2.0
from typing import Any

from openstack import resource

from protectorclient.v1._base import ProjectResource


class ConsistencyGroup(ProjectResource):
    """What stands behind a protection group: Cinder's group, the array's, its snapshots."""

    resource_key = "consistency_group"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/consistency-group"
    requires_id = False

    allow_fetch = True

    #: What is told differs between the site that sends and the site that receives.
    _allow_unknown_attrs_in_body = True

    #: The protection group.
    group_id = resource.URI("group_id")

    @property
    def told(self) -> dict[str, Any]:
        """All that the site tells."""
        return dict(self._body.attributes)
