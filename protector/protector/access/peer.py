# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import SERVICE, rule

USE = "protector:peer:use"

RULES = [
    rule(
        USE,
        SERVICE,
        "Exchange documents and replication with this site: the other site's Protector alone.",
        "GET /v1/peer/site",
        "GET /v1/peer/documents/{group_id}",
        "DELETE /v1/peer/documents/{group_id}",
        "PUT /v1/peer/documents/{group_id}/prepared",
        "DELETE /v1/peer/documents/{group_id}/prepared",
        "POST /v1/peer/documents/{group_id}/commit",
        "POST /v1/peer/replicated-groups",
    ),
]
