# SPDX-License-Identifier: Apache-2.0
"""/v1/peer: what the other site's Protector asks of this one. All may be asked again."""

import dataclasses

import falcon

from protector import errors
from protector.access import peer as access
from protector.api.context import Resource, caller, read
from protector.api.versions import MAX, MIN, written
from protector.db import copies
from protector.domain import release
from protector.schemas import peer as schema
from protector.sync import edit, handover, receive
from protector.sync.peer import Version

# What a document's checksum and base add to it on the way.
ENVELOPE = 64 * 1024


class PeerIntroduction(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.USE)
        resp.media = {
            "site": {
                "name": self.site,
                "array": self.services.conf.flasharray.name,
                "min_version": written(MIN),
                "max_version": written(MAX),
                "newest_schema": release.NEWEST,
            }
        }


class PeerStandings(Resource):
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.USE)
        given = read(req, schema.Standings)
        with self.sessions.begin() as session:
            found = receive.standings(session, given.site, given.versions)
        resp.media = {"standings": {id: dataclasses.asdict(one) for id, one in found.items()}}


class PeerStanding(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            found = receive.standing(session, group_id, req.get_param("yours"))
        resp.media = {"standing": dataclasses.asdict(found)}


class PeerDocument(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            found = receive.version(session, group_id)
        resp.media = {"version": found and {"document": found.body, "checksum": found.checksum}}

    def on_delete(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            receive.delete(session, self.site, group_id)
        resp.status = falcon.HTTP_204


class PeerPrepared(Resource):
    def on_put(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        if (req.content_length or 0) > edit.LIMIT + ENVELOPE:
            raise falcon.HTTPContentTooLarge(
                description=f"A recovery document may have {edit.LIMIT // edit.MIB} MiB at most."
            )
        given = read(req, schema.Prepare)
        if given.document.get("group_id") != group_id:
            raise errors.InvalidRequest(reason=f"document: it is not one of group {group_id}")
        version = Version(group_id, given.checksum, given.document, given.overwrites)
        with self.sessions.begin() as session:
            receive.prepare(session, self.site, version, given.base)
        resp.status = falcon.HTTP_204

    def on_delete(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            receive.withdraw(session, group_id, req.get_param("checksum", required=True))
        resp.status = falcon.HTTP_204


class PeerCommit(Resource):
    def on_post(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        given = read(req, schema.Commit)
        with self.sessions.begin() as session:
            receive.commit(session, self.site, group_id, given.checksum)
        resp.status = falcon.HTTP_204


class PeerCopies(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, group_id: str) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            resp.media = {"left": copies.left(session, self.site, group_id)}


class PeerReplicatedGroups(Resource):
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.USE)
        source_array = req.get_param("source_array", required=True)
        array_group = req.get_param("array_group", required=True)
        resp.media = {
            "points": self.engine.replicated_points(caller(req), source_array, array_group)
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self.authorize(req, access.USE)
        given = read(req, schema.ReplicatedGroup)
        array = self.engine.allow_replication(caller(req), given.source_array, given.array_group)
        resp.media = {"array": array}


class PeerHandOver(Resource):
    """This site's part when the peer's operation takes a group over."""

    def on_put(
        self, req: falcon.Request, resp: falcon.Response, group_id: str, operation_id: str
    ) -> None:
        self.authorize(req, access.USE)
        given, who = read(req, schema.HandOver), caller(req)
        with self.sessions.begin() as session:
            begun = handover.begin(
                session,
                self.site,
                group_id,
                operation_id,
                given.checksum,
                user_id=who.user_id,
                request_id=who.request_id,
            )
        if begun:
            self.engine.start_operation(who, begun)
        resp.status = falcon.HTTP_204

    def on_get(
        self, req: falcon.Request, resp: falcon.Response, group_id: str, operation_id: str
    ) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            found = handover.state(session, group_id, operation_id)
        resp.media = {"hand_over": found and dataclasses.asdict(found)}

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, group_id: str, operation_id: str
    ) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            begun = handover.give_back(session, self.site, group_id, operation_id)
        if begun:
            self.engine.start_operation(caller(req), begun)
        resp.status = falcon.HTTP_204


class PeerOperation(Resource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, group_id: str, operation_id: str
    ) -> None:
        self.authorize(req, access.USE)
        with self.sessions.begin() as session:
            found = handover.fate(session, self.site, group_id, operation_id)
        resp.media = {"fate": found and dataclasses.asdict(found)}
