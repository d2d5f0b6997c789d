# SPDX-License-Identifier: Apache-2.0
"""…/protection-groups/{group_id}/snapshots: the points in time to which a group can be recovered"""

import falcon

from protector.access import group as access
from protector.api.actions import must_be_asked_here
from protector.api.context import caller
from protector.api.groups import GroupResource


class SnapshotCollection(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.group(req, access.READ, project_id, group_id)
        must_be_asked_here(row, self.site, "The list of snapshots")
        resp.media = {"snapshots": self.engine.snapshots(caller(req), row.id)}
