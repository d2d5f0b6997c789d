# SPDX-License-Identifier: Apache-2.0
"""What a group is known by: its document, how that stands, and what is behind the group."""

import falcon

from protector.access import group as access
from protector.api.context import caller
from protector.api.groups import GroupResource
from protector.db import documents
from protector.schemas import sync as schema


class DocumentItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.group(req, access.READ_DOCUMENT, project_id, group_id)
        with self.sessions.begin() as session:
            version = documents.in_force(session, group_id)
        resp.media = {
            "document": version.document.model_dump(mode="json"),
            "checksum": version.checksum,
            "epoch": version.epoch,
            "version": version.version,
        }


class SyncStatusItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.group(req, access.READ, project_id, group_id)
        shown = schema.view(row, self.document(row), peer=row.peer_of(self.site))
        resp.media = {"sync_status": shown}


class ConsistencyGroupItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.group(req, access.READ, project_id, group_id)
        resp.media = {"consistency_group": self.engine.consistency_group(caller(req), group_id)}
