# SPDX-License-Identifier: Apache-2.0
"""What every storage driver must do, as tests: a driver's test module subclasses the suite.

A driver knows one array, so the suite has two, joined for replication, and a *bench*: what
happens to arrays without Protector (Cinder makes a group, a schedule takes a point, a host
attaches, the power goes). Groups that are mirrored have a suite of their own (contract.mirrored).
"""

import abc
import datetime

import pytest

from protector import errors
from protector.storage.base import ArrayVolume, Point, ReplicaGroup, StorageDriver

INTERVAL = 300
DAY = 86400


class Bench(abc.ABC):
    source: StorageDriver
    target: StorageDriver

    @abc.abstractmethod
    def make_group(self, group: str, *volumes: str) -> None:
        """Make a group of new volumes on the source array, as Cinder does."""

    @abc.abstractmethod
    def take_point(self, group: str) -> None:
        """Let the source array take a point, and wait until the target has all of it."""

    @abc.abstractmethod
    def begin_point(self, group: str) -> None:
        """Let the source array take a point, of which the target gets a part only."""

    @abc.abstractmethod
    def await_point(self, name: str) -> None:
        """Wait until the target has all of a point that was taken on demand."""

    @abc.abstractmethod
    def volumes_on_target(self) -> list[str]:
        """Return the names of the target array's volumes."""

    @abc.abstractmethod
    def rename_on_target(self, volume: str, new_name: str) -> None:
        """Rename a volume of the target array, as Cinder does when it manages one."""

    @abc.abstractmethod
    def attach_on_target(self, volume: str) -> None:
        """Connect a host to a volume of the target array."""

    @abc.abstractmethod
    def add_on_target(self, volume: str, size_gb: int = 1) -> None:
        """Make a volume on the target array, of the size that those of a group have."""

    @abc.abstractmethod
    def write_on_target(self, volume: str, mark: str) -> None:
        """Write to a volume of the target array."""

    @abc.abstractmethod
    def newest_on_target(self, volume: str) -> str:
        """Return what was written to a volume of the target array last."""

    @abc.abstractmethod
    def cut_off_target(self) -> None:
        """Let the target array not answer from now on."""


WEB = "consisgroup-web-cinder"


def replicate(bench: Bench, group: str = WEB) -> ReplicaGroup:
    """Do what Protector does on both sites when a group is created."""
    bench.source.replicate(
        group, target_array=bench.target.array, interval_seconds=INTERVAL, retention_seconds=DAY
    )
    replica = ReplicaGroup(bench.source.array, group)
    bench.target.allow(replica)
    return replica


def replicated_point(bench: Bench) -> Point:
    bench.make_group(WEB, "vol1", "vol2")
    replica = replicate(bench)
    bench.take_point(WEB)
    return bench.target.points(replica)[0]


def with_original(bench: Bench) -> ArrayVolume:
    """Return a volume of the target array that something was written to."""
    bench.add_on_target("original")
    bench.write_on_target("original", "before")
    found = bench.target.volume("original")
    assert found is not None
    return found


class StorageDriverContract:
    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def test_an_array_that_answers_checks(self, bench: Bench) -> None:
        bench.source.check()
        bench.target.check()

    # -- at the source

    def test_replication_is_what_was_asked_for(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1", "vol2")
        replicate(bench)
        replication = bench.source.replication(WEB)
        assert replication is not None
        assert replication.target == bench.target.array
        assert replication.allowed
        assert replication.enabled
        assert replication.interval_seconds == INTERVAL
        assert replication.volumes == {"vol1", "vol2"}

    def test_replicating_twice_is_replicating_once(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        replicate(bench)
        before = bench.source.replication(WEB)
        replicate(bench)
        assert bench.source.replication(WEB) == before

    def test_the_interval_can_be_changed(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        replicate(bench)
        bench.source.replicate(
            WEB, target_array=bench.target.array, interval_seconds=900, retention_seconds=DAY
        )
        replication = bench.source.replication(WEB)
        assert replication is not None
        assert replication.interval_seconds == 900
        assert replication.allowed

    def test_until_the_target_allows_it_replication_says_so(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        bench.source.replicate(
            WEB, target_array=bench.target.array, interval_seconds=INTERVAL, retention_seconds=DAY
        )
        replication = bench.source.replication(WEB)
        assert replication is not None
        assert not replication.allowed

    def test_a_group_that_is_not_replicated_or_not_there_has_no_replication(
        self, bench: Bench
    ) -> None:
        bench.make_group(WEB, "vol1")
        assert bench.source.replication(WEB) is None
        assert bench.source.replication("no-such-group") is None

    def test_a_group_that_is_not_there_cannot_be_replicated(self, bench: Bench) -> None:
        with pytest.raises(errors.StorageError, match="no-such-group"):
            replicate(bench, "no-such-group")

    def test_an_array_that_is_not_connected_cannot_be_the_target(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        with pytest.raises(errors.StorageError, match="array-nowhere"):
            bench.source.replicate(
                WEB, target_array="array-nowhere", interval_seconds=INTERVAL, retention_seconds=DAY
            )
        assert bench.source.replication(WEB) is None

    def test_replication_can_be_stopped_and_stopping_again_is_no_error(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        replicate(bench)
        bench.source.stop_replicating(WEB)
        assert bench.source.replication(WEB) is None
        bench.source.stop_replicating(WEB)
        bench.source.stop_replicating("no-such-group")

    def test_all_replicated_groups_are_listed_as_each_by_itself(self, bench: Bench) -> None:
        for group, volume in (("one", "vol1"), ("two", "vol2"), ("three", "vol3")):
            bench.make_group(group, volume)
        assert bench.source.replications() == {}
        replicate(bench, "one")
        replicate(bench, "two")
        bench.source.suspend("two")
        assert bench.source.replications() == {
            "one": bench.source.replication("one"),
            "two": bench.source.replication("two"),
        }
        assert bench.target.replications() == {}

    def test_suspending_stops_the_schedule_and_nothing_else(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        replica = replicate(bench)
        bench.take_point(WEB)
        for _ in range(2):
            bench.source.suspend(WEB)
        replication = bench.source.replication(WEB)
        assert replication is not None
        assert not replication.enabled
        assert (replication.target, replication.allowed) == (bench.target.array, True)
        assert len(bench.target.points(replica)) == 1

    def test_what_was_suspended_can_be_replicated_again(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        replicate(bench)
        before = bench.source.replication(WEB)
        bench.source.suspend(WEB)
        replicate(bench)
        assert bench.source.replication(WEB) == before

    def test_suspending_what_is_not_there_or_not_replicated_is_no_error(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        bench.source.suspend(WEB)
        bench.source.suspend("no-such-group")
        assert bench.source.replication(WEB) is None

    def test_a_point_can_be_taken_at_any_moment_and_is_found_by_its_name(
        self, bench: Bench
    ) -> None:
        bench.make_group(WEB, "vol1", "vol2")
        replica = replicate(bench)
        name = bench.source.take_point(WEB, key="op-0123")
        bench.await_point(name)
        (point,) = bench.target.points(replica)
        assert (point.name, point.complete) == (name, True)
        assert set(point.volumes) == {"vol1", "vol2"}

    def test_the_same_key_is_the_same_point(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        replica = replicate(bench)
        name = bench.source.take_point(WEB, key="op-0123")
        bench.await_point(name)
        assert bench.source.take_point(WEB, key="op-0123") == name
        assert bench.source.take_point(WEB, key="0123456789ab" * 4) != name
        assert [one.name for one in bench.target.points(replica)].count(name) == 1

    def test_of_a_group_that_goes_nowhere_no_point_is_taken(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        for group in (WEB, "no-such-group"):
            with pytest.raises(errors.StorageError, match=group):
                bench.source.take_point(group, key="op-0123")

    # -- at the target

    def test_a_group_the_source_has_not_sent_here_cannot_be_allowed(self, bench: Bench) -> None:
        with pytest.raises(errors.StorageError, match="no-such-group"):
            bench.target.allow(ReplicaGroup(bench.source.array, "no-such-group"))

    def test_an_unknown_group_has_no_points(self, bench: Bench) -> None:
        assert bench.target.points(ReplicaGroup(bench.source.array, "no-such-group")) == []

    def test_a_group_that_was_never_replicated_has_no_points(self, bench: Bench) -> None:
        bench.make_group(WEB, "vol1")
        assert bench.target.points(replicate(bench)) == []

    def test_a_point_holds_every_volume_of_its_group(self, bench: Bench) -> None:
        point = replicated_point(bench)
        assert point.complete
        assert point.progress == 1.0
        assert set(point.volumes) == {"vol1", "vol2"}

    def test_points_come_newest_first(self, bench: Bench) -> None:
        replicated_point(bench)
        bench.take_point(WEB)
        points = bench.target.points(ReplicaGroup(bench.source.array, WEB))
        assert len(points) == 2
        assert points[0].created > points[1].created
        assert points[0].created.tzinfo is not None

    def test_an_incomplete_point_is_listed_and_says_so(self, bench: Bench) -> None:
        replicated_point(bench)
        bench.begin_point(WEB)
        newest, older = bench.target.points(ReplicaGroup(bench.source.array, WEB))
        assert not newest.complete
        assert newest.progress < 1.0
        assert older.complete

    def test_a_promoted_volume_bears_its_key(self, bench: Bench) -> None:
        volume = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        assert "0123-e1" in volume.name
        assert volume.name in bench.volumes_on_target()
        assert volume.size_bytes > 0

    def test_promoting_twice_is_promoting_once(self, bench: Bench) -> None:
        point = replicated_point(bench)
        first = bench.target.promote(point, "vol1", key="0123-e1")
        count = len(bench.volumes_on_target())
        assert bench.target.promote(point, "vol1", key="0123-e1") == first
        assert len(bench.volumes_on_target()) == count

    def test_a_promoted_volume_is_found_by_its_key(self, bench: Bench) -> None:
        assert bench.target.promoted("0123-e1") is None
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        assert bench.target.promoted("0123-e1") == made
        bench.target.discard(made.id)
        assert bench.target.promoted("0123-e1") is None

    def test_a_renamed_volume_can_be_given_its_name_back(self, bench: Bench) -> None:
        point = replicated_point(bench)
        made = bench.target.promote(point, "vol1", key="key-e0")
        bench.rename_on_target(made.name, "volume-x-cinder")
        for _ in range(2):
            bench.target.reclaim(made.id, key="key-e0")
        assert bench.target.promoted("key-e0") == made
        assert "volume-x-cinder" not in bench.volumes_on_target()

    def test_a_volume_is_held_by_its_id_until_it_is_gone(self, bench: Bench) -> None:
        point = replicated_point(bench)
        made = bench.target.promote(point, "vol1", key="key-e0")
        bench.rename_on_target(made.name, "volume-x-cinder")
        assert bench.target.holds(made.id)
        bench.target.discard(made.id)
        assert not bench.target.holds(made.id)

    def test_a_volume_that_is_gone_cannot_be_given_its_name_back(self, bench: Bench) -> None:
        point = replicated_point(bench)
        made = bench.target.promote(point, "vol1", key="key-e0")
        bench.target.discard(made.id)
        with pytest.raises(errors.StorageError, match=made.id):
            bench.target.reclaim(made.id, key="key-e0")

    def test_another_key_makes_another_volume(self, bench: Bench) -> None:
        point = replicated_point(bench)
        first = bench.target.promote(point, "vol1", key="0123-e1")
        assert bench.target.promote(point, "vol1", key="0123-e2").id != first.id

    def test_the_longest_key_fits(self, bench: Bench) -> None:
        key = "0123456789ab" * 4
        assert key in bench.target.promote(replicated_point(bench), "vol1", key=key).name

    def test_a_volume_that_the_point_lacks_cannot_be_promoted(self, bench: Bench) -> None:
        with pytest.raises(errors.StorageError, match="vol9"):
            bench.target.promote(replicated_point(bench), "vol9", key="0123-e1")

    def test_an_incomplete_point_cannot_be_promoted(self, bench: Bench) -> None:
        replicated_point(bench)
        bench.begin_point(WEB)
        newest = bench.target.points(ReplicaGroup(bench.source.array, WEB))[0]
        before = bench.volumes_on_target()
        with pytest.raises(errors.StorageError):
            bench.target.promote(newest, "vol1", key="0123-e1")
        assert bench.volumes_on_target() == before

    # -- onto volumes that are there

    def test_a_volume_is_found_by_its_name(self, bench: Bench) -> None:
        bench.add_on_target("original")
        found = bench.target.volume("original")
        assert found is not None
        assert (found.name, found.size_bytes) == ("original", 1024**3)
        assert bench.target.volume("no-such-volume") is None

    def test_an_overwritten_volume_is_the_same_and_holds_what_the_other_does(
        self, bench: Bench
    ) -> None:
        original = with_original(bench)
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.write_on_target(made.name, "from the other site")
        for _ in range(2):
            bench.target.overwrite(original.id, source=made.name)
        assert bench.newest_on_target("original") == "from the other site"
        assert bench.target.volume("original") == original

    def test_what_is_gone_is_not_copied_any_more(self, bench: Bench) -> None:
        original = with_original(bench)
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.target.discard(made.id)
        with pytest.raises(errors.StorageError, match=made.name):
            bench.target.overwrite(original.id, source=made.name)
        assert bench.newest_on_target("original") == "before"

    def test_a_volume_of_another_size_is_not_overwritten(self, bench: Bench) -> None:
        bench.add_on_target("larger", size_gb=2)
        larger = bench.target.volume("larger")
        assert larger is not None
        bench.write_on_target("larger", "before")
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        with pytest.raises(errors.StorageError, match="larger"):
            bench.target.overwrite(larger.id, source=made.name)
        assert bench.newest_on_target("larger") == "before"
        assert bench.target.volume("larger") == larger

    def test_what_was_saved_first_can_be_restored_again_and_again(self, bench: Bench) -> None:
        original = with_original(bench)
        bench.target.save(original.id, key="e1")
        for mark in ("after", "still later"):
            bench.write_on_target("original", mark)
            bench.target.save(original.id, key="e1")
            bench.target.restore(original.id, key="e1")
            assert bench.newest_on_target("original") == "before"
        assert bench.target.volume("original") == original

    def test_what_is_saved_under_another_key_is_another_thing(self, bench: Bench) -> None:
        original = with_original(bench)
        bench.target.save(original.id, key="e1")
        bench.write_on_target("original", "after")
        bench.target.save(original.id, key="e3")
        bench.target.restore(original.id, key="e1")
        bench.target.restore(original.id, key="e3")
        assert bench.newest_on_target("original") == "after"

    def test_restoring_what_was_never_saved_changes_nothing(self, bench: Bench) -> None:
        original = with_original(bench)
        bench.target.restore(original.id, key="e1")
        assert bench.newest_on_target("original") == "before"

    def test_a_volume_that_is_gone_can_be_neither_saved_nor_restored(self, bench: Bench) -> None:
        nobody = "00000000-0000-0000-0000-000000000000"
        for action in (bench.target.save, bench.target.restore):
            with pytest.raises(errors.StorageError, match=nobody):
                action(nobody, key="e1")

    def test_what_was_saved_long_ago_is_forgotten_and_nothing_else(self, bench: Bench) -> None:
        original = with_original(bench)
        bench.target.save(original.id, key="e1")
        now = datetime.datetime.now(datetime.UTC)
        assert bench.target.forget_saved(now - datetime.timedelta(hours=1)) == 0
        assert bench.target.forget_saved(now + datetime.timedelta(hours=1)) == 1
        assert bench.target.forget_saved(now + datetime.timedelta(hours=1)) == 0
        bench.write_on_target("original", "after")
        bench.target.restore(original.id, key="e1")
        assert bench.newest_on_target("original") == "after"

    # -- in the end

    def test_discarding_undoes_promoting(self, bench: Bench) -> None:
        point = replicated_point(bench)
        before = bench.volumes_on_target()
        bench.target.discard(bench.target.promote(point, "vol1", key="0123-e1").id)
        assert bench.volumes_on_target() == before

    def test_discarding_twice_or_nothing_is_no_error(self, bench: Bench) -> None:
        point = replicated_point(bench)
        before = bench.volumes_on_target()
        volume = bench.target.promote(point, "vol1", key="0123-e1")
        bench.target.discard(volume.id)
        bench.target.discard(volume.id)
        bench.target.discard("00000000-0000-0000-0000-000000000000")
        assert bench.volumes_on_target() == before

    def test_a_volume_is_discarded_by_id_whatever_its_name_is_now(self, bench: Bench) -> None:
        volume = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.rename_on_target(volume.name, "volume-0123-cinder")
        bench.target.discard(volume.id)
        assert "volume-0123-cinder" not in bench.volumes_on_target()

    def test_after_discarding_the_same_key_can_be_promoted_again(self, bench: Bench) -> None:
        point = replicated_point(bench)
        first = bench.target.promote(point, "vol1", key="0123-e1")
        bench.target.discard(first.id)
        second = bench.target.promote(point, "vol1", key="0123-e1")
        assert second.id != first.id
        assert second.name in bench.volumes_on_target()

    def test_a_volume_in_use_is_not_discarded(self, bench: Bench) -> None:
        volume = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.attach_on_target(volume.name)
        with pytest.raises(errors.StorageError, match="connected"):
            bench.target.discard(volume.id)
        assert volume.name in bench.volumes_on_target()

    def test_an_array_that_does_not_answer_is_unreachable(self, bench: Bench) -> None:
        replica = ReplicaGroup(bench.source.array, WEB)
        volume = ArrayVolume("0", "vol1", 1)
        point = replicated_point(bench)
        bench.cut_off_target()
        for ask in (
            bench.target.check,
            lambda: bench.target.points(replica),
            lambda: bench.target.promote(point, "vol1", key="0123-e1"),
            lambda: bench.target.discard(volume.id),
        ):
            with pytest.raises(errors.ArrayUnreachable, match=bench.target.array):
                ask()
