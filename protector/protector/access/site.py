# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import ADMIN, rule

READ = "protector:site:read"
WRITE = "protector:site:write"

RULES = [
    rule(
        READ,
        ADMIN,
        "See the two sites, and what they offer.",
        "GET /v1/admin/sites",
        "GET /v1/admin/sites/{site}",
        "GET /v1/admin/sites/{site}/volume-types",
    ),
    rule(
        WRITE,
        ADMIN,
        "Register, change, validate and delete sites.",
        "POST /v1/admin/sites",
        "PATCH /v1/admin/sites/{site}",
        "DELETE /v1/admin/sites/{site}",
        "POST /v1/admin/sites/{site}/validate",
    ),
]
