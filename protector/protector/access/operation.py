# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import MEMBER, READER, rule

READ = "protector:operation:read"
ACT = "protector:operation:act"

RULES = [
    rule(
        READ,
        READER,
        "See operations and their steps.",
        "GET /v1/{project_id}/operations",
        "GET /v1/{project_id}/operations/{operation_id}",
    ),
    rule(
        ACT,
        MEMBER,
        "Go on with an operation that failed, or cancel one that runs.",
        "POST /v1/{project_id}/operations/{operation_id}/action",
    ),
]
