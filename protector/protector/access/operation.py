# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import READER, rule

READ = "protector:operation:read"

RULES = [
    rule(
        READ,
        READER,
        "See operations and their steps.",
        "GET /v1/{project_id}/operations",
        "GET /v1/{project_id}/operations/{operation_id}",
    ),
]
