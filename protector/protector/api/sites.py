# SPDX-License-Identifier: Apache-2.0
"""/v1/admin/sites"""

from typing import Any

import falcon

from protector import errors
from protector.access import site as access
from protector.api.context import Resource, caller, read
from protector.db import sites
from protector.db.models import Site
from protector.schemas import site as schema

CREDENTIALS = ("username", "password", "project_name")


class _Sites(Resource):
    def view(self, row: Site) -> dict[str, Any]:
        return schema.view(row, local=row.name == self.site)

    def stored(self, change: schema.SiteChange, name: str) -> dict[str, Any]:
        """Return columns of what was given; the password as it may be kept."""
        given = change.model_dump(exclude_unset=True, exclude={"password"})
        if change.password is None:
            return given
        if name == self.site:
            raise errors.InvalidRequest(
                reason=f"password: {name} is this site; Protector signs in to it by [service_auth]"
                " of its protector.conf. Leave the password out"
            )
        return {**given, "secret": self.services.keys.encrypt(change.password.get_secret_value())}


class SiteCollection(_Sites):
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.READ)
        with self.sessions.begin() as session:
            resp.media = {"sites": [self.view(row) for row in sites.list_all(session)]}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.WRITE)
        given = read(req, schema.SiteCreateBody).site
        values = self.stored(given, given.name)
        if given.name != self.site:
            _must_be_complete(given)
        with self.sessions.begin() as session:
            self._must_be_one_of_two(given.name, [row.name for row in sites.list_all(session)])
            row = sites.create(session, **values)
        resp.status = falcon.HTTP_201
        resp.location = f"{req.path}/{row.id}"
        resp.media = {"site": self.view(row)}

    def _must_be_one_of_two(self, name: str, known: list[str]) -> None:
        if name in known:
            raise errors.SiteExists(site=name)
        peers = [other for other in (*known, name) if other != self.site]
        if len(peers) > 1:
            raise errors.TooManySites(site=self.site, peer_site=peers[0], name=name)


class SiteItem(_Sites):
    def on_get(self, req: falcon.Request, resp: falcon.Response, site: str) -> None:
        self.authorize(req, access.READ)
        with self.sessions.begin() as session:
            resp.media = {"site": self.view(sites.get(session, site))}

    def on_patch(self, req: falcon.Request, resp: falcon.Response, site: str) -> None:
        self.authorize(req, access.WRITE)
        change = read(req, schema.SiteChangeBody).site
        with self.sessions.begin() as session:
            row = sites.get(session, site)
            sites.change(session, row, **self.stored(change, row.name))
        resp.media = {"site": self.view(row)}

    def on_delete(self, req: falcon.Request, resp: falcon.Response, site: str) -> None:
        self.authorize(req, access.WRITE)
        with self.sessions.begin() as session:
            sites.delete(session, sites.get(session, site))
        resp.status = falcon.HTTP_204


class SiteValidation(Resource):
    def on_post(self, req: falcon.Request, resp: falcon.Response, site: str) -> None:
        self.authorize(req, access.WRITE)
        with self.sessions.begin() as session:
            name = sites.get(session, site).name
        found = self.engine.validate_site(caller(req), name)
        with self.sessions.begin() as session:
            sites.validated(session, name, found["status"])
        resp.media = {"validation": found}


class SiteVolumeTypes(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, site: str) -> None:
        self.authorize(req, access.READ)
        with self.sessions.begin() as session:
            name = sites.get(session, site).name
        if name != self.site:
            raise errors.AskOtherSite(
                what=f"volume types of {name}", right_site=name, site=self.site
            )
        resp.media = {"volume_types": self.engine.volume_types(caller(req))}


def _must_be_complete(given: schema.SiteCreate) -> None:
    missing = [name for name in CREDENTIALS if not getattr(given, name)]
    if missing:
        raise errors.InvalidRequest(
            reason=f"{', '.join(missing)}: missing; Protector signs in to the other site by them"
        )
