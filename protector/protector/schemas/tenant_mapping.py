# SPDX-License-Identifier: Apache-2.0
from typing import Any

from protector.schemas.common import Body, Id, SiteName, stamp


class TenantMappingCreate(Body):
    project_id: Id
    peer_site: SiteName
    peer_project_id: Id


class TenantMappingCreateBody(Body):
    tenant_mapping: TenantMappingCreate


def view(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "project_id": row.project_id,
        "peer_site": row.peer_site,
        "peer_project_id": row.peer_project_id,
        "created_at": stamp(row.created_at),
    }
