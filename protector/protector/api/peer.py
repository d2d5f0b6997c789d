# SPDX-License-Identifier: Apache-2.0
"""/v1/peer: what the other site's Protector asks of this one. All may be asked again."""

import dataclasses

import falcon

from protector import errors
from protector.access import peer as access
from protector.api.context import Resource, caller, read
from protector.api.versions import MAX, MIN, written
from protector.db import documents
from protector.schemas import peer as schema
from protector.sync import receive
from protector.sync.peer import Base


class PeerIntroduction(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.USE)
        resp.media = {
            "site": {
                "name": self.site,
                "array": self.services.conf.flasharray.name,
                "min_version": written(MIN),
                "max_version": written(MAX),
            }
        }


class PeerDocument(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            head = receive.head(session, group_id)
        if head is None:
            resp.media = {"head": None}
            return
        moment = head.modified_at.isoformat()
        resp.media = {"head": {**dataclasses.asdict(head), "modified_at": moment}}

    def on_delete(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            receive.delete(session, self.site, group_id)
        resp.status = falcon.HTTP_204


class PeerPrepared(Resource):
    def on_put(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        given = read(req, schema.Prepare)
        base = Base(given.base.epoch, given.base.version) if given.base else None
        if given.document.get("group_id") != group_id:
            raise errors.InvalidRequest(reason=f"document: it is not one of group {group_id}")
        with self.sessions.begin() as session:
            receive.prepare(session, self.site, given.document, checksum=given.checksum, base=base)
        resp.status = falcon.HTTP_204

    def on_delete(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            documents.withdraw(session, group_id, req.get_param("checksum", required=True))
        resp.status = falcon.HTTP_204


class PeerCommit(Resource):
    def on_post(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        given = read(req, schema.Commit)
        with self.sessions.begin() as session:
            receive.commit(session, self.site, group_id, given.checksum)
        resp.status = falcon.HTTP_204


class PeerReplicatedGroups(Resource):
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.USE)
        given = read(req, schema.ReplicatedGroup)
        array = self.engine.allow_replication(caller(req), given.source_array, given.array_group)
        resp.media = {"array": array}
