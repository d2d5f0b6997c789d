# SPDX-License-Identifier: Apache-2.0
"""/ and /v1: which versions there are; and the header by which a client asks for one."""

from typing import Any

import falcon

from protector import errors
from protector.api.context import Resource

SERVICE = "protector"
HEADER = "OpenStack-API-Version"
MIN = (1, 0)
MAX = (1, 0)


def written(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


class VersionMiddleware:
    """Refuse a version that we do not speak, before anything is done; say which one we do."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.append_header("Vary", HEADER)
        asked = _asked(req.get_header(HEADER) or "")
        if not MIN <= asked <= MAX:
            raise errors.VersionNotSupported(
                asked=written(asked), minimum=written(MIN), maximum=written(MAX)
            )
        resp.set_header(HEADER, f"{SERVICE} {written(asked)}")


def _asked(header: str) -> tuple[int, int]:
    """Return the version asked of us; the oldest when nobody asks for one."""
    for entry in header.split(","):
        service, _, version = entry.strip().partition(" ")
        if service != SERVICE:
            continue
        if version == "latest":
            return MAX
        try:
            major, minor = version.split(".")
            return int(major), int(minor)
        except ValueError:
            raise errors.InvalidRequest(
                reason=f"{HEADER}: {SERVICE} {version} is not of the form {SERVICE} 1.0"
            ) from None
    return MIN


def _view(req: falcon.Request) -> dict[str, Any]:
    return {
        "id": f"v{written(MAX)}",
        "status": "CURRENT",
        "version": written(MAX),
        "min_version": written(MIN),
        "links": [{"rel": "self", "href": f"{req.prefix}/v1"}],
    }


class Versions(Resource):
    public = True

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"versions": [_view(req)]}


class VersionOne(Resource):
    public = True

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"version": _view(req)}
