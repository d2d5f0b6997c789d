# SPDX-License-Identifier: Apache-2.0
"""Start reading here: every URL of the API, and what serves it."""

import falcon

from protector.api import errors
from protector.api.actions import GroupActions
from protector.api.audit import AuditMiddleware
from protector.api.context import ContextMiddleware, Resource
from protector.api.documents import (
    ConsistencyGroupItem,
    DocumentDifferences,
    DocumentHistory,
    DocumentItem,
    DocumentVersion,
    SyncStatusItem,
)
from protector.api.groups import GroupCollection, GroupItem
from protector.api.health import Health
from protector.api.mappings import MappingsItem
from protector.api.members import MemberCollection, MemberItem
from protector.api.operations import OperationActions, OperationCollection, OperationItem
from protector.api.peer import (
    PeerCommit,
    PeerCopies,
    PeerDocument,
    PeerHandOver,
    PeerIntroduction,
    PeerOperation,
    PeerPrepared,
    PeerReplicatedGroups,
    PeerStanding,
    PeerStandings,
)
from protector.api.policies import PolicyItem
from protector.api.readiness import ReadinessItem
from protector.api.services import Services
from protector.api.sites import SiteCollection, SiteItem, SiteValidation, SiteVolumeTypes
from protector.api.snapshots import SnapshotCollection
from protector.api.tenant_mappings import TenantMappingCollection, TenantMappingItem
from protector.api.versions import VersionMiddleware, VersionOne, Versions

App = falcon.App[falcon.Request, falcon.Response]

GROUPS = "/v1/{project_id}/protection-groups"
GROUP = f"{GROUPS}/{{group_id}}"
DOCUMENT = "/v1/peer/documents/{group_id}"

ROUTES: dict[str, type[Resource]] = {
    # anybody
    "/": Versions,
    "/v1": VersionOne,
    "/healthcheck": Health,
    # administrators
    "/v1/admin/sites": SiteCollection,
    "/v1/admin/sites/{site}": SiteItem,
    "/v1/admin/sites/{site}/validate": SiteValidation,
    "/v1/admin/sites/{site}/volume-types": SiteVolumeTypes,
    "/v1/admin/tenant-mappings": TenantMappingCollection,
    "/v1/admin/tenant-mappings/{mapping_id}": TenantMappingItem,
    # tenants
    GROUPS: GroupCollection,
    GROUP: GroupItem,
    f"{GROUP}/members": MemberCollection,
    f"{GROUP}/members/{{server_id}}": MemberItem,
    f"{GROUP}/policy": PolicyItem,
    f"{GROUP}/mappings": MappingsItem,
    f"{GROUP}/consistency-group": ConsistencyGroupItem,
    f"{GROUP}/document": DocumentItem,
    f"{GROUP}/documents": DocumentHistory,
    f"{GROUP}/documents/{{checksum}}": DocumentVersion,
    f"{GROUP}/documents/{{checksum}}/differences": DocumentDifferences,
    f"{GROUP}/sync-status": SyncStatusItem,
    f"{GROUP}/readiness": ReadinessItem,
    f"{GROUP}/snapshots": SnapshotCollection,
    f"{GROUP}/action": GroupActions,
    "/v1/{project_id}/operations": OperationCollection,
    "/v1/{project_id}/operations/{operation_id}": OperationItem,
    "/v1/{project_id}/operations/{operation_id}/action": OperationActions,
    # the other site's Protector
    "/v1/peer/site": PeerIntroduction,
    "/v1/peer/standings": PeerStandings,
    DOCUMENT: PeerDocument,
    f"{DOCUMENT}/standing": PeerStanding,
    f"{DOCUMENT}/prepared": PeerPrepared,
    f"{DOCUMENT}/commit": PeerCommit,
    "/v1/peer/replicated-groups": PeerReplicatedGroups,
    "/v1/peer/groups/{group_id}/copies": PeerCopies,
    "/v1/peer/groups/{group_id}/hand-overs/{operation_id}": PeerHandOver,
    "/v1/peer/groups/{group_id}/operations/{operation_id}": PeerOperation,
}


def make_app(services: Services) -> App:
    app: App = falcon.App(
        middleware=[ContextMiddleware(services.site), AuditMiddleware(), VersionMiddleware()]
    )
    for path, resource in ROUTES.items():
        app.add_route(path, resource(services))
    errors.install(app, services.site)
    return app
