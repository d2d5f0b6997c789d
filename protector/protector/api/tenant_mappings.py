# SPDX-License-Identifier: Apache-2.0
"""/v1/admin/tenant-mappings"""

import falcon

from protector import errors
from protector.access import tenant_mapping as access
from protector.api.context import Resource, read
from protector.db import sites, tenant_mappings
from protector.schemas import tenant_mapping as schema


class TenantMappingCollection(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.READ)
        with self.sessions.begin() as session:
            rows = tenant_mappings.list_all(session)
        resp.media = {"tenant_mappings": [schema.view(row) for row in rows]}

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.WRITE)
        given = read(req, schema.TenantMappingCreateBody).tenant_mapping
        if given.peer_site == self.site:
            raise errors.InvalidRequest(
                reason=f"peer_site: {self.site} is this site; name the other one"
            )
        with self.sessions.begin() as session:
            sites.get(session, given.peer_site)
            row = tenant_mappings.create(session, **given.model_dump())
        resp.status = falcon.HTTP_201
        resp.location = f"{req.path}/{row.id}"
        resp.media = {"tenant_mapping": schema.view(row)}


class TenantMappingItem(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, mapping_id: str) -> None:
        self.authorize(req, access.READ)
        with self.sessions.begin() as session:
            resp.media = {"tenant_mapping": schema.view(tenant_mappings.get(session, mapping_id))}

    def on_delete(self, req: falcon.Request, resp: falcon.Response, mapping_id: str) -> None:
        self.authorize(req, access.WRITE)
        with self.sessions.begin() as session:
            tenant_mappings.delete(session, tenant_mappings.get(session, mapping_id))
        resp.status = falcon.HTTP_204
