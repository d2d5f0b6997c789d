# SPDX-License-Identifier: Apache-2.0
"""/v1/{project_id}/protection-groups"""

from typing import Any

import falcon

from protector import errors
from protector.access import group as access
from protector.api.context import Resource, caller, read, read_query
from protector.api.paging import listing, page
from protector.db import documents, groups, rehearsals, sites, tenant_mappings
from protector.db.models import ProtectionGroup
from protector.domain.document import Document
from protector.domain.group import Event
from protector.schemas import group as schema
from protector.sync import guards


class GroupResource(Resource):
    """What is about one group."""

    def to_change(
        self, req: falcon.Request, project_id: str, group_id: str, event: Event = Event.EDIT
    ) -> ProtectionGroup:
        """Return the group, which this site may change now.

        :raises GroupSuperseded, WrongSite, WrongStatus, NotSynchronized: it may not.
        """
        row = self.group(req, access.WRITE, project_id, group_id)
        guards.must_be_editable(row, event, self.site)
        return row

    def document(self, row: ProtectionGroup) -> Document | None:
        with self.sessions.begin() as session:
            version = documents.current(session, row.id)
        return version.document if version else None

    def view(self, group_id: str) -> dict[str, Any]:
        """Return the group as it is now."""
        with self.sessions.begin() as session:
            row = groups.get(session, group_id)
            test = rehearsals.last(session, [row.id]).get(row.id)
        return schema.view(row, test)


class GroupCollection(GroupResource):
    def on_get(self, req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        self.authorize(req, access.READ, project_id)
        query = read_query(req, schema.GroupQuery)
        with self.sessions.begin() as session:
            rows = groups.list_for(
                session, project_id, page=page(query), name=query.name, status=query.status
            )
            tests = rehearsals.last(session, [row.id for row in rows])
        views = [schema.view(row, tests.get(row.id)) for row in rows]
        resp.media = listing(req, "protection_groups", views, query=query, id="id")

    def on_post(self, req: falcon.Request, resp: falcon.Response, project_id: str) -> None:
        self.authorize(req, access.WRITE, project_id)
        given = read(req, schema.GroupCreateBody).protection_group
        group_id = self._begin(project_id, given)
        self.engine.create_group(
            caller(req),
            group_id,
            {
                "volume_type": given.volume_type,
                "rpo_minutes": given.rpo_minutes,
                "replication_interval": given.interval,
                "networks": given.network_mapping,
                "flavors": given.flavor_mapping,
                "fencing": given.fencing,
            },
        )
        resp.status = falcon.HTTP_201
        resp.location = f"{req.path}/{group_id}"
        resp.media = {"protection_group": self.view(group_id)}

    def _begin(self, project_id: str, given: schema.GroupCreate) -> str:
        """Write the group's row, from which the engine goes on."""
        if given.primary_site == given.secondary_site:
            raise errors.InvalidRequest(
                reason="secondary_site: it is the primary site too; name the other one"
            )
        with self.sessions.begin() as session:
            for site in (given.primary_site, given.secondary_site):
                sites.get(session, site)
            if given.primary_site != self.site:
                raise errors.WrongSite(
                    action="Creation",
                    group=given.name,
                    right_site=given.primary_site,
                    site=self.site,
                )
            tenant_mappings.peer_project(
                session, project_id=project_id, peer_site=given.secondary_site, site=self.site
            )
            row = groups.create(
                session,
                project_id=project_id,
                name=given.name,
                description=given.description,
                primary_site=given.primary_site,
                secondary_site=given.secondary_site,
                replication_type=given.replication_type,
            )
        return row.id


class GroupItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.group(req, access.READ, project_id, group_id)
        resp.media = {"protection_group": self.view(row.id)}

    def on_patch(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.to_change(req, project_id, group_id)
        given = read(req, schema.GroupChangeBody).protection_group
        changes = given.model_dump(exclude_none=True)
        for field, part in (("network_mapping", "networks"), ("flavor_mapping", "flavors")):
            if field in changes:
                changes[part] = changes.pop(field)
        if changes:
            self.engine.change_group(caller(req), group_id, changes)
        resp.media = {"protection_group": self.view(group_id)}

    def on_delete(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        self.to_change(req, project_id, group_id, Event.DELETE)
        self.engine.delete_group(caller(req), group_id)
        resp.status = falcon.HTTP_204
