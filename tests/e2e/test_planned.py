# SPDX-License-Identifier: Apache-2.0
"""Both sites are well, and a group moves: what was written last is there, and whatever goes wrong
before the sites change roles leaves the VMs where they were.
"""

import contextlib
import itertools
import re
import threading
from collections.abc import Iterator
from typing import Any

import openstack.exceptions
import pytest
from waiting import until

from testbed import census, scenario, shortcut
from testbed.census import Member
from testbed.operator import Operator, Said
from testbed.testbed import Testbed

GROUP = ("protector", "protection-group")
FAILOVER = (*GROUP, "failover", scenario.GROUP, "--type", "planned")
# Seconds.
SOON = 60
NAMES = [server.name for server in scenario.WEB_SERVERS]
MEMBERS = {
    server.name: Member(
        nics=len(server.addresses),
        volumes=tuple(f"{server.name}-{number}" for number in range(len(server.volumes))),
    )
    for server in scenario.WEB_SERVERS
}


class Writer:
    """A guest's application: writes a number to each volume of the VMs as long as they run."""

    def __init__(self, testbed: Testbed) -> None:
        self._testbed = testbed
        self._cloud = testbed.cloud("site-a")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.volumes = {
            name: array_volume
            for server in NAMES
            for name, array_volume in scenario.array_volumes(self._cloud, server).items()
        }
        self.last = ""

    def _run(self) -> None:
        for number in itertools.count():
            if self._stopped.is_set() or set(statuses(self._testbed).values()) != {"ACTIVE"}:
                return
            marker = f"number {number}"
            scenario.write(self._testbed, self.volumes.values(), marker)
            self.last = marker

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._thread.join()


def statuses(testbed: Testbed, site: str = "site-a") -> dict[str, str]:
    return {server.name: server.status for server in testbed.cloud(site).compute.servers()}


def group(operator: Operator, site: str) -> dict[str, Any]:
    shown: dict[str, Any] = operator.json(site, *GROUP, "show", scenario.GROUP)
    return shown


@pytest.fixture(scope="module")
def protected(testbed: Testbed) -> Testbed:
    testbed.reset()
    shortcut.introduce_sites(testbed)
    here = testbed.cloud("site-a")
    scenario.boot(here, scenario.WEB_SERVERS)
    shortcut.protect(testbed, NAMES)
    for server in NAMES:
        for name, array_volume in scenario.array_volumes(here, server).items():
            testbed.control.write("flasharray-a", array_volume, name)
    scenario.replicate(testbed)
    return testbed


@pytest.fixture(scope="module")
def undone(protected: Testbed, operator: Operator) -> Said:
    """One that comes to nothing: no server of site-b gets at its volumes."""
    protected.control.fault("flasharray-b", "/connections", method="POST", count=0)
    mappings = scenario.mapping_options(protected)
    said = operator.openstack("site-b", *FAILOVER, *mappings, "--wait", check=False)
    protected.control.clear_faults()
    return said


@pytest.fixture(scope="module")
def writer(protected: Testbed, undone: Said) -> Writer:
    return Writer(protected)


@pytest.fixture(scope="module")
def moved(protected: Testbed, operator: Operator, writer: Writer) -> Said:
    with writer.writing():
        mappings = scenario.mapping_options(protected)
        return operator.openstack("site-b", *FAILOVER, *mappings, "--wait")


def test_what_comes_to_nothing_leaves_the_vms_where_they_were(
    protected: Testbed, operator: Operator, undone: Said
) -> None:
    assert undone.code == 1
    assert "VM web-server-1: " in undone.stderr or "VM web-server-2: " in undone.stderr
    assert statuses(protected) == dict.fromkeys(NAMES, "ACTIVE")
    for site in ("site-a", "site-b"):
        shown = group(operator, site)
        assert (shown["status"], shown["current_primary_site"]) == ("active", "site-a")
    assert list(census.take(protected, "site-b", {})) == []


def test_the_vms_run_on_the_other_site_alone(
    protected: Testbed, operator: Operator, moved: Said
) -> None:
    assert statuses(protected, "site-b") == dict.fromkeys(NAMES, "ACTIVE")
    assert statuses(protected) == dict.fromkeys(NAMES, "SHUTOFF")
    assert list(census.take(protected, "site-b", MEMBERS)) == []
    for site in ("site-a", "site-b"):
        shown = until(
            lambda site=site: (  # type: ignore[misc]
                found if (found := group(operator, site))["status"] == "failed_over" else None
            ),
            seconds=SOON,
            what=f"{site} to know of it",
        )
        assert shown["current_primary_site"] == "site-b"
        assert shown["remote_sync_status"] == "SYNCED"


def test_what_was_written_last_is_there(protected: Testbed, writer: Writer, moved: Said) -> None:
    assert writer.last
    there = protected.cloud("site-b")
    copies = {
        name: array_volume
        for server in NAMES
        for name, array_volume in scenario.array_volumes(there, server).items()
    }
    assert copies.keys() == writer.volumes.keys()
    for array_volume in copies.values():
        assert protected.control.markers("flasharray-b", array_volume)[-1] == writer.last


def test_the_wait_shows_how_far_it_is(moved: Said) -> None:
    shown = re.findall(r"storage_failover: (\w+)", moved.stderr)
    assert "stop_source_vms" in shown


def test_the_record_of_each_site_tells_its_part(operator: Operator, moved: Said) -> None:
    there = operator.json("site-a", "protector", "operation", "list")
    assert ("hand_over", "completed") in [(one["Operation Type"], one["Status"]) for one in there]
    (newest, *_) = operator.json("site-b", "protector", "operation", "list")
    shown = operator.json("site-b", "protector", "operation", "show", newest["Operation ID"])
    steps = {step["name"]: step["detail"] for step in shown["steps"]}
    assert "web-server-1 was off after" in steps["stop_source_vms"]
    assert steps["wait_for_last_snapshot"].endswith("is complete: nothing is lost")


def test_what_stays_behind_is_locked_and_marked(protected: Testbed, moved: Said) -> None:
    here = protected.cloud("site-a")
    compute = here.compute
    server = compute.find_server(NAMES[0], ignore_missing=False)
    locked = until(
        lambda: found if (found := compute.get_server(server.id)).is_locked else None,
        seconds=SOON,
        what="it to be locked",
    )
    assert "standby of protection group prod-web-app (pg-" in locked.locked_reason
    assert locked.locked_reason.endswith("which runs on site-b")
    with pytest.raises(openstack.exceptions.ConflictException, match="locked"):
        compute.start_server(server.id)
    for attached in server.attached_volumes:
        volume = here.block_storage.get_volume(attached.id)
        assert volume.metadata["protector_standby"].startswith("pg-")


def test_the_way_back_is_protected_and_what_stands_by_can_be_released(
    protected: Testbed, operator: Operator, moved: Said
) -> None:
    chain = operator.json("site-b", "protector", "consistency-group", "show", scenario.GROUP)
    assert chain["array"] == "flasharray-b"
    operator.openstack("site-b", *GROUP, "release", scenario.GROUP)
    here = protected.cloud("site-a")
    server = here.compute.find_server(NAMES[0], ignore_missing=False)
    until(
        lambda: not here.compute.get_server(server.id).is_locked or None,
        seconds=SOON,
        what="it to be unlocked",
    )
    for attached in server.attached_volumes:
        metadata = here.block_storage.get_volume(attached.id).metadata
        assert "protector_standby" not in metadata
    assert statuses(protected) == dict.fromkeys(NAMES, "SHUTOFF")
