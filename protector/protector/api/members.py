# SPDX-License-Identifier: Apache-2.0
"""/v1/{project_id}/protection-groups/{group_id}/members"""

import falcon

from protector import errors
from protector.access import group as access
from protector.api.context import caller, read
from protector.api.groups import GroupResource
from protector.db.models import ProtectionGroup
from protector.domain.document import Member
from protector.schemas import group as schema


class _Members(GroupResource):
    def member(self, row: ProtectionGroup, server: str) -> Member:
        """Return the member of that id or name."""
        document = self.document(row)
        if document is None:
            raise errors.MemberNotFound(server=server, group=row.name)
        return document.member(server)


class MemberCollection(_Members):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.group(req, access.READ, project_id, group_id)
        document = self.document(row)
        members = document.members if document else []
        resp.media = {"members": [schema.member_view(member) for member in members]}

    def on_post(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.to_change(req, project_id, group_id)
        wanted = read(req, schema.MemberAddBody).member
        self.engine.add_member(caller(req), group_id, wanted.server, wanted.given)
        member = self.member(row, wanted.server)
        resp.status = falcon.HTTP_201
        resp.location = f"{req.path}/{member.server_id}"
        resp.media = {"member": schema.member_view(member)}


class MemberItem(_Members):
    def on_get(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        project_id: str,
        group_id: str,
        server_id: str,
    ) -> None:
        row = self.group(req, access.READ, project_id, group_id)
        resp.media = {"member": schema.member_view(self.member(row, server_id))}

    def on_patch(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        project_id: str,
        group_id: str,
        server_id: str,
    ) -> None:
        row = self.to_change(req, project_id, group_id)
        member = self.member(row, server_id)
        changes = read(req, schema.MemberChangeBody).member.given
        if changes:
            self.engine.change_member(caller(req), group_id, member.server_id, changes)
        resp.media = {"member": schema.member_view(self.member(row, member.server_id))}

    def on_delete(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        project_id: str,
        group_id: str,
        server_id: str,
    ) -> None:
        row = self.to_change(req, project_id, group_id)
        self.engine.remove_member(caller(req), group_id, self.member(row, server_id).server_id)
        resp.status = falcon.HTTP_204
