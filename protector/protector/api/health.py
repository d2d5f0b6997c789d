# SPDX-License-Identifier: Apache-2.0
"""/healthcheck: for load balancers."""

import falcon

from protector.api.context import Resource
from protector.db.session import answers


class Health(Resource):
    public = True

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        healthy = answers(self.sessions)
        resp.status = falcon.HTTP_200 if healthy else falcon.HTTP_503
        resp.media = {"database": "ok" if healthy else "The database does not answer."}
