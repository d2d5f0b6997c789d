# SPDX-License-Identifier: Apache-2.0
"""A site that died comes back after its VMs came up on the other: its own are still running.

It finds out, fences what the group says, and does nothing for the group until the surviving site
has told it what is in force.
"""

import concurrent.futures
import dataclasses
import time
from typing import Any

import pytest
import requests
import source_array
from tenant import Tenant, in_force
from waiting import until

from testbed import scenario, shortcut
from testbed.operator import Operator
from testbed.testbed import Testbed

GROUP = scenario.GROUP
NAMES = [server.name for server in scenario.WEB_SERVERS]
# Seconds.
START_TIMEOUT = 180
FENCED_TIMEOUT = 120


@dataclasses.dataclass
class Returned:
    """What was seen when site-a came back; seconds since its protector-api answered."""

    servers: dict[str, str]
    noticed: float
    fenced: float


def fail_over_and_let_return(testbed: Testbed, operator: Operator, fencing: str) -> Returned:
    testbed.reset()
    shortcut.introduce_sites(testbed)
    scenario.boot(testbed.cloud("site-a"), scenario.WEB_SERVERS)
    shortcut.protect(testbed, NAMES, fencing=fencing)
    on_group = ("protector", "protection-group")
    scenario.replicate(testbed)
    servers = {name: testbed.cloud("site-a").compute.find_server(name).id for name in NAMES}
    options = scenario.mapping_options(testbed)
    testbed.kill("site-a")
    operator.openstack(
        "site-b", *on_group, "failover", GROUP, "--type", "unplanned", *options, "--wait"
    )
    with concurrent.futures.ThreadPoolExecutor(1) as electrician:
        start = electrician.submit(testbed.start, "site-a")
        answered = until(lambda: answers(testbed), seconds=START_TIMEOUT, what="site-a's API")
        returning = Tenant(testbed, "site-a")
        until(
            lambda: returning.group()["current_primary_site"] == "site-b",
            seconds=FENCED_TIMEOUT,
            what="site-a to notice that it was failed over",
        )
        noticed = time.monotonic()
        until(
            lambda: all_are_told(returning.group(), servers),
            seconds=FENCED_TIMEOUT,
            what="site-a's VMs to be fenced",
        )
        fenced = time.monotonic()
        start.result()
    return Returned(servers, noticed - answered, fenced - answered)


def answers(testbed: Testbed) -> float | None:
    """Return when site-a's protector-api answered."""
    try:
        url = f"http://{testbed.address('site-a')}:8788/healthcheck"
        return time.monotonic() if requests.get(url, timeout=1).ok else None
    except requests.RequestException:
        return None


def all_are_told(group: dict[str, Any], servers: dict[str, str]) -> bool:
    return set(servers.values()) <= {one["subject"] for one in group["fenced"]}


def told(operator: Operator, site: str) -> dict[str, str]:
    """Return subject -> what the group shows of it."""
    shown = operator.json(site, "protector", "protection-group", "show", GROUP)
    return {one["subject"]: one["what"] for one in shown["fenced"]}


@pytest.fixture(scope="module")
def returned(testbed: Testbed, operator: Operator) -> Returned:
    """Site-a is back, and site-b has not told it what is in force yet."""
    return fail_over_and_let_return(testbed, operator, "stop")


def test_it_notices_at_once(returned: Returned, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(
            f"\nSeconds from the first answer of site-a's API: noticed {returned.noticed:.1f},"
            f" VMs fenced {returned.fenced:.1f}"
        )
    assert returned.noticed < 30


def test_its_servers_are_stopped_and_none_is_deleted(testbed: Testbed, returned: Returned) -> None:
    servers = {server.name: server for server in testbed.cloud("site-a").compute.servers()}
    assert {name: server.id for name, server in servers.items()} == returned.servers
    assert {server.status for server in servers.values()} == {"SHUTOFF"}


def test_the_group_tells_what_was_fenced_and_where_it_runs(
    testbed: Testbed, operator: Operator, returned: Returned
) -> None:
    shown = operator.json("site-a", "protector", "protection-group", "show", GROUP)
    assert shown["current_primary_site"] == "site-b"
    assert shown["status"] == "failed_over"
    fenced = told(operator, "site-a")
    assert fenced.keys() == {*returned.servers.values(), scenario.array_group(testbed)}
    for name, id in returned.servers.items():
        assert name in fenced[id]
        assert "was running and was stopped" in fenced[id]


def test_its_array_sends_nothing_any_more(testbed: Testbed, returned: Returned) -> None:
    assert not source_array.replicates(testbed)


def test_the_servers_of_the_other_site_run_on(testbed: Testbed, returned: Returned) -> None:
    servers = testbed.cloud("site-b").compute.servers()
    assert {server.name: server.status for server in servers} == dict.fromkeys(NAMES, "ACTIVE")


@pytest.mark.parametrize(
    "words",
    [
        ("set", GROUP, "--description", "as if nothing had happened"),
        ("member", "remove", GROUP, "web-server-2"),
        ("sync-force", GROUP),
        ("reset-state", GROUP, "--state", "active"),
        ("delete", GROUP),
    ],
    ids=lambda words: words[0],
)
def test_it_does_nothing_for_the_group(
    operator: Operator, returned: Returned, words: tuple[str, ...]
) -> None:
    said = operator.openstack("site-a", "protector", "protection-group", *words, check=False)
    assert said.code == 1
    for word in (GROUP, "runs on site-b by now", "sync-force"):
        assert word in said.stderr


def test_once_told_by_the_survivor_both_sites_have_the_same(
    testbed: Testbed, operator: Operator, returned: Returned
) -> None:
    on_group = ("protector", "protection-group")
    operator.openstack("site-b", *on_group, "sync-force", GROUP)

    here, there = Tenant(testbed, "site-a"), Tenant(testbed, "site-b")
    document = in_force(here, there)
    assert document is not None
    assert (document["current_primary_site"], document["epoch"]) == ("site-b", 1)
    operator.openstack("site-b", *on_group, "set", GROUP, "--description", "runs on site-b")
    assert in_force(here, there)
    # What was done is still told: the servers are there, and stopped.
    assert set(returned.servers.values()) <= told(operator, "site-a").keys()


def test_a_server_that_somebody_starts_again_is_reported_and_left_alone(
    testbed: Testbed, operator: Operator, returned: Returned
) -> None:
    # It stands by and is locked: only an administrator can start it.
    compute = testbed.cloud("site-a-admin").compute
    started = returned.servers["web-server-2"]
    compute.start_server(started)
    compute.wait_for_server(compute.get_server(started), "ACTIVE", interval=0.3, wait=60)
    said = until(
        lambda: "runs again" in (what := told(operator, "site-a")[started]) and what,
        seconds=FENCED_TIMEOUT,
        what="site-a to see that it runs again",
    )
    assert f"openstack server stop {started}" in said
    assert compute.get_server(started).status == "ACTIVE"


@pytest.mark.at_length
def test_a_group_that_wants_it_so_is_only_reported(testbed: Testbed, operator: Operator) -> None:
    returned = fail_over_and_let_return(testbed, operator, "report")

    servers = {server.id: server.status for server in testbed.cloud("site-a").compute.servers()}
    assert servers == dict.fromkeys(returned.servers.values(), "ACTIVE")
    assert source_array.replicates(testbed)
    fenced = told(operator, "site-a")
    for id in returned.servers.values():
        assert f"openstack server stop {id}" in fenced[id]
    assert "still replicates" in fenced[scenario.array_group(testbed)]
