# SPDX-License-Identifier: Apache-2.0
"""Who may what, in the personas that all of OpenStack's services share.

"policy" is a replication policy everywhere else in Protector; rules of access live here.
"""

from oslo_policy import policy

READER = "role:admin or (role:reader and project_id:%(project_id)s)"
MEMBER = "role:member and project_id:%(project_id)s"
ADMIN = "role:admin"
ADMIN_OR_MEMBER = f"{ADMIN} or ({MEMBER})"
SERVICE = "role:service"


def rule(
    name: str, persona: str, description: str, *operations: str
) -> policy.DocumentedRuleDefault:
    """Return a rule; each operation is written as a method and a path."""
    pairs = (operation.split(" ") for operation in operations)
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=persona,
        description=description,
        operations=[{"method": method, "path": path} for method, path in pairs],
        scope_types=["project"],
    )
