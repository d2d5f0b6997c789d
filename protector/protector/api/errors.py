# SPDX-License-Identifier: Apache-2.0
"""The one place where an exception becomes an HTTP answer."""

import logging
from typing import Any

import falcon
from sqlalchemy.exc import DBAPIError

from protector import errors

LOG = logging.getLogger(__name__)


def install(app: falcon.App[falcon.Request, falcon.Response], site: str) -> None:
    def answer_without_database(
        req: falcon.Request, resp: falcon.Response, error: DBAPIError, params: Any
    ) -> None:
        LOG.warning("%s %s: the database does not answer: %s", req.method, req.path, error)
        answer(req, resp, errors.DatabaseUnreachable(site=site), params)

    app.add_error_handler(Exception, answer_unexpected)
    app.add_error_handler(DBAPIError, answer_without_database)
    app.add_error_handler(falcon.HTTPError, answer_falcon)
    app.add_error_handler(errors.ProtectorError, answer)


def answer(
    req: falcon.Request, resp: falcon.Response, error: errors.ProtectorError, params: Any
) -> None:
    resp.status = error.status
    resp.media = _body(req, error.code, error.text, error.kwargs)


def answer_falcon(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: Any
) -> None:
    """Give Falcon's own errors (404, 405, bad JSON...) our shape too."""
    resp.status = error.status
    resp.set_headers(error.headers or {})
    what = error.description or f"There is nothing to {req.method} at {req.path}."
    resp.media = _body(req, f"protector.http.{error.status_code}", what, {})


def answer_unexpected(
    req: falcon.Request, resp: falcon.Response, error: Exception, params: Any
) -> None:
    LOG.error("%s %s failed", req.method, req.path, exc_info=error)
    answer(req, resp, errors.ProtectorError(), params)


def _body(req: falcon.Request, code: str, message: str, details: dict[str, Any]) -> dict[str, Any]:
    # openstacksdk shows people the "message" of a top-level object, and nothing of a list's.
    return {
        "error": {
            "code": code,
            "message": message,
            "request_id": req.context.caller.request_id,
            "details": {name: _plain(value) for name, value in details.items()},
        }
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str | None) else str(value)
