# SPDX-License-Identifier: Apache-2.0
"""The FlashArray driver's mirrored groups over HTTPS, in a pod of two simulated arrays."""

from typing import Any

import pytest
from contract.mirrored import (
    MIRRORED,
    POD,
    VOL1,
    VOL2,
    MirroredGroupsContract,
    content,
    made,
)
from contract.simulated import (
    BUDGET,
    SOURCE,
    TARGET,
    SimulatedArrays,
    SimulatorMirrorBench,
)
from contract.storage import replicate

from protector.storage.flasharray import FlashArrayDriver
from protector.storage.pods import Pods


@pytest.fixture
def bench(new_arrays: SimulatedArrays) -> SimulatorMirrorBench:
    return SimulatorMirrorBench(new_arrays)


def changes(bench: SimulatorMirrorBench, since: int) -> list[dict[str, Any]]:
    """Return what has been asked of the arrays since but looks."""
    return [each for each in bench.control.journal(since) if each["method"] != "GET"]


class TestMirroredGroups(MirroredGroupsContract):
    """The suite, and what only this driver can get wrong."""

    @pytest.fixture
    def bench(self, bench: SimulatorMirrorBench) -> SimulatorMirrorBench:
        return bench

    def test_the_arrays_are_only_looked_at(self, bench: SimulatorMirrorBench) -> None:
        made(bench)
        bench.source.check()
        bench.target.check()
        since = len(bench.control.journal())
        replicate(bench, MIRRORED)
        for driver in (bench.source, bench.target):
            driver.suspend(MIRRORED)
            driver.stop_replicating(MIRRORED)
        assert changes(bench, since) == []
        assert len(bench.control.journal()) > since

    def test_however_many_groups_there_are_a_list_costs_the_same(
        self, bench: SimulatorMirrorBench
    ) -> None:
        made(bench)
        bench.source.check()
        asked = []
        for number in range(2):
            since = len(bench.control.journal())
            assert len(bench.source.replications()) == 1 + number
            asked.append(len(bench.control.journal()) - since)
            bench.make_group(f"{POD}::more{number}", f"{POD}::more{number}")
        assert asked[0] == asked[1]

    def test_a_point_whose_answer_is_lost_is_taken_once(self, bench: SimulatorMirrorBench) -> None:
        made(bench)
        bench.control.fault(
            TARGET, "/protection-group-snapshots$", method="POST", action="drop", after=True
        )
        name = bench.target.take_point(MIRRORED, key="op-0123")
        assert bench.control.markers(TARGET, f"{name}.vol1") == []
        bench.write_on_source(VOL1, "later")
        assert bench.target.take_point(MIRRORED, key="op-0123") == name
        assert bench.control.markers(TARGET, f"{name}.vol1") == []

    def test_nothing_is_sent_for_a_point(self, bench: SimulatorMirrorBench) -> None:
        made(bench)
        bench.target.take_point(MIRRORED, key="op-0123")
        assert bench.control.transfers(TARGET) == bench.control.transfers(SOURCE) == []

    def test_a_point_is_taken_in_a_pod_that_goes_on_here_by_force(
        self, bench: SimulatorMirrorBench
    ) -> None:
        """As an administrator lets it, when the other array is lost for good."""
        replica = made(bench)
        bench.write_on_source(VOL1, "both")
        bench.part()
        bench.write_on_source(VOL1, "lost")
        bench.at_target.ask(
            "delete_pods_arrays", group_names=[POD], member_names=[SOURCE], with_unknown=True
        )
        name = bench.target.take_point(MIRRORED, key="op-0123")
        (point,) = bench.target.points(replica)
        assert set(point.volumes) == {VOL1, VOL2}
        assert content(bench, name) == "both"

    def test_a_forgotten_point_can_be_recovered_for_a_day(
        self, bench: SimulatorMirrorBench
    ) -> None:
        replica = made(bench)
        name = bench.target.take_point(MIRRORED, key="op-0123")
        (point,) = bench.target.points(replica)
        assert bench.target.forget_points(point.created) == 0
        bench.control.advance(60)
        bench.target.take_point(MIRRORED, key="op-4567")
        (newest, _) = bench.target.points(replica)
        assert bench.target.forget_points(newest.created) == 1
        (destroyed,) = bench.at_target.ask("get_protection_group_snapshots", names=[name])
        assert destroyed.destroyed
        assert bench.target.points(replica) == [newest]

    def test_what_was_unstretched_is_not_taken_for_the_group(
        self, bench: SimulatorMirrorBench
    ) -> None:
        made(bench)
        bench.at_source.ask("delete_pods_arrays", group_names=[POD], member_names=[TARGET])
        assert bench.target.mirror(MIRRORED) is None
        assert bench.target.replications() == {}
        assert bench.target.group_called(MIRRORED.partition("::")[2]) is None


class Scheduling(Pods):
    """Breaks the contract: takes the newest point there is for one of this moment."""

    def take(self, group: str, *, key: str) -> str:
        found = self.points(group)
        return found[0].name if found else super().take(group, key=key)


def test_the_suite_catches_a_driver_that_finds_a_point_and_takes_none(
    new_arrays: SimulatedArrays, bench: SimulatorMirrorBench
) -> None:
    bench.target = FlashArrayDriver(TARGET, bench.at_target, call_budget=BUDGET)
    bench.target._pods = Scheduling(bench.at_target)
    with pytest.raises(AssertionError):
        MirroredGroupsContract().test_a_write_just_before_a_point_is_in_it_wherever_it_was_taken(
            bench
        )
