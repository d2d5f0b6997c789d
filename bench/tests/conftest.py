# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

IDS = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(4)]


@pytest.fixture
def wanted() -> dict[str, Any]:
    """A prepared list of two VMs; the services' URLs are up to the test."""
    return {
        "keystone": "",
        "array": "",
        "cinder": "",
        "neutron": "",
        "nova": "",
        "user": {},
        "project": {},
        "api_token": "token-b",
        "ca": "/ca.pem",
        "vms": [_vm("one", IDS[:2]), _vm("two", IDS[2:])],
    }


def _vm(name: str, volumes: list[str]) -> dict[str, Any]:
    return {
        "volumes": [
            {
                "snapshot": f"flasharray-a:group.1.volume-{id}-cinder",
                "manage": {
                    "name": f"{name}-{number}",
                    "host": "site-b-host@flasharray-b#pool",
                    "ref": {"source-name": f"copy-of-{id}"},
                    "volume_type": "replicated",
                    "bootable": number == 0,
                },
            }
            for number, id in enumerate(volumes)
        ],
        "port": {
            "name": name,
            "network_id": "dr-web-id",
            "fixed_ips": [{"subnet_id": "subnet-id", "ip_address": "10.10.0.11"}],
            "mac_address": "fa:16:3e:00:00:01",
            "security_groups": ["web-sg-id"],
        },
        "server": {
            "name": name,
            "flavorRef": "m1.small-id",
            "key_name": "alice-key",
            "metadata": {"role": "web"},
        },
    }
