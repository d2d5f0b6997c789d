# SPDX-License-Identifier: Apache-2.0
"""Protector itself is killed in the middle of a failover, and started again."""

from collections.abc import Callable
from typing import Any

import pytest
from waiting import until

from testbed import scenario, shortcut
from testbed.operator import Operator
from testbed.testbed import Testbed

# Seconds.
SOON = 60
FAILOVER_TIMEOUT = 180

Reached = Callable[[Testbed], bool]


def some_volume_is_made(testbed: Testbed) -> bool:
    return bool(testbed.control.live_volumes("flasharray-b"))


def some_server_is_made(testbed: Testbed) -> bool:
    return any(True for _ in testbed.cloud("site-b").compute.servers())


@pytest.mark.parametrize(
    ("slow_path", "reached"),
    [("/volumes", some_volume_is_made), ("/connections", some_server_is_made)],
    ids=["while volumes are made", "while servers are made"],
)
def test_the_failover_goes_on_and_nothing_is_doubled(
    testbed: Testbed, operator: Operator, slow_path: str, reached: Reached
) -> None:
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, [server.name for server in scenario.WEB_SERVERS])
    scenario.replicate(testbed)
    testbed.control.slow("flasharray-b", slow_path, seconds=2)
    failover = ("protection-group", "failover", scenario.GROUP, "--type", "unplanned")
    operator.openstack("site-b", "protector", *failover, *scenario.mapping_options(testbed))

    until(lambda: reached(testbed), seconds=SOON, what="the moment to kill it")
    with testbed.protector_stopped("site-b"):
        testbed.control.clear_faults()
    operation = until(lambda: ended(operator), seconds=FAILOVER_TIMEOUT, what="the failover's end")

    assert operation["status"] == "completed", operation["error_message"]
    cloud = testbed.cloud("site-b")
    servers = {server.name: server.status for server in cloud.compute.servers()}
    assert servers == {"web-server-1": "ACTIVE", "web-server-2": "ACTIVE"}
    assert len(list(cloud.compute.servers())) == 2
    assert [volume.status for volume in cloud.block_storage.volumes()] == ["in-use"] * 3
    assert len([port for port in cloud.network.ports() if port.device_id]) == 3
    assert len(list(cloud.network.ports())) == 3
    assert len(testbed.control.live_volumes("flasharray-b")) == 3
    trusts = testbed.cloud("site-b-admin").identity.get("/OS-TRUST/trusts").json()["trusts"]
    assert trusts == []


def ended(operator: Operator) -> dict[str, Any] | None:
    (listed,) = operator.json("site-b", "protector", "operation", "list")
    show = ("protector", "operation", "show", listed["Operation ID"])
    shown: dict[str, Any] = operator.json("site-b", *show)
    return shown if shown["status"] in ("completed", "failed") else None
