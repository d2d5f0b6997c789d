# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest
from contract.storage import Bench, StorageDriverContract

from protector.storage.base import ArrayVolume, Point
from protector.storage.fake import FakeArray


class FakeBench(Bench):
    def __init__(self, array_type: type[FakeArray] = FakeArray) -> None:
        self.source: FakeArray = array_type("array-a")
        self.target: FakeArray = array_type("array-b")
        self.source.connect(self.target)

    def make_group(self, group: str, *volumes: str) -> None:
        self.source.create_group(group)
        for volume in volumes:
            self.source.create_volume(volume)
            self.source.add_to_group(group, volume)

    def take_point(self, group: str) -> None:
        self.source.take_point(group)

    def begin_point(self, group: str) -> None:
        self.source.take_point(group, progress=0.4)

    def volumes_on_target(self) -> list[str]:
        return sorted(volume.name for volume in self.target.volumes.values())

    def rename_on_target(self, volume: str, new_name: str) -> None:
        self.target.rename_volume(volume, new_name)

    def attach_on_target(self, volume: str) -> None:
        self.target.hosts |= {v.id for v in self.target.volumes.values() if v.name == volume}

    def cut_off_target(self) -> None:
        self.target.down = True


class TestFakeArray(StorageDriverContract):
    @pytest.fixture
    def bench(self) -> FakeBench:
        return FakeBench()


class ForgetfulArray(FakeArray):
    """Breaks the contract: makes another volume each time it is asked."""

    _times = itertools.count()

    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        return super().promote(point, volume, key=f"{key}-{next(self._times)}")


class HastyArray(FakeArray):
    """Breaks the contract: takes a point for whole before all of it has come."""

    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        return self.create_volume(key)


class RashArray(FakeArray):
    """Breaks the contract: forgets the target, and what it holds, to stop a schedule."""

    def suspend(self, group: str) -> None:
        self.stop_replicating(group)


def test_the_suite_catches_an_array_that_suspends_by_forgetting() -> None:
    with pytest.raises(AssertionError):
        StorageDriverContract().test_suspending_stops_the_schedule_and_nothing_else(
            FakeBench(RashArray)
        )


def test_the_suite_catches_an_array_that_forgets_its_keys() -> None:
    with pytest.raises(AssertionError):
        StorageDriverContract().test_promoting_twice_is_promoting_once(FakeBench(ForgetfulArray))


def test_the_suite_catches_an_array_that_promotes_half_a_point() -> None:
    with pytest.raises(pytest.fail.Exception):
        StorageDriverContract().test_an_incomplete_point_cannot_be_promoted(FakeBench(HastyArray))
