# SPDX-License-Identifier: Apache-2.0
"""The switches of the configuration file, where arrays' behaviour is not known for certain."""

from collections.abc import Iterator

import pytest
from pair import Asking, Running, protect
from pypureclient import flasharray

SWITCHES = """
[replication]
bandwidth = 1000
lag = 5
initial_bytes = 4000
[strict]
min_frequency = 1000
overwrite_with_default_protection = false
"""


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("switched"), SWITCHES, link="peers")
    running.start()
    yield running
    running.end()


@pytest.fixture
def a(switched: Running) -> Asking:
    switched.control.reset()
    return Asking(switched.client("fa-a"))


def test_a_schedule_may_be_faster_than_an_array_would_allow(a: Asking) -> None:
    a.ask("post_protection_groups", names=["pg"])
    fast = flasharray.ProtectionGroup(
        replication_schedule=flasharray.ReplicationSchedule(frequency=1000)
    )
    a.ask("patch_protection_groups", names=["pg"], protection_group=fast)
    (group,) = a.ask("get_protection_groups", names=["pg"])
    assert group.replication_schedule.frequency == 1000


def test_overwriting_may_exclude_default_protection(a: Asking) -> None:
    a.volume("v")
    source = flasharray.VolumePost(source=flasharray.Reference(name="v"))
    assert "exclude each other" in a.refused(
        "post_volumes", names=["w"], volume=source, overwrite=True, with_default_protection=False
    )
    a.ask("post_volumes", names=["w"], volume=source, overwrite=True)


def test_no_pod_is_stretched_over_a_link_that_is_not_synchronous(a: Asking) -> None:
    assert a.ask("get_array_connections")[0].type == "async-replication"
    a.pod("p")
    assert "not connected to fa-b for synchronous replication" in a.refused(
        "post_pods_arrays", group_names=["p"], member_names=["fa-b"]
    )
    preferred = flasharray.PodPatch(failover_preferences=[flasharray.Reference(name="fa-b")])
    assert "nor connected to it" in a.refused("patch_pods", names=["p"], pod=preferred)


def test_links_begin_as_they_are_set(a: Asking, switched: Running) -> None:
    control = switched.control
    control.freeze()
    protect(a, Asking(switched.client("fa-b")), "v")
    control.replicate("fa-a", "pg")
    control.advance(7)
    (transfer,) = control.transfers("fa-b")
    assert (transfer["total"], transfer["done"]) == (4000, 2000)


def test_the_clock_may_run_fast(a: Asking, switched: Running) -> None:
    before = switched.control.time()
    switched.control.set_speed(3600)
    protect(a, Asking(switched.client("fa-b")), "v")
    suffix = switched.control.replicate("fa-a", "pg")
    switched.control.wait_replicated("fa-b", f"fa-a:pg.{suffix}", timeout=10)
    assert switched.control.time() - before > 9
