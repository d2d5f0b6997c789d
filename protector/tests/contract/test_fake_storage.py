# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest
from contract.in_memory import FakeBench
from contract.storage import StorageDriverContract

from protector.storage.base import ArrayVolume, Point
from protector.storage.fake import FakeArray


class TestFakeArray(StorageDriverContract):
    @pytest.fixture
    def bench(self) -> FakeBench:
        return FakeBench()


class ForgetfulArray(FakeArray):
    """Breaks the contract: makes another volume each time it is asked."""

    _times = itertools.count()

    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        return super().promote(point, volume, key=f"{key}-{next(self._times)}")

    def take_point(self, group: str, *, key: str) -> str:
        return super().take_point(group, key=f"{key}-{next(self._times)}")


class HastyArray(FakeArray):
    """Breaks the contract: takes a point for whole before all of it has come."""

    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        return self.create_volume(key)


class RashArray(FakeArray):
    """Breaks the contract: forgets the target, and what it holds, to stop a schedule."""

    def suspend(self, group: str) -> None:
        self.stop_replicating(group)


class AmnesicArray(FakeArray):
    """Breaks the contract: keeps what a volume holds now in place of what was saved first."""

    def save(self, volume_id: str, *, key: str) -> None:
        self._saved.pop((volume_id, key), None)
        super().save(volume_id, key=key)


def test_the_suite_catches_an_array_that_saves_over_what_was_saved() -> None:
    with pytest.raises(AssertionError):
        StorageDriverContract().test_what_was_saved_first_can_be_restored_again_and_again(
            FakeBench(AmnesicArray)
        )


def test_the_suite_catches_an_array_that_suspends_by_forgetting() -> None:
    with pytest.raises(AssertionError):
        StorageDriverContract().test_suspending_stops_the_schedule_and_nothing_else(
            FakeBench(RashArray)
        )


def test_the_suite_catches_an_array_that_forgets_its_keys() -> None:
    with pytest.raises(AssertionError):
        StorageDriverContract().test_promoting_twice_is_promoting_once(FakeBench(ForgetfulArray))


def test_the_suite_catches_an_array_that_takes_a_point_twice() -> None:
    with pytest.raises(AssertionError):
        StorageDriverContract().test_the_same_key_is_the_same_point(FakeBench(ForgetfulArray))


def test_the_suite_catches_an_array_that_promotes_half_a_point() -> None:
    with pytest.raises(pytest.fail.Exception):
        StorageDriverContract().test_an_incomplete_point_cannot_be_promoted(FakeBench(HastyArray))
