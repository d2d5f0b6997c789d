# SPDX-License-Identifier: Apache-2.0
"""Whether a site has what Protector needs: this one's cloud and array, or the peer's Protector."""

from typing import Any

from protector import errors
from protector.db import sites
from protector.engine.work import Equipment

FINE = "ok"


def validate_site(equipment: Equipment, site: str) -> dict[str, Any]:
    """:param site: its name or id."""
    with equipment.sessions.begin() as session:
        name = sites.get(session, site).name
    checks = _of_here(equipment) if name == equipment.site else _of_the_peer(equipment, name)
    status = "active" if all(fault is None for fault in checks.values()) else "unreachable"
    return {
        "status": status,
        "checks": [{"name": what, "result": fault or FINE} for what, fault in checks.items()],
    }


def _of_here(equipment: Equipment) -> dict[str, str | None]:
    checks = dict(equipment.cloud.as_service().check())
    try:
        equipment.array.check()
        checks["array"] = None
    except errors.StorageError as error:
        checks["array"] = error.text
    return checks


def _of_the_peer(equipment: Equipment, name: str) -> dict[str, str | None]:
    try:
        equipment.peer(name).introduce()
    except errors.PeerUnreachable as error:
        return {"protector": f"unreachable: {error.kwargs['reason']}"}
    except errors.ProtectorError as error:
        return {"protector": error.text}
    return {"protector": None}
