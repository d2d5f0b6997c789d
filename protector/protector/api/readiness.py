# SPDX-License-Identifier: Apache-2.0
"""Whether a group can be failed over to this site now, by the mappings that are kept with it."""

import falcon

from protector.access import group as access
from protector.api.actions import must_be_asked_here
from protector.api.context import caller
from protector.api.groups import GroupResource
from protector.api.submission import must_be_free
from protector.domain.group import Event


class ReadinessItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.group(req, access.CHECK, project_id, group_id)
        must_be_asked_here(row, self.site, "The check")
        with self.sessions.begin() as session:
            must_be_free(session, row, Event.FAIL_OVER)
        resp.media = {"readiness": self.engine.check(caller(req), row.id, {})}
