# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import SERVICE, rule

USE = "protector:peer:use"

RULES = [
    rule(
        USE,
        SERVICE,
        "Exchange documents, snapshots and groups with this site: the other site's Protector only.",
        "GET /v1/peer/site",
        "POST /v1/peer/standings",
        "GET /v1/peer/documents/{group_id}",
        "GET /v1/peer/documents/{group_id}/standing",
        "DELETE /v1/peer/documents/{group_id}",
        "PUT /v1/peer/documents/{group_id}/prepared",
        "DELETE /v1/peer/documents/{group_id}/prepared",
        "POST /v1/peer/documents/{group_id}/commit",
        "GET /v1/peer/replicated-groups",
        "POST /v1/peer/replicated-groups",
        "GET /v1/peer/groups/{group_id}/copies",
        "PUT /v1/peer/groups/{group_id}/hand-overs/{operation_id}",
        "GET /v1/peer/groups/{group_id}/hand-overs/{operation_id}",
        "DELETE /v1/peer/groups/{group_id}/hand-overs/{operation_id}",
        "GET /v1/peer/groups/{group_id}/operations/{operation_id}",
    ),
]
