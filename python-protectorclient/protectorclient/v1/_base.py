# SPDX-License-Identifier: Apache-2.0
"""What the resources of a project have in common."""

from typing import Any, Self

from openstack import resource


class ProjectResource(resource.Resource):
    """A resource whose URL begins with the project that the token is for."""

    commit_method = "PATCH"

    #: The project it belongs to.
    project_id = resource.URI("project_id")

    def fetch(self, *args: Any, **kwargs: Any) -> Self:
        # ``find`` hands on what stands in the URL as if it were a query too.
        kwargs.pop("project_id", None)
        return super().fetch(*args, **kwargs)
