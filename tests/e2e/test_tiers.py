# SPDX-License-Identifier: Apache-2.0
"""VMs start tier by tier, an optional one is not waited for in vain, and all of it can be heard."""

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import kombu
import pytest
import requests
from oslo_config import cfg
from waiting import until

from protector import conf
from testbed import scenario, shortcut
from testbed.layout import PLACES
from testbed.operator import Operator
from testbed.testbed import Testbed

pytestmark = pytest.mark.at_length

SITE = "site-b"
MEMBER = ("protector", "protection-group", "member")
FAILOVER = ("protector", "protection-group", "failover", scenario.GROUP, "--type", "unplanned")
HEALTH_TIMEOUT = 20
ANNOUNCE = """
[oslo_messaging_notifications]
driver = messagingv2
topics = heard
"""


def options(testbed: Testbed) -> pathlib.Path:
    return testbed.folders.site(PLACES[SITE]) / "etc" / "protector.conf"


@pytest.fixture(scope="module")
def announcing(testbed: Testbed) -> Iterator[None]:
    """Site-b's engine notifies of what it does, on a topic of its own."""
    testbed.reset()
    before = options(testbed).read_text()
    with testbed.protector_stopped(SITE):
        options(testbed).write_text(before + ANNOUNCE)
    yield
    with testbed.protector_stopped(SITE):
        options(testbed).write_text(before)


@pytest.fixture(scope="module")
def operation(testbed: Testbed, operator: Operator, announcing: None) -> dict[str, Any]:
    """A failover that lacks the mapping of a network that only an optional VM is on."""
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, [server.name for server in scenario.WEB_SERVERS])
    last, first = (server.name for server in scenario.WEB_SERVERS)
    change = (*MEMBER, "set", scenario.GROUP)
    operator.openstack("site-a", *change, first, "--boot-priority", "1", "--wait-port", "22")
    operator.openstack("site-a", *change, last, "--boot-priority", "5", "--criticality", "optional")
    scenario.replicate(testbed)
    mappings = scenario.mapping_options(testbed, networks={"web": "dr-web"})
    operator.openstack(SITE, *FAILOVER, *mappings, "--wait")
    (listed,) = operator.json(SITE, "protector", "operation", "list")
    shown: dict[str, Any] = operator.json(
        SITE, "protector", "operation", "show", listed["Operation ID"]
    )
    return shown


def test_the_first_tier_is_waited_for_and_the_rest_goes_on(operation: dict[str, Any]) -> None:
    steps = {step["name"]: step for step in operation["steps"]}
    waited = steps["wait_for_ports_of_tier_1"]
    # What answers at that address is up to the network that the testbed is in.
    assert re.match("web-server-2 (answers|did not answer) at port 22", waited["detail"])
    assert steps["recreate_vm_web-server-2"]["ended_at"] <= waited["started_at"]
    assert waited["ended_at"] <= steps["recreate_vm_web-server-1"]["started_at"]


def test_the_optional_vm_is_told_of_and_borne(
    testbed: Testbed, operator: Operator, operation: dict[str, Any]
) -> None:
    assert operation["status"] == "completed"
    assert operation["steps_failed"] == ["recreate_vm_web-server-1"]
    assert "VM web-server-1: network db" in operation["error_message"]
    show = ("protector", "protection-group", "show", scenario.GROUP)
    assert operator.json(SITE, *show)["status"] == "failed_over_partial"
    names = [server.name for server in testbed.cloud(SITE).compute.servers()]
    assert names == ["web-server-2"]


def test_all_of_it_was_announced(testbed: Testbed, operation: dict[str, Any]) -> None:
    told = heard(testbed)
    assert [news["event_type"] for news in told] == [
        "operation.start",
        *["operation.step"] * 9,
        "operation.end",
    ]
    assert {news["publisher_id"] for news in told} == {"protector-engine.site-b-host"}
    assert told[-1]["payload"]["error_message"] == operation["error_message"]


def test_a_retry_brings_the_optional_vm(
    testbed: Testbed, operator: Operator, operation: dict[str, Any]
) -> None:
    mappings = scenario.mapping_options(testbed)
    retry = ("protector", "operation", "retry", operation["operation_id"], *mappings)
    again = operator.json(SITE, *retry)["operation_id"]
    show = ("protector", "operation", "show", again)
    until(lambda: operator.json(SITE, *show)["completed_at"], seconds=120, what="the retry's end")
    assert operator.json(SITE, *show)["error_message"] is None
    names = {server.name for server in testbed.cloud(SITE).compute.servers()}
    assert names == {"web-server-1", "web-server-2"}


def test_the_logs_tell_whose_operation_it_was(testbed: Testbed, operation: dict[str, Any]) -> None:
    audited = (testbed.log_folder(SITE) / "protector-api.log").read_text()
    of_group = [line for line in audited.splitlines() if operation["group_id"] in line]
    (line,) = [line for line in of_group if "action=failover " in line]
    assert "name=alice" in line
    assert line.endswith("status=202")


def test_a_broker_that_is_silent_is_told_within_seconds(testbed: Testbed, announcing: None) -> None:
    assert health(testbed) == (200, "ok")
    with testbed.paused(SITE, "rabbitmq"):
        assert health(testbed) == (503, "The message broker does not answer.")
    until(lambda: health(testbed) == (200, "ok"), seconds=HEALTH_TIMEOUT, what="the broker")


def health(testbed: Testbed) -> tuple[int, str]:
    url = f"http://{testbed.address(SITE)}:8788/healthcheck"
    answer = requests.get(url, timeout=HEALTH_TIMEOUT)
    return answer.status_code, answer.json()["messaging"]


def heard(testbed: Testbed) -> list[dict[str, Any]]:
    """Take from site-b's broker what was announced."""
    configured = cfg.ConfigOpts()
    conf.register(configured)
    configured.register_opts([cfg.StrOpt("transport_url")])
    configured(["--config-file", str(options(testbed))])
    url = configured.transport_url.replace("rabbit://", "amqp://")
    found = []
    with kombu.Connection(url) as broker:
        for priority in ("info", "error"):
            name, as_it_is = f"heard.{priority}", {"durable": False}
            with broker.SimpleQueue(name, no_ack=True, queue_opts=as_it_is) as queue:
                # Counted first: what is given to us is no longer among those that wait.
                for _ in range(queue.qsize()):
                    message = queue.get(timeout=5).payload
                    found.append(json.loads(message["oslo.message"]))
    return sorted(found, key=lambda news: news["timestamp"])
