# SPDX-License-Identifier: Apache-2.0
"""Who is asking, whether they may, and what they said.

A responder authorizes, reads, acts and answers, in that order. Its transactions are short, and
none is open while the engine or the peer is asked.
"""

from typing import Any, TypeVar

import falcon
import pydantic
import pydantic_core

from protector import errors
from protector.api.services import Services
from protector.context import Context
from protector.db import groups
from protector.db.models import ProtectionGroup

SENTENCES = {"extra_forbidden": "there is no such field", "missing": "it is missing"}

Model = TypeVar("Model", bound=pydantic.BaseModel)


class Resource:
    """What serves one URL. ``public``: also to those who did not sign in."""

    public = False

    def __init__(self, services: Services) -> None:
        self.services = services
        self.site = services.site
        self.sessions = services.sessions
        self.engine = services.engine

    def authorize(self, req: falcon.Request, rule: str, project_id: str | None = None) -> None:
        """:raises Forbidden: the caller's roles do not allow it."""
        if not self._allowed(req, rule, project_id):
            raise errors.Forbidden(project_id=project_id or caller(req).project_id, rule=rule)

    def authorize_on(
        self, req: falcon.Request, rule: str, project_id: str, hidden: errors.NotFound
    ) -> None:
        """Authorize for one thing of a project; to other projects it is not there."""
        if not self._allowed(req, rule, project_id):
            if project_id != caller(req).project_id:
                raise hidden
            raise errors.Forbidden(project_id=project_id, rule=rule)

    def group(
        self, req: falcon.Request, rule: str, project_id: str, group_id: str
    ) -> ProtectionGroup:
        """Return the group, for someone who may do that with it."""
        self.authorize_on(req, rule, project_id, errors.GroupNotFound(group=group_id))
        with self.sessions.begin() as session:
            return groups.get(session, group_id, project_id=project_id)

    def _allowed(self, req: falcon.Request, rule: str, project_id: str | None) -> bool:
        target = {"project_id": project_id}
        return bool(self.services.enforcer.authorize(rule, target, caller(req)))


class ContextMiddleware:
    """Give each request its caller; send away those whose token is not known here."""

    def __init__(self, site: str) -> None:
        self._site = site

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        req.context.caller = Context.from_environ(req.env)

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, params: dict[str, Any]
    ) -> None:
        caller(req).about(operation_id=params.get("operation_id"), group_id=params.get("group_id"))
        known = req.env.get("HTTP_X_IDENTITY_STATUS") == "Confirmed"
        if not known and not getattr(resource, "public", False):
            raise errors.Unauthorized(site=self._site)


def caller(req: falcon.Request) -> Context:
    found: Context = req.context.caller
    return found


def read(req: falcon.Request, model: type[Model]) -> Model:
    """Return the request's body.

    :raises InvalidRequest: it is none of this kind; with every fault in it.
    """
    return _valid(model, req.get_media())


def read_query(req: falcon.Request, model: type[Model]) -> Model:
    return _valid(model, req.params)


def _valid(model: type[Model], value: Any) -> Model:
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        faults = (_fault(fault) for fault in error.errors())
        raise errors.InvalidRequest(reason="; ".join(faults)) from None


def _fault(fault: pydantic_core.ErrorDetails) -> str:
    where = ".".join(map(str, fault["loc"])) or "body"
    what = SENTENCES.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    return f"{where}: {what}"
