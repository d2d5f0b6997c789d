# SPDX-License-Identifier: Apache-2.0
"""The prepared list: all that is to be made on site-b, in the words in which it is asked for.

Who works it off has nothing to find out, to choose or to check.
"""

from collections.abc import Iterable
from typing import Any

from protector_bench.fleet import (
    FLAVOR,
    KEYPAIR,
    NETWORK,
    SECURITY_GROUP,
    THERE,
    VOLUME_TYPE,
    Vm,
)
from testbed.layout import PASSWORD, PLACES
from testbed.testbed import Testbed


def prepare(testbed: Testbed, vms: Iterable[Vm], snapshot: str) -> dict[str, Any]:
    """:param snapshot: the name on site-b of the point from which all volumes are made."""
    place = PLACES[THERE]
    there, admin = testbed.cloud(THERE), testbed.cloud(f"{THERE}-admin")
    network = there.network.find_network(NETWORK[1], ignore_missing=False)
    group = there.network.find_security_group(SECURITY_GROUP, ignore_missing=False)
    flavor = there.compute.find_flavor(FLAVOR, ignore_missing=False)
    (pool,) = admin.block_storage.backend_pools()
    return {
        "keystone": testbed.auth_url(THERE),
        "user": {"name": "alice", "domain": {"id": "default"}, "password": PASSWORD},
        "project": {"name": "acme", "domain": {"id": "default"}},
        "array": f"https://{place.array_target}/api/2.36",
        "api_token": place.api_token,
        "ca": str(testbed.folders.simulator / "state" / "ca.pem"),
        "cinder": f"{place.url('cinder')}/v3",
        "neutron": f"{place.url('neutron')}/v2.0",
        "nova": f"{place.url('nova')}/v2.1",
        "vms": [
            {
                "volumes": [
                    {
                        "snapshot": f"{snapshot}.{source}",
                        "manage": {
                            "name": f"{vm.name}-{number}",
                            "host": pool.name,
                            "ref": {"source-name": f"copy-of-{source}"},
                            "volume_type": VOLUME_TYPE,
                            "bootable": number == 0,
                        },
                    }
                    for number, source in enumerate(vm.array_volumes)
                ],
                "port": {
                    "name": vm.name,
                    "network_id": network.id,
                    "fixed_ips": [{"subnet_id": network.subnet_ids[0], "ip_address": vm.address}],
                    "mac_address": vm.mac_address,
                    "security_groups": [group.id],
                },
                "server": {
                    "name": vm.name,
                    "flavorRef": flavor.id,
                    "key_name": KEYPAIR,
                    "metadata": {"role": "web"},
                },
            }
            for vm in vms
        ],
    }
