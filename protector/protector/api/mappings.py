# SPDX-License-Identifier: Apache-2.0
"""…/protection-groups/{group_id}/mappings: which network or flavor stands for which."""

from typing import Any

import falcon

from protector.access import group as access
from protector.api.context import caller, read
from protector.api.groups import GroupResource
from protector.db.models import ProtectionGroup
from protector.schemas import group as schema


class MappingsItem(GroupResource):
    def on_get(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        resp.media = self._answer(self.group(req, access.READ, project_id, group_id))

    def on_patch(
        self, req: falcon.Request, resp: falcon.Response, project_id: str, group_id: str
    ) -> None:
        row = self.to_change(req, project_id, group_id)
        changes = read(req, schema.MappingsChangeBody).mappings.model_dump(exclude_none=True)
        if changes:
            self.engine.change_group(caller(req), group_id, changes)
        resp.media = self._answer(row)

    def _answer(self, row: ProtectionGroup) -> dict[str, Any]:
        document = self.document(row)
        return {"mappings": document.mappings.model_dump() if document else None}
