# SPDX-License-Identifier: Apache-2.0
from protector.access.personas import ADMIN_OR_MEMBER, MEMBER, READER, rule

READ = "protector:protection_group:read"
READ_DOCUMENT = "protector:protection_group:read_document"
WRITE = "protector:protection_group:write"
FAIL_OVER = "protector:protection_group:fail_over"
REPROTECT = "protector:protection_group:reprotect"
FAIL_BACK = "protector:protection_group:fail_back"
SYNC = "protector:protection_group:sync"
TEST = "protector:protection_group:test"
CHECK = "protector:protection_group:check"
RESET = "protector:protection_group:reset"

GROUPS = "/v1/{project_id}/protection-groups"
GROUP = f"{GROUPS}/{{group_id}}"

RULES = [
    rule(
        READ,
        READER,
        "See protection groups, their members and how they stand.",
        f"GET {GROUPS}",
        f"GET {GROUP}",
        f"GET {GROUP}/members",
        f"GET {GROUP}/members/{{server_id}}",
        f"GET {GROUP}/policy",
        f"GET {GROUP}/mappings",
        f"GET {GROUP}/consistency-group",
        f"GET {GROUP}/sync-status",
        f"GET {GROUP}/snapshots",
        f"GET {GROUP}/documents",
        f"GET {GROUP}/documents/{{checksum}}/differences",
    ),
    rule(
        READ_DOCUMENT,
        MEMBER,
        "Read a group's whole recovery document, user data of its VMs included.",
        f"GET {GROUP}/document",
        f"GET {GROUP}/documents/{{checksum}}",
    ),
    rule(
        WRITE,
        MEMBER,
        "Create, change and delete protection groups.",
        f"POST {GROUPS}",
        f"PATCH {GROUP}",
        f"DELETE {GROUP}",
        f"POST {GROUP}/members",
        f"DELETE {GROUP}/members/{{server_id}}",
        f"PATCH {GROUP}/policy",
        f"PATCH {GROUP}/mappings",
        f"POST {GROUP}/action",
    ),
    rule(FAIL_OVER, MEMBER, "Fail a group over to its other site.", f"POST {GROUP}/action"),
    rule(
        TEST,
        MEMBER,
        "Test a group's failover, and remove what a test has made.",
        f"POST {GROUP}/action",
    ),
    rule(
        REPROTECT,
        MEMBER,
        "Protect a group that was failed over by the site that it came from.",
        f"POST {GROUP}/action",
    ),
    rule(
        FAIL_BACK,
        MEMBER,
        "Bring a group that was failed over back to the site that it came from.",
        f"POST {GROUP}/action",
    ),
    rule(
        CHECK,
        MEMBER,
        "Check whether a group can be failed over, with the token of someone who could do it.",
        f"GET {GROUP}/readiness",
    ),
    rule(
        SYNC,
        MEMBER,
        "Push a group's document to the peer, or settle whose holds.",
        f"POST {GROUP}/action",
    ),
    rule(RESET, ADMIN_OR_MEMBER, "Set a group's status by hand.", f"POST {GROUP}/action"),
]
