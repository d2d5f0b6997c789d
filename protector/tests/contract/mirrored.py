# SPDX-License-Identifier: Apache-2.0
"""What every storage driver must do with mirrored groups, as tests.

Two arrays have pod ``POD`` at once. The source is where its volumes are used, but in what a driver
is asked the two differ only when they have parted.
"""

import abc
import datetime

import pytest
from contract.storage import DAY, INTERVAL, WEB, Bench, replicate

from protector import errors
from protector.storage.base import ArrayVolume, Mirror, ReplicaGroup, StorageDriver

POD, ALONE = "pod-a", "pod-alone"
MIRRORED, VOL1, VOL2 = f"{POD}::{WEB}", f"{POD}::vol1", f"{POD}::vol2"
# Somebody else's group in the pod.
OTHER = f"{POD}::{WEB}-2"
# A group in a pod that the source array alone has.
SINGLE = f"{ALONE}::consisgroup-single-cinder"
LONGEST_KEY = "0123456789ab" * 4
HOUR = datetime.timedelta(hours=1)


class MirrorBench(Bench):
    @abc.abstractmethod
    def make_mirrored(self, group: str, *volumes: str) -> None:
        """Make a group of new volumes in a new pod that is on both arrays, as Cinder does."""

    @abc.abstractmethod
    def make_single(self, group: str, *volumes: str) -> None:
        """Make a group of new volumes in a new pod that is on the source array alone."""

    @abc.abstractmethod
    def take_own(self, group: str) -> None:
        """Let the pod's schedule take a point of a mirrored group."""

    @abc.abstractmethod
    def write_on_source(self, volume: str, mark: str) -> None:
        """Write to a volume of the source array."""

    @abc.abstractmethod
    def newest_on_source(self, volume: str) -> str:
        """Return what was written to a volume of the source array last."""

    @abc.abstractmethod
    def prefer_source(self) -> None:
        """Let the pod prefer the source array, when the two part."""

    @abc.abstractmethod
    def unmediate_target(self) -> None:
        """Let the target array not reach the mediator."""

    @abc.abstractmethod
    def suspend(self) -> None:
        """Let the arrays not reach each other, and nothing be decided yet."""

    @abc.abstractmethod
    def part(self) -> None:
        """Let the arrays not reach each other, and the source go on with the pod."""

    @abc.abstractmethod
    def meet(self) -> None:
        """Let them reach each other again, and the target have some of what it lacks."""

    @abc.abstractmethod
    def lose_source(self) -> None:
        """Let the source array be lost, and the target go on with the pod."""


def made(bench: MirrorBench) -> ReplicaGroup:
    """Make the group that most tests are about."""
    bench.make_mirrored(MIRRORED, VOL1, VOL2)
    return ReplicaGroup(bench.source.array, MIRRORED)


def content(bench: MirrorBench, name: str, volume: str = VOL1) -> str:
    """Return what was written last before a point, as whoever promotes it at the target finds."""
    points = bench.target.points(ReplicaGroup(bench.source.array, MIRRORED))
    (point,) = [point for point in points if point.name == name]
    return bench.newest_on_target(bench.target.promote(point, volume, key="content").name)


def states(driver: StorageDriver) -> tuple[str, str]:
    found = mirror(driver)
    return found.here, found.there


def mirror(driver: StorageDriver) -> Mirror:
    found = driver.mirror(MIRRORED)
    assert found is not None
    return found


def original(driver: StorageDriver) -> ArrayVolume:
    found = driver.volume(VOL1)
    assert found is not None
    return found


def look(driver: StorageDriver, replica: ReplicaGroup) -> list[object]:
    """Return all that a driver tells of the group."""
    replication, points = driver.replication(replica.name), driver.points(replica)
    return [driver.mirror(replica.name), replication, points, driver.volume(VOL1)]


class MirroredGroupsContract:
    @pytest.fixture
    def bench(self) -> MirrorBench:
        raise NotImplementedError

    # -- what is said of it

    def test_a_group_is_found_by_the_name_that_cinder_gives_it(self, bench: MirrorBench) -> None:
        made(bench)
        bench.make_group("plain", "vol3")
        bench.make_group("sent", "vol4")
        replicate(bench, "sent")
        for driver in (bench.source, bench.target):
            assert driver.group_called(WEB) == MIRRORED
            assert driver.group_called(WEB.removeprefix("consisgroup-")) is None
        assert bench.source.group_called("plain") == "plain"
        assert bench.target.group_called("sent") is None

    def test_of_two_groups_that_are_called_the_same_neither_is_taken(
        self, bench: MirrorBench
    ) -> None:
        made(bench)
        bench.make_single(f"{ALONE}::{WEB}", f"{ALONE}::vol1")
        with pytest.raises(errors.StorageError, match=ALONE):
            bench.source.group_called(WEB)
        assert bench.target.group_called(WEB) == MIRRORED

    def test_both_arrays_say_that_both_are_online(self, bench: MirrorBench) -> None:
        made(bench)
        for driver, other in ((bench.source, bench.target), (bench.target, bench.source)):
            assert driver.mirror(MIRRORED) == Mirror(
                pod=POD,
                other=other.array,
                here="online",
                there="online",
                progress=None,
                as_of=None,
                preferred=None,
                mediated=True,
            )

    def test_what_is_not_mirrored_or_not_there_has_no_mirror(self, bench: MirrorBench) -> None:
        made(bench)
        bench.make_group("plain", "vol3")
        for group in ("plain", "no-such-group", f"{POD}::no-such-group", "no-such-pod::web"):
            assert bench.source.mirror(group) is None

    def test_a_pod_that_is_not_stretched_has_no_other_array(self, bench: MirrorBench) -> None:
        bench.make_single(SINGLE, f"{ALONE}::vol1")
        found = bench.source.mirror(SINGLE)
        assert found is not None
        assert (found.pod, found.other, found.here, found.there) == (
            ALONE,
            None,
            "online",
            "unknown",
        )
        assert bench.source.replication(SINGLE) is None
        assert bench.source.replications() == {}

    def test_the_preferred_array_is_told(self, bench: MirrorBench) -> None:
        made(bench)
        bench.prefer_source()
        for driver in (bench.source, bench.target):
            assert mirror(driver).preferred == bench.source.array

    def test_each_array_tells_whether_it_reaches_the_mediator(self, bench: MirrorBench) -> None:
        made(bench)
        bench.unmediate_target()
        assert mirror(bench.source).mediated
        assert not mirror(bench.target).mediated

    def test_when_they_part_one_goes_on_and_the_other_tells_of_when_its_data_are(
        self, bench: MirrorBench
    ) -> None:
        made(bench)
        bench.part()
        assert states(bench.source) == ("online", "offline")
        assert states(bench.target) == ("offline", "unknown")
        assert mirror(bench.source).as_of is None
        as_of = mirror(bench.target).as_of
        assert as_of is not None
        assert abs(as_of - datetime.datetime.now(datetime.UTC)) < HOUR
        for driver in (bench.source, bench.target):
            replication = driver.replication(MIRRORED)
            assert replication is not None
            assert not replication.enabled

    def test_while_they_meet_again_both_tell_how_far_they_are(self, bench: MirrorBench) -> None:
        made(bench)
        bench.part()
        bench.meet()
        assert states(bench.source) == ("online", "resyncing")
        assert states(bench.target) == ("resyncing", "online")
        for driver in (bench.source, bench.target):
            progress = mirror(driver).progress
            assert progress is not None
            assert 0 < progress < 1

    def test_when_the_source_is_lost_the_target_says_so(self, bench: MirrorBench) -> None:
        made(bench)
        bench.lose_source()
        here, there = states(bench.target)
        assert here == "online"
        assert there in ("offline", "unknown")
        with pytest.raises(errors.ArrayUnreachable):
            bench.source.mirror(MIRRORED)

    # -- how it is replicated

    def test_a_mirrored_group_is_replicated_to_the_other_array(self, bench: MirrorBench) -> None:
        made(bench)
        bench.make_group(OTHER, f"{POD}::vol3")
        replicate(bench, MIRRORED)
        for driver, other in ((bench.source, bench.target), (bench.target, bench.source)):
            replication = driver.replication(MIRRORED)
            assert replication is not None
            assert (replication.target, replication.interval_seconds) == (other.array, 0)
            assert replication.allowed
            assert replication.enabled
            assert replication.volumes == {VOL1, VOL2}
        assert bench.source.replication(f"{POD}::no-such-group") is None

    def test_mirrored_groups_are_listed_among_others(self, bench: MirrorBench) -> None:
        made(bench)
        bench.make_single(SINGLE, f"{ALONE}::vol1")
        # One that is not in the pod, but is called like it.
        bench.make_group(POD, "vol3")
        replicate(bench, POD)
        for driver, groups in ((bench.source, (MIRRORED, POD)), (bench.target, (MIRRORED,))):
            assert driver.replications() == {group: driver.replication(group) for group in groups}

    def test_what_is_asked_changes_nothing_of_how_it_is_mirrored(self, bench: MirrorBench) -> None:
        replica = made(bench)
        bench.take_own(MIRRORED)
        drivers = (bench.source, bench.target)
        before = [look(driver, replica) for driver in drivers]
        replicate(bench, MIRRORED)
        for driver in drivers:
            driver.suspend(MIRRORED)
            driver.stop_replicating(MIRRORED)
            driver.stop_replicating(f"{POD}::no-such-group")
        assert [look(driver, replica) for driver in drivers] == before

    def test_a_pod_that_is_not_stretched_to_the_target_is_named(self, bench: MirrorBench) -> None:
        made(bench)
        bench.make_single(SINGLE, f"{ALONE}::vol1")
        for group, target in ((MIRRORED, "array-nowhere"), (SINGLE, bench.target.array)):
            pod = group.partition("::")[0]
            with pytest.raises(errors.StorageError, match=f"{pod}.*{target}"):
                bench.source.replicate(
                    group, target_array=target, interval_seconds=INTERVAL, retention_seconds=DAY
                )
            with pytest.raises(errors.StorageError, match=f"{pod}.*{target}"):
                bench.source.allow(ReplicaGroup(target, group))

    def test_a_mirrored_group_that_is_not_there_is_named(self, bench: MirrorBench) -> None:
        made(bench)
        nothing = f"{POD}::no-such-group"
        for ask in (
            lambda: replicate(bench, nothing),
            lambda: bench.target.allow(ReplicaGroup(bench.source.array, nothing)),
            lambda: bench.target.take_point(nothing, key="op-0123"),
        ):
            with pytest.raises(errors.StorageError, match="no-such-group"):
                ask()
        assert bench.target.points(ReplicaGroup(bench.source.array, nothing)) == []

    # -- its points

    def test_a_write_just_before_a_point_is_in_it_wherever_it_was_taken(
        self, bench: MirrorBench
    ) -> None:
        made(bench)
        bench.write_on_source(VOL1, "early")
        bench.target.take_point(MIRRORED, key="early")
        bench.write_on_source(VOL1, "last")
        name = bench.target.take_point(MIRRORED, key="op-0123")
        bench.write_on_source(VOL1, "later")
        assert content(bench, name) == "last"

    def test_a_point_that_was_taken_at_the_source_is_at_the_target(
        self, bench: MirrorBench
    ) -> None:
        made(bench)
        bench.write_on_source(VOL2, "last")
        name = bench.source.take_point(MIRRORED, key="op-0123")
        assert content(bench, name, VOL2) == "last"

    def test_nothing_is_lost_with_the_source(self, bench: MirrorBench) -> None:
        made(bench)
        bench.write_on_source(VOL1, "last")
        bench.lose_source()
        assert content(bench, bench.target.take_point(MIRRORED, key="op-0123")) == "last"

    def test_the_same_key_is_the_same_point_at_either_array(self, bench: MirrorBench) -> None:
        replica = made(bench)
        bench.write_on_source(VOL1, "first")
        name = bench.source.take_point(MIRRORED, key="op-0123")
        assert name == f"{MIRRORED}.protector-op-0123"
        bench.write_on_source(VOL1, "second")
        for driver in (bench.source, bench.target):
            assert driver.take_point(MIRRORED, key="op-0123") == name
            assert [point.name for point in driver.points(replica)] == [name]
        assert content(bench, name) == "first"

    def test_the_longest_key_fits(self, bench: MirrorBench) -> None:
        replica = made(bench)
        name = bench.target.take_point(MIRRORED, key=LONGEST_KEY)
        assert [point.name for point in bench.target.points(replica)] == [name]

    def test_points_are_complete_and_those_of_others_are_among_them(
        self, bench: MirrorBench
    ) -> None:
        replica = made(bench)
        bench.make_group(OTHER, f"{POD}::vol3")
        bench.take_own(OTHER)
        bench.take_own(MIRRORED)
        name = bench.target.take_point(MIRRORED, key="op-0123")
        points = bench.target.points(replica)
        assert len(points) == 2
        assert points[0].name == name
        assert points[0].created > points[1].created
        for point in points:
            assert (point.complete, point.progress, point.sent_bytes) == (True, 1.0, None)
            assert point.created.tzinfo is not None
            assert set(point.volumes) == {VOL1, VOL2}

    def test_where_it_is_not_online_no_point_is_whole(self, bench: MirrorBench) -> None:
        replica = made(bench)
        name = bench.source.take_point(MIRRORED, key="op-0123")
        bench.part()
        (here,), (there,) = bench.source.points(replica), bench.target.points(replica)
        assert (here.name, here.complete, here.progress) == (name, True, 1.0)
        assert (there.name, there.complete) == (name, False)
        assert there.progress < 1.0

    def test_a_promoted_volume_is_in_no_pod(self, bench: MirrorBench) -> None:
        replica = made(bench)
        bench.target.take_point(MIRRORED, key="op-0123")
        (point,) = bench.target.points(replica)
        volume = bench.target.promote(point, VOL1, key="0123-e1")
        assert "::" not in volume.name
        assert bench.target.promoted("0123-e1") == volume
        assert bench.source.promoted("0123-e1") is None
        bench.target.discard(volume.id)
        assert not bench.target.holds(volume.id)
        assert original(bench.target) == original(bench.source)

    def test_while_it_is_being_decided_who_goes_on_the_array_is_busy(
        self, bench: MirrorBench
    ) -> None:
        made(bench)
        bench.suspend()
        for driver in (bench.source, bench.target):
            assert mirror(driver).here == "suspended"
            with pytest.raises(errors.ArrayBusy, match=f"{POD}.*suspended"):
                driver.take_point(MIRRORED, key="op-0123")

    @pytest.mark.parametrize("state", ["offline", "resyncing"])
    def test_where_it_is_not_online_no_point_is_taken(self, bench: MirrorBench, state: str) -> None:
        replica = made(bench)
        bench.part()
        if state == "resyncing":
            bench.meet()
        refused = f"{bench.target.array}: pod {POD} is {state}"
        with pytest.raises(errors.StorageError, match=refused) as refusal:
            bench.target.take_point(MIRRORED, key="op-0123")
        assert not isinstance(refusal.value, errors.PASSING)
        assert bench.source.points(replica) == []

    def test_points_that_were_taken_long_ago_are_forgotten_and_nothing_else(
        self, bench: MirrorBench
    ) -> None:
        replica = made(bench)
        bench.make_group("sent", "vol3")
        sent = replicate(bench, "sent")
        bench.take_own(MIRRORED)
        name = bench.source.take_point(MIRRORED, key="op-0123")
        bench.await_point(bench.source.take_point("sent", key="op-0123"))
        now = datetime.datetime.now(datetime.UTC)

        assert bench.target.forget_points(now - HOUR) == 0
        assert name in [point.name for point in bench.target.points(replica)]
        assert bench.target.forget_points(now + HOUR) == 1
        assert bench.source.forget_points(now + HOUR) == 0
        for driver in (bench.source, bench.target):
            (own,) = driver.points(replica)
            assert own.name != name
        assert len(bench.target.points(sent)) == 1

    def test_points_are_not_forgotten_where_they_are_not_online(self, bench: MirrorBench) -> None:
        replica = made(bench)
        name = bench.source.take_point(MIRRORED, key="op-0123")
        bench.part()
        later = datetime.datetime.now(datetime.UTC) + HOUR
        assert bench.target.forget_points(later) == 0
        assert [point.name for point in bench.source.points(replica)] == [name]
        assert bench.source.forget_points(later) == 1

    # -- onto its volumes

    def test_an_overwritten_volume_is_the_same_and_is_seen_on_both(
        self, bench: MirrorBench
    ) -> None:
        replica = made(bench)
        bench.write_on_source(VOL1, "before")
        before = original(bench.target)
        bench.source.take_point(MIRRORED, key="op-0123")
        copy = bench.target.promote(bench.target.points(replica)[0], VOL2, key="0123-e1")
        bench.write_on_target(copy.name, "from the other site")
        for _ in range(2):
            bench.target.overwrite(before.id, source=copy.name)
        for newest in (bench.newest_on_source, bench.newest_on_target):
            assert newest(VOL1) == "from the other site"
        assert original(bench.target) == original(bench.source) == before
        replication = bench.target.replication(MIRRORED)
        assert replication is not None
        assert replication.volumes == {VOL1, VOL2}

    def test_what_was_saved_can_be_restored_and_is_seen_on_both(self, bench: MirrorBench) -> None:
        made(bench)
        bench.write_on_source(VOL1, "before")
        volume = original(bench.target)
        bench.target.save(volume.id, key="0123456789ab" * 2)
        bench.write_on_source(VOL1, "after")
        bench.target.restore(volume.id, key="0123456789ab" * 2)
        for newest in (bench.newest_on_source, bench.newest_on_target):
            assert newest(VOL1) == "before"
        assert original(bench.source) == volume

    def test_what_was_saved_is_forgotten_once_and_where_it_is_online(
        self, bench: MirrorBench
    ) -> None:
        made(bench)
        bench.add_on_target("plain")
        for name in (VOL1, "plain"):
            volume = bench.target.volume(name)
            assert volume is not None
            bench.target.save(volume.id, key="e1")
        bench.part()
        later = datetime.datetime.now(datetime.UTC) + HOUR
        assert [bench.target.forget_saved(later) for _ in range(2)] == [1, 0]
        assert [bench.source.forget_saved(later) for _ in range(2)] == [1, 0]
