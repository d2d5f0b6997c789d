# SPDX-License-Identifier: Apache-2.0
"""/healthcheck: for load balancers."""

import falcon

from protector import errors
from protector.api.context import Resource
from protector.api.services import Services
from protector.broker import Broker
from protector.coordination import Members
from protector.db.session import answers

VISITOR = "protector-api"


class Health(Resource):
    public = True

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._broker = Broker(services.conf)
        self._engines = Members(services.conf, VISITOR)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        engines = self._alive()
        answering = {
            "database": answers(self.sessions),
            "messaging": self._broker.answers(),
            "coordination": engines is not None,
        }
        resp.status = falcon.HTTP_200 if all(answering.values()) else falcon.HTTP_503
        resp.media = {
            **{name: "ok" if does else SILENT[name] for name, does in answering.items()},
            "engines_alive": engines,
        }

    def _alive(self) -> int | None:
        """Return how many engines are alive, for information; None: nobody can tell."""
        try:
            return len(self._engines.alive())
        except errors.CoordinationUnreachable:
            return None


SILENT = {
    "database": "The database does not answer.",
    "messaging": "The message broker does not answer.",
    "coordination": "What coordinates the engines does not answer.",
}
