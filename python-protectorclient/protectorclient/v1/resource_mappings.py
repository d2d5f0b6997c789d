# SPDX-License-Identifier: Apache-2.0
from openstack import resource

from protectorclient.v1._base import ProjectResource


class ResourceMappings(ProjectResource):
    """Which network or flavor of one site stands for which of the other."""

    resource_key = "mappings"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/mappings"
    requires_id = False

    allow_fetch = allow_commit = True

    #: The group they are the mappings of.
    group_id = resource.URI("group_id")
    #: Network of the primary site -> network of the secondary site.
    networks = resource.Body("networks", type=dict)
    #: Flavor of the primary site -> flavor of the secondary site.
    flavors = resource.Body("flavors", type=dict)
