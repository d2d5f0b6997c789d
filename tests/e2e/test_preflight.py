# SPDX-License-Identifier: Apache-2.0
"""A check of the procedure on a quiet day: real quotas, a real policy, an address that is taken."""

from collections.abc import Iterator
from typing import Any

import pytest

from testbed import scenario, shortcut
from testbed.operator import Operator, Said
from testbed.testbed import Testbed

GROUP = scenario.GROUP
CHECK = ("protector", "protection-group", "check", GROUP)
FAIL_OVER = ("protector", "protection-group", "failover", GROUP, "--type", "unplanned")


@pytest.fixture(scope="module")
def protected(testbed: Testbed, operator: Operator) -> None:
    """Alice's two servers, protected, with a complete snapshot on site-b."""
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, [server.name for server in scenario.WEB_SERVERS])
    scenario.replicate(testbed)


@pytest.fixture
def tight(testbed: Testbed, protected: None) -> Iterator[None]:
    """Room for one server on site-b, and its address taken."""
    admin, tenant = testbed.cloud("site-b-admin"), testbed.cloud("site-b")
    project = tenant.current_project_id
    admin.set_compute_quotas(project, instances=1)
    admin.set_volume_quotas(project, volumes=2)
    port = tenant.network.create_port(
        network_id=tenant.network.find_network("dr-web", ignore_missing=False).id,
        fixed_ips=[{"ip_address": "10.10.0.11"}],
    )
    yield
    tenant.network.delete_port(port)
    admin.delete_compute_quotas(project)
    admin.delete_volume_quotas(project)


def options(testbed: Testbed) -> list[str]:
    return scenario.mapping_options(testbed)


def readiness(operator: Operator, *command: str) -> tuple[dict[str, Any], Said]:
    said = operator.openstack("site-b", *command, "-f", "json", check=False)
    return said.json, said


def texts(told: dict[str, Any], severity: str) -> list[str]:
    return [
        f"{one['subject']}: {one['finding']}. {one['remedy']}"
        for one in told["findings"]
        if one["severity"] == severity
    ]
