# SPDX-License-Identifier: Apache-2.0
import datetime
import itertools
from collections.abc import Callable

import pytest
from contract.in_memory import FakeMirrorBench
from contract.mirrored import MIRRORED, VOL1, VOL2, MirrorBench, MirroredGroupsContract

from protector.storage.base import ArrayVolume
from protector.storage.fake import FakeArray

SUITE = MirroredGroupsContract()


class TestMirroredGroups(MirroredGroupsContract):
    @pytest.fixture
    def bench(self) -> FakeMirrorBench:
        return FakeMirrorBench()


def test_a_volume_is_on_both_arrays_while_it_is_in_the_pod() -> None:
    """Cinder moves one there when it changes its type."""
    bench = FakeMirrorBench()
    bench.make_mirrored(MIRRORED, VOL1)
    moved = bench.source.create_volume("plain")
    bench.source.write("plain", "kept")
    assert bench.target.volume("plain") is None
    bench.source.rename_volume("plain", VOL2)
    assert bench.target.read(VOL2) == "kept"
    bench.source.rename_volume(VOL2, "plain")
    assert moved.id not in bench.target.volumes
    assert bench.source.volume("plain") == moved


class TardyArray(FakeArray):
    """Breaks the contract: takes the newest point there is for one of this moment."""

    def take_point(self, group: str, *, key: str) -> str:
        points = self.pods[group.partition("::")[0]].points_of(group)
        return points[-1].name if points else super().take_point(group, key=key)


class ForgetfulArray(FakeArray):
    """Breaks the contract: takes another point each time it is asked."""

    _times = itertools.count()

    def take_point(self, group: str, *, key: str) -> str:
        return super().take_point(group, key=f"{key}-{next(self._times)}")


class CarelessArray(FakeArray):
    """Breaks the contract: takes a point of data that it knows to be old."""

    def take_point(self, group: str, *, key: str) -> str:
        self.pods[group.partition("::")[0]].here = "online"
        return super().take_point(group, key=key)


class PartingArray(FakeArray):
    """Breaks the contract: unstretches everybody's pod to suspend one group."""

    def suspend(self, group: str) -> None:
        self.pods[group.partition("::")[0]].other = None


class SweepingArray(FakeArray):
    """Breaks the contract: forgets points that others have taken, too."""

    def forget_points(self, before: datetime.datetime) -> int:
        for pod in self.pods.values():
            for side in pod.sides:
                side.points = []
        return 1


class SplitArray(FakeArray):
    """Breaks the contract: keeps what is written to a volume to itself."""

    def _write(self, volume: ArrayVolume, text: str) -> None:
        self.contents[volume.id] = text


class ComposingArray(FakeArray):
    """Breaks the contract: makes up a group's name."""

    def group_called(self, name: str) -> str | None:
        return f"pod-a::{name}"


@pytest.mark.parametrize(
    ("broken", "story"),
    [
        (TardyArray, SUITE.test_a_write_just_before_a_point_is_in_it_wherever_it_was_taken),
        (ForgetfulArray, SUITE.test_the_same_key_is_the_same_point_at_either_array),
        (PartingArray, SUITE.test_what_is_asked_changes_nothing_of_how_it_is_mirrored),
        (SweepingArray, SUITE.test_points_that_were_taken_long_ago_are_forgotten_and_nothing_else),
        (SplitArray, SUITE.test_an_overwritten_volume_is_the_same_and_is_seen_on_both),
        (ComposingArray, SUITE.test_a_group_is_found_by_the_name_that_cinder_gives_it),
    ],
)
def test_the_suite_catches(broken: type[FakeArray], story: Callable[[MirrorBench], None]) -> None:
    with pytest.raises(AssertionError):
        story(FakeMirrorBench(broken))


def test_the_suite_catches_an_array_that_takes_old_data_for_new() -> None:
    with pytest.raises(pytest.fail.Exception):
        SUITE.test_where_it_is_not_online_no_point_is_taken(
            FakeMirrorBench(CarelessArray), "offline"
        )
