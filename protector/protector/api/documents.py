# SPDX-License-Identifier: Apache-2.0
"""What a group is known by: its document, how that stands, and what is behind the group."""

import dataclasses

import falcon

from protector.access import group as access
from protector.api.context import caller
from protector.api.groups import GroupResource
from protector.db import documents
from protector.domain import differences
from protector.schemas import sync as schema


class DocumentItem(GroupResource):
    """The version in force."""

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.group(req, access.READ_DOCUMENT, project_id, group_id)
        with self.sessions.begin() as session:
            version = documents.in_force(session, group_id)
        resp.media = schema.whole_view(version)


class DocumentHistory(GroupResource):
    """Every version that is kept, newest first; those that lost a conflict too."""

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.group(req, access.READ, project_id, group_id)
        with self.sessions.begin() as session:
            rows = documents.history(session, group_id)
        resp.media = {"documents": [schema.version_view(row) for row in rows]}


class DocumentVersion(GroupResource):
    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        project_id: str,
        group_id: str,
        checksum: str,
    ) -> None:
        self.group(req, access.READ_DOCUMENT, project_id, group_id)
        with self.sessions.begin() as session:
            version = documents.get(session, group_id, checksum)
        resp.media = schema.whole_view(version)


class DocumentDifferences(GroupResource):
    """What changed from the version that the query names to that of the URL."""

    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        project_id: str,
        group_id: str,
        checksum: str,
    ) -> None:
        self.group(req, access.READ, project_id, group_id)
        before = req.get_param("from", required=True)
        with self.sessions.begin() as session:
            one, other = (documents.get(session, group_id, c) for c in (before, checksum))
        found = differences.between(one.document, other.document)
        resp.media = {"differences": [dataclasses.asdict(difference) for difference in found]}


class SyncStatusItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.group(req, access.READ, project_id, group_id)
        with self.sessions.begin() as session:
            unfinished = documents.prepared(session, group_id) is not None
        shown = schema.view(
            row, self.document(row), peer=row.peer_of(self.site), unfinished=unfinished
        )
        resp.media = {"sync_status": shown}


class ConsistencyGroupItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.group(req, access.READ, project_id, group_id)
        resp.media = {"consistency_group": self.engine.consistency_group(caller(req), group_id)}
