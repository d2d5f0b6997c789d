# SPDX-License-Identifier: Apache-2.0
from typing import Any

from openstack import exceptions, resource
from openstack.proxy import Proxy


class Site(resource.Resource):
    """One of the two OpenStack clouds, as the one that is asked knows it."""

    resource_key = "site"
    resources_key = "sites"
    base_path = "/admin/sites"
    commit_method = "PATCH"

    allow_create = allow_fetch = allow_commit = allow_delete = allow_list = True

    #: What the site is for.
    description = resource.Body("description")
    #: Whether this is the site that answers.
    is_local = resource.Body("local", type=bool)
    #: Where to sign in.
    auth_url = resource.Body("auth_url")
    #: The region in that Keystone's catalog.
    region_name = resource.Body("region_name")
    #: The user by which the answering site signs in.
    username = resource.Body("username")
    #: That user's password. It can be set, and is never returned.
    password = resource.Body("password")
    #: That user's project.
    project_name = resource.Body("project_name")
    #: The domain of that user.
    user_domain_name = resource.Body("user_domain_name")
    #: The domain of that project.
    project_domain_name = resource.Body("project_domain_name")
    #: Whether the last validation succeeded.
    status = resource.Body("status")
    #: When the site was last validated.
    validated_at = resource.Body("validated_at")
    #: When the site was registered.
    created_at = resource.Body("created_at")
    #: When the registration was last changed.
    updated_at = resource.Body("updated_at")

    def validate(self, session: Proxy) -> dict[str, Any]:
        """Have the answering site sign in to this one, and say what it found."""
        response = session.post(f"{self.base_path}/{self.id}/validate")
        exceptions.raise_from_response(response)
        answer: dict[str, Any] = response.json()["validation"]
        return answer

    def volume_types(self, session: Proxy) -> list[dict[str, Any]]:
        """Return the site's volume types that are replicated."""
        response = session.get(f"{self.base_path}/{self.id}/volume-types")
        exceptions.raise_from_response(response)
        answer: list[dict[str, Any]] = response.json()["volume_types"]
        return answer
