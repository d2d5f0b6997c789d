# SPDX-License-Identifier: Apache-2.0
"""What a project may still have, what others have of the networks, and who may manage volumes.

All of it is only asked: nothing is made.
"""

import concurrent.futures
from collections.abc import Callable, Iterable
from typing import Any

import openstack.exceptions
from openstack.connection import Connection

from protector import errors
from protector.cloud.asking import asking
from protector.cloud.base import Quota, Quotas, UsedPort
from protector.cloud.ports import MARK
from protector.cloud.volumes import MANAGE

# Of these Cinder tells a quota for each volume type too.
OF_VOLUMES = ("volumes", "gigabytes")
# A backend that no Cinder has. Cinder looks whether one may manage volumes before it looks for it.
NOWHERE = {"host": "nowhere@nothing#nothing", "ref": {"source-name": "nothing"}}
NO_SUCH_HOST = (400, 404)


def quotas(connection: Connection, executor: concurrent.futures.Executor, site: str) -> Quotas:
    """Return the quotas of the connection's project."""
    readers: dict[str, Callable[[Connection], dict[str, Quota]]] = {
        "Nova": _of_nova,
        "Neutron": _of_neutron,
        "Cinder": _of_cinder,
    }

    def read(service: str) -> dict[str, Quota] | str:
        try:
            with asking(site, service, "tell the project's quotas"):
                return readers[service](connection)
        except errors.CloudError as error:
            return str(error.kwargs["reason"])

    told = dict(zip(readers, executor.map(read, readers), strict=True))
    found = [quotas for quotas in told.values() if not isinstance(quotas, str)]
    return Quotas(
        limited={name: quota for of in found for name, quota in of.items() if quota.limit >= 0},
        unread={service: why for service, why in told.items() if isinstance(why, str)},
    )


def must_manage_volumes(connection: Connection, site: str, volume_type_id: str) -> None:
    body = {"volume": {**NOWHERE, "volume_type": volume_type_id}}
    with asking(site, "Cinder", "manage a volume"):
        answer = connection.block_storage.post(
            "/manageable_volumes", json=body, microversion=MANAGE
        )
        if answer.status_code not in NO_SUCH_HOST:
            openstack.exceptions.raise_from_response(answer)


def ports(
    connection: Connection,
    executor: concurrent.futures.Executor,
    site: str,
    network_ids: Iterable[str],
) -> list[UsedPort]:
    def of(network_id: str) -> list[UsedPort]:
        with asking(site, "Neutron", f"list the ports of network {network_id}"):
            return [_used(port) for port in connection.network.ports(network_id=network_id)]

    return [port for listed in executor.map(of, network_ids) for port in listed]


# -- inside ---------------------------------------------------------------------------------------


def _of_nova(connection: Connection) -> dict[str, Quota]:
    told = _body(connection.compute.get("/limits"))["limits"]["absolute"]
    return {
        "instances": Quota(told["maxTotalInstances"], told["totalInstancesUsed"]),
        "cores": Quota(told["maxTotalCores"], told["totalCoresUsed"]),
        "ram": Quota(told["maxTotalRAMSize"], told["totalRAMUsed"]),
    }


def _of_neutron(connection: Connection) -> dict[str, Quota]:
    path = f"/quotas/{connection.current_project_id}/details"
    told = _body(connection.network.get(path))["quota"]["port"]
    return {"ports": Quota(told["limit"], told["used"] + told["reserved"])}


def _of_cinder(connection: Connection) -> dict[str, Quota]:
    path = f"/os-quota-sets/{connection.current_project_id}?usage=True"
    told = _body(connection.block_storage.get(path))["quota_set"]
    return {
        name: Quota(of["limit"], of["in_use"] + of["reserved"])
        for name, of in told.items()
        if name.partition("_")[0] in OF_VOLUMES
    }


def _body(answer: Any) -> Any:
    openstack.exceptions.raise_from_response(answer)
    return answer.json()


def _used(port: Any) -> UsedPort:
    words = (port.description or "").removeprefix(MARK).split()
    ours = (port.description or "").startswith(MARK)
    return UsedPort(
        id=port.id,
        network_id=port.network_id,
        mac_address=port.mac_address,
        addresses=[fixed["ip_address"] for fixed in port.fixed_ips],
        made_for=words[0] if ours and words else None,
        attached=bool(port.device_id),
    )
