# SPDX-License-Identifier: Apache-2.0
from typing import Any

from openstack import exceptions, resource
from openstack.proxy import Proxy

from protectorclient.v1._base import ProjectResource


class Document(ProjectResource):
    """One version of all that is needed to rebuild a group's VMs."""

    resources_key = "documents"
    base_path = "/%(project_id)s/protection-groups/%(group_id)s/documents"

    allow_fetch = allow_list = True

    #: The group it describes.
    group_id = resource.URI("group_id")
    #: The SHA-256 of its canonical JSON.
    checksum = resource.Body("checksum", alternate_id=True)
    #: Counts failovers.
    epoch = resource.Body("epoch", type=int)
    #: Counts changes.
    version = resource.Body("version", type=int)
    #: Where it was written. Listed only.
    site = resource.Body("site")
    #: When it was written. Listed only.
    modified_at = resource.Body("modified_at")
    #: ``current``, ``prepared``, ``past``, ``overwritten`` or ``abandoned``.
    standing = resource.Body("standing")
    #: How many VMs it describes. Listed only.
    members = resource.Body("members", type=int)
    #: Since when the site that is asked has it. Listed only.
    kept_at = resource.Body("kept_at")
    #: The document itself. Not listed.
    content = resource.Body("document", type=dict)

    def differences_from(self, session: Proxy, before: "Document") -> list[dict[str, Any]]:
        """Return what changed from another version to this one."""
        group = {"project_id": self.project_id, "group_id": self.group_id}
        url = f"{self.base_path % group}/{self.checksum}/differences"
        response = session.get(url, params={"from": before.checksum})
        exceptions.raise_from_response(response)
        answer: list[dict[str, Any]] = response.json()["differences"]
        return answer
