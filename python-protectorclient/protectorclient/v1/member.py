# SPDX-License-Identifier: Apache-2.0
from openstack import resource

from protectorclient.v1._base import ProjectResource


class Member(ProjectResource):
    """A VM in a protection group."""

    resource_key = "member"
    resources_key = "members"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/members"

    allow_create = allow_fetch = allow_commit = allow_delete = allow_list = True

    #: The group it is in.
    group_id = resource.URI("group_id")
    #: The name or id of the server to add. Never returned.
    server = resource.Body("server")
    #: The server's id on the site where it was protected.
    server_id = resource.Body("server_id", alternate_id=True)
    #: The server's flavor.
    flavor = resource.Body("flavor")
    #: The server's networks.
    networks = resource.Body("networks")
    #: The server's volumes.
    volumes = resource.Body("volumes")
    #: When a failover starts it: 1 is first, 5 last.
    boot_priority = resource.Body("boot_priority", type=int)
    #: Whether a failover that cannot bring it up has failed: ``critical`` or ``optional``.
    criticality = resource.Body("criticality")
    #: The TCP port that has to answer before what has a higher boot priority is started.
    wait_port = resource.Body("wait_port")
    #: Whether it is protected.
    status = resource.Body("status")
