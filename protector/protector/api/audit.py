# SPDX-License-Identifier: Apache-2.0
"""One line for each thing that a user changes, or was refused: who, what, and what came of it.

None for what the other site's Protector asks: its own log has the user who made it do so.
"""

import logging
import re
from typing import Any
from urllib.parse import quote

import falcon

LOG = logging.getLogger("protector.audit")

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
ACTION = re.compile(r"[a-z_]{1,40}")


class AuditMiddleware:
    """Of a body no more than an action's name is told: it may hold a password."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: Any, req_succeeded: bool
    ) -> None:
        caller = req.context.get("caller")
        by_peer = (req.uri_template or "").startswith("/v1/peer/")
        if req.method not in CHANGING or by_peer or not (caller and caller.user_id):
            return
        LOG.info(
            "user=%s name=%s project=%s request=%s action=%s target=%s status=%d",
            caller.user_id,
            quote(caller.user_name or "-"),
            caller.project_id or "-",
            caller.request_id,
            quote(_action(req)),
            quote(resp.get_header("location") or req.path),
            resp.status_code,
        )


def _action(req: falcon.Request) -> str:
    """Return the method and what it was used on, or the name of what was asked of it."""
    *_, last = [part for part in (req.uri_template or "").split("/") if not part.startswith("{")]
    if last != "action":
        return f"{req.method.lower()}-{last}"
    try:
        body = req.get_media()
    except falcon.HTTPError:
        return last
    names = [name for name in body if ACTION.fullmatch(name)] if isinstance(body, dict) else []
    if not names:
        return last
    arguments = body[names[0]]
    dry_run = isinstance(arguments, dict) and arguments.get("dry_run") is True
    return f"{names[0]}-dry-run" if dry_run else str(names[0])
