# SPDX-License-Identifier: Apache-2.0
"""/v1/{project_id}/operations"""

import falcon

from protector import errors
from protector.access import operation as access
from protector.api.context import Resource, read_query
from protector.api.paging import listing, page
from protector.db import operations
from protector.schemas import operation as schema


class OperationCollection(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        self.authorize(req, access.READ, project_id)
        query = read_query(req, schema.OperationQuery)
        with self.sessions.begin() as session:
            rows = operations.list_for(
                session, project_id, page=page(query), group_id=query.group_id, status=query.status
            )
            steps = operations.steps_of(session, [row.id for row in rows])
        views = [schema.view(row, steps[row.id], whole=False) for row in rows]
        resp.media = listing(req, "operations", views, query=query, id="operation_id")


class OperationItem(Resource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, operation_id: str
    ) -> None:
        hidden = errors.OperationNotFound(operation=operation_id)
        self.authorize_on(req, access.READ, project_id, hidden)
        with self.sessions.begin() as session:
            row = operations.get(session, operation_id, project_id=project_id)
            steps = operations.steps_of(session, [row.id])[row.id]
        resp.media = {"operation": schema.view(row, steps)}
