# SPDX-License-Identifier: Apache-2.0
"""What items, and bodies, of several kinds have in common."""

from typing import Any

# A reference to nothing, as arrays send it.
NOTHING: dict[str, Any] = {"id": None, "name": None}
NO_PRIORITY = {"priority_adjustment_operator": "+", "priority_adjustment_value": 0}

REFERENCE = {"id": str, "name": str}
QOS = {"iops_limit": int, "bandwidth_limit": int}
PRIORITY = {"priority_adjustment_operator": str, "priority_adjustment_value": int}


def space(used: int, provisioned: int, snapshots: int = 0) -> dict[str, Any]:
    return {
        "data_reduction": 1.0,
        "total_reduction": 1.0,
        "thin_provisioning": 1 - used / provisioned if provisioned else 0.0,
        "unique": used,
        "virtual": used,
        "shared": 0,
        "system": 0,
        "snapshots": snapshots,
        "total_physical": used,
        "total_used": used,
        "used_provisioned": provisioned,
        "total_provisioned": provisioned,
    }
