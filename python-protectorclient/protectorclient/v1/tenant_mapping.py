# SPDX-License-Identifier: Apache-2.0
from openstack import resource


class TenantMapping(resource.Resource):
    """A project of this site, and the project that it is on the peer."""

    resource_key = "tenant_mapping"
    resources_key = "tenant_mappings"
    base_path = "/admin/tenant-mappings"

    allow_create = allow_fetch = allow_delete = allow_list = True

    #: The project of the site that is asked.
    project_id = resource.Body("project_id")
    #: The name of the other site.
    peer_site = resource.Body("peer_site")
    #: The project of the other site.
    peer_project_id = resource.Body("peer_project_id")
    #: When the two were paired.
    created_at = resource.Body("created_at")
