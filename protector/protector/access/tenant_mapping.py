# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import ADMIN, rule

READ = "protector:tenant_mapping:read"
WRITE = "protector:tenant_mapping:write"

RULES = [
    rule(
        READ,
        ADMIN,
        "See which project is which on the peer.",
        "GET /v1/admin/tenant-mappings",
        "GET /v1/admin/tenant-mappings/{mapping_id}",
    ),
    rule(
        WRITE,
        ADMIN,
        "Pair projects of the two sites.",
        "POST /v1/admin/tenant-mappings",
        "DELETE /v1/admin/tenant-mappings/{mapping_id}",
    ),
]
