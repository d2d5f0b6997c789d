# SPDX-License-Identifier: Apache-2.0
"""What arrives at the other array, and when. Time stands still unless a test advances it."""

from collections.abc import Iterator
from typing import Any

import pytest
from pair import MIB, Asking, allow, protect
from pypureclient import flasharray

from flasharray_simulator.control import Control

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture(autouse=True)
def still(control: Control) -> Iterator[None]:
    control.freeze()
    control.set_link(bandwidth=MIB)
    yield
    control.resume()


def replicate(a: Asking, suffix: str, group: str = "pg", **options: Any) -> str:
    """Take a snapshot and send it; return its name at the target."""
    how = options or {"replicate_now": True}
    a.ask(
        "post_protection_group_snapshots",
        source_names=[group],
        protection_group_snapshot=flasharray.ProtectionGroupSnapshotPost(suffix=suffix),
        **how,
    )
    return f"fa-a:{group}.{suffix}"


def transfer(b: Asking, snapshot: str) -> Any:
    return b.ask("get_protection_group_snapshots_transfer", names=[snapshot])[0]


def complete(b: Asking, group: str = "fa-a:pg") -> list[str]:
    rows = b.ask("get_protection_group_snapshots_transfer", names=[group], filter='progress="1.0"')
    return [row.name for row in rows]


def schedule(a: Asking, seconds: int, **fields: Any) -> None:
    settings = flasharray.ProtectionGroup(
        replication_schedule=flasharray.ReplicationSchedule(enabled=True, frequency=seconds * 1000),
        **fields,
    )
    a.ask("patch_protection_groups", names=["pg"], protection_group=settings)


def test_a_snapshot_holds_what_was_written_before_it(
    a: Asking, b: Asking, control: Control
) -> None:
    protect(a, b, "v")
    control.write("fa-a", "v", "before")
    snapshot = replicate(a, "one")
    control.write("fa-a", "v", "after")
    control.advance(MINUTE)

    b.volume("restored", source=flasharray.Reference(name=f"{snapshot}.v"))

    assert control.markers("fa-b", "restored") == ["before"]
    assert control.markers("fa-b", f"{snapshot}.v") == ["before"]
    assert control.markers("fa-a", "v") == ["before", "after"]


def test_all_volumes_of_a_group_are_of_one_moment(a: Asking, b: Asking, control: Control) -> None:
    protect(a, b, "data", "log")
    for number in range(3):
        control.write("fa-a", "log", f"begin {number}")
        control.write("fa-a", "data", f"{number}")
        if number == 1:
            snapshot = replicate(a, "one")
    control.advance(MINUTE)

    assert control.markers("fa-b", f"{snapshot}.log") == ["begin 0", "begin 1"]
    assert control.markers("fa-b", f"{snapshot}.data") == ["0", "1"]


def test_a_replica_tells_the_moment_it_shows(a: Asking, b: Asking, control: Control) -> None:
    protect(a, b, "v")
    control.set_link(lag=30)
    taken = control.time()
    snapshot = replicate(a, "one")
    control.advance(HOUR)

    (found,) = b.ask("get_protection_group_snapshots", names=[snapshot])
    (member,) = b.ask("get_volume_snapshots", filter=f"name='{snapshot}.*'")

    assert found.created == member.created == int(taken * 1000)
    assert member.source.name == "fa-a:v"
    assert transfer(b, snapshot).completed > found.created


def test_an_incomplete_replica_is_seen_but_cannot_be_used(
    a: Asking, b: Asking, control: Control
) -> None:
    protect(a, b, "v")
    control.write("fa-a", "v", "much", bytes=9 * MIB)
    snapshot = replicate(a, "one")
    control.advance(5)

    assert snapshot in b.names("get_protection_group_snapshots", names=["fa-a:pg"])
    under_way = transfer(b, snapshot)
    assert under_way.progress == pytest.approx(0.5)
    assert under_way.data_transferred == 5 * MIB
    assert not hasattr(under_way, "completed")
    source = flasharray.VolumePost(source=flasharray.Reference(name=f"{snapshot}.v"))
    assert "not been replicated completely" in b.refused(
        "post_volumes", names=["restored"], volume=source
    )

    control.advance(5)
    arrived = transfer(b, snapshot)
    assert arrived.progress == 1.0
    assert arrived.completed - arrived.started == 10_000
    b.ask("post_volumes", names=["restored"], volume=source)


def test_progress_is_never_whole_before_the_end(a: Asking, b: Asking, control: Control) -> None:
    protect(a, b, "v")
    control.write("fa-a", "v", "much", bytes=9999 * MIB)
    snapshot = replicate(a, "one")
    control.advance(9999.999)
    assert transfer(b, snapshot).progress < 1.0
    assert complete(b) == []
    control.advance(0.001)
    assert complete(b) == [snapshot]


def test_only_what_is_new_is_sent(a: Asking, b: Asking, control: Control) -> None:
    protect(a, b, "v")
    control.write("fa-a", "v", "first", bytes=20 * MIB)
    replicate(a, "one")
    control.advance(HOUR)
    control.write("fa-a", "v", "second", bytes=3 * MIB)
    replicate(a, "two")
    control.advance(HOUR)

    assert [each["total"] for each in control.transfers("fa-b")] == [21 * MIB, 3 * MIB]


def test_a_link_that_is_down_holds_the_transfer_still(
    a: Asking, b: Asking, control: Control
) -> None:
    protect(a, b, "v")
    control.write("fa-a", "v", "much", bytes=9 * MIB)
    snapshot = replicate(a, "one")
    control.advance(4)
    control.link_down("fa-a", "fa-b")
    control.advance(HOUR)

    assert transfer(b, snapshot).progress == pytest.approx(0.4)
    assert a.ask("get_array_connections")[0].status == "connecting"

    control.link_up("fa-a", "fa-b")
    assert a.ask("get_array_connections")[0].status == "connected"
    control.advance(6)
    assert transfer(b, snapshot).progress == 1.0


def test_when_the_source_is_gone_what_is_complete_remains(
    a: Asking, b: Asking, control: Control
) -> None:
    protect(a, b, "v")
    control.write("fa-a", "v", "safe")
    first = replicate(a, "one")
    control.advance(MINUTE)
    control.write("fa-a", "v", "on its way", bytes=10 * MIB)
    second = replicate(a, "two")
    control.advance(5)
    control.array_down("fa-a")
    control.advance(DAY)

    assert complete(b) == [first]
    assert transfer(b, second).progress == pytest.approx(0.5)
    b.volume("restored", source=flasharray.Reference(name=f"{first}.v"))
    assert control.markers("fa-b", "restored") == ["safe"]

    control.array_up("fa-a")
    control.advance(MINUTE)
    assert complete(b) == [first, second]


def test_disallowing_discards_what_is_incomplete(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    first = replicate(a, "one")
    control.advance(MINUTE)
    control.write("fa-a", "v", "much", bytes=10 * MIB)
    replicate(a, "two")
    control.advance(5)

    allow(b, there, False)

    assert b.names("get_protection_group_snapshots", names=[there]) == [first]
    assert "No target allows" in a.refused(
        "post_protection_group_snapshots", source_names=["pg"], replicate_now=True
    )
    assert a.ask("get_protection_groups_targets", group_names=["pg"])[0].allowed is False


def test_a_removed_target_keeps_what_is_complete(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    snapshot = replicate(a, "one")
    control.advance(MINUTE)
    a.ask("delete_protection_groups_targets", group_names=["pg"], member_names=["fa-b"])

    assert b.names("get_protection_group_snapshots", names=[there]) == [snapshot]
    assert a.ask("get_protection_groups", names=["pg"])[0].target_count == 0


def test_a_removed_target_without_snapshots_leaves_nothing(a: Asking, b: Asking) -> None:
    there = protect(a, b, "v")
    a.ask("delete_protection_groups_targets", group_names=["pg"], member_names=["fa-b"])
    assert "does not exist" in b.refused("get_protection_groups", names=[there])


def test_the_group_shows_at_its_target_at_once(a: Asking, b: Asking) -> None:
    there = protect(a, b, "v")
    (group,) = b.ask("get_protection_groups", names=[there])
    (member,) = b.ask("get_protection_groups_volumes", group_names=[there])
    assert group.is_local is False
    assert group.source.name == "fa-a"
    assert member.member.name == "fa-a:v"
    assert "already allowed on" in b.refused(
        "patch_protection_groups_targets",
        group_names=[there],
        target=flasharray.TargetProtectionGroupPostPatch(allowed=True),
    )


def test_only_the_target_may_allow(a: Asking, b: Asking) -> None:
    protect(a, b, "v")
    assert "Only a target" in a.refused(
        "patch_protection_groups_targets",
        group_names=["pg"],
        target=flasharray.TargetProtectionGroupPostPatch(allowed=True),
    )


def test_a_schedule_runs_by_the_clock(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    begin = int(control.time() * 1000)
    schedule(a, 15 * MINUTE)
    control.advance(HOUR + 1)

    snapshots = b.ask("get_protection_group_snapshots", names=[there], sort=["created"])
    assert [s.created - begin for s in snapshots] == [n * 15 * MINUTE * 1000 for n in range(5)]
    assert complete(b) == [s.name for s in snapshots]


def test_a_schedule_lets_its_turn_pass_while_nobody_allows(
    a: Asking, b: Asking, control: Control
) -> None:
    there = protect(a, b, "v")
    allow(b, there, False)
    schedule(a, 15 * MINUTE)
    control.advance(HOUR)
    assert a.ask("get_protection_group_snapshots", names=["pg"]) == []


def test_snapshots_of_a_schedule_wait_for_the_link(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    schedule(a, 15 * MINUTE)
    control.advance(1)
    control.link_down()
    control.advance(HOUR)
    assert len(a.ask("get_protection_group_snapshots", names=["pg"])) == 5
    assert len(b.ask("get_protection_group_snapshots", names=[there])) == 1

    control.link_up()
    control.advance(1)
    assert len(complete(b)) == 5


def test_retention_keeps_some_of_each_day(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    retention = flasharray.RetentionPolicy(all_for_sec=2 * HOUR, per_day=1, days=2)
    schedule(a, HOUR, target_retention=retention)
    control.advance(3 * DAY + 1)

    now = control.time() * 1000
    kept = b.ask("get_protection_group_snapshots", names=[there], destroyed=False)
    ages = sorted(int((now - snapshot.created) / HOUR / 1000) for snapshot in kept)
    assert ages[:2] == [0, 1]
    assert len(ages) in (4, 5)
    assert 24 < ages[-1] <= 50


def test_the_newest_complete_replica_outlives_its_retention(
    a: Asking, b: Asking, control: Control
) -> None:
    there = protect(a, b, "v")
    settings = flasharray.ProtectionGroup(
        target_retention=flasharray.RetentionPolicy(all_for_sec=HOUR, per_day=0, days=0)
    )
    a.ask("patch_protection_groups", names=["pg"], protection_group=settings)
    for suffix in ("one", "two"):
        replicate(a, suffix, replicate_now=True, apply_retention=True)
        control.advance(1)
    control.advance(3 * DAY)

    assert b.names("get_protection_group_snapshots", names=[there]) == [f"{there}.two"]


def test_a_snapshot_on_demand_is_not_subject_to_retention(
    a: Asking, b: Asking, control: Control
) -> None:
    protect(a, b, "v")
    snapshot = replicate(a, "kept")
    replicate(a, "newer")
    control.advance(100 * DAY)
    assert snapshot in complete(b)


def test_lag_delays_the_beginning(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    control.set_link("fa-a", "fa-b", lag=30)
    replicate(a, "one")
    control.advance(29)
    assert b.ask("get_protection_group_snapshots", names=[there]) == []
    control.advance(2)
    assert complete(b) == [f"{there}.one"]


def test_replicate_now_overtakes_what_waits(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    control.write("fa-a", "v", "much", bytes=99 * MIB)
    replicate(a, "slow", replicate=True)
    control.advance(10)
    replicate(a, "urgent", replicate_now=True)
    control.advance(100)
    assert complete(b) == [f"{there}.urgent"]
    control.advance(100)
    assert complete(b) == [f"{there}.slow", f"{there}.urgent"]


def test_groups_share_the_link(a: Asking, b: Asking, control: Control) -> None:
    protect(a, b, "v")
    protect(a, b, "w", group="other")
    for volume in ("v", "w"):
        control.write("fa-a", volume, "much", bytes=9 * MIB)
    first, second = replicate(a, "one"), replicate(a, "one", group="other")
    control.advance(10)
    assert transfer(b, first).progress == pytest.approx(0.5)
    assert transfer(b, second).progress == pytest.approx(0.5)


def test_the_way_back_overwrites_the_original(a: Asking, b: Asking, control: Control) -> None:
    """Fail over, write there, replicate back, and take it over into the volume it came from."""
    protect(a, b, "v")
    original = a.ask("get_volumes", names=["v"])[0]
    control.write("fa-a", "v", "old")
    snapshot = replicate(a, "one")
    control.write("fa-a", "v", "lost")
    control.advance(MINUTE)
    b.volume("v2", source=flasharray.Reference(name=f"{snapshot}.v"))
    control.write("fa-b", "v2", "new")
    b.ask("post_protection_groups", names=["pg"])
    b.ask("post_protection_groups_volumes", group_names=["pg"], member_names=["v2"])
    b.ask("post_protection_groups_targets", group_names=["pg"], member_names=["fa-a"])
    allow(a, "fa-b:pg")
    b.ask(
        "post_protection_group_snapshots",
        source_names=["pg"],
        replicate_now=True,
        protection_group_snapshot=flasharray.ProtectionGroupSnapshotPost(suffix="back"),
    )
    control.advance(MINUTE)

    back = flasharray.VolumePost(source=flasharray.Reference(name="fa-b:pg.back.v2"))
    a.ask("post_volumes", names=["v"], volume=back, overwrite=True)

    restored = a.ask("get_volumes", names=["v"])[0]
    assert control.markers("fa-a", "v") == ["old", "new"]
    assert (restored.id, restored.serial) == (original.id, original.serial)


def test_a_group_snapshot_keeps_the_names_of_its_time(
    a: Asking, b: Asking, control: Control
) -> None:
    there = protect(a, b, "v")
    replicate(a, "one")
    a.ask("patch_volumes", names=["v"], volume=flasharray.VolumePatch(name="renamed"))
    replicate(a, "two")
    control.advance(MINUTE)
    assert b.names("get_volume_snapshots", names=[f"{there}.*"]) == [
        f"{there}.one.v",
        f"{there}.two.renamed",
    ]


def test_a_replica_outlives_its_source(a: Asking, b: Asking, control: Control) -> None:
    there = protect(a, b, "v")
    snapshot = replicate(a, "one")
    control.advance(MINUTE)
    destroyed = flasharray.ProtectionGroup(destroyed=True)
    a.ask("patch_protection_groups", names=["pg"], protection_group=destroyed)
    control.advance(2 * DAY)

    assert "does not exist" in a.refused("get_protection_groups", names=["pg"])
    assert complete(b, there) == [snapshot]


def test_a_new_group_of_the_same_name_goes_on_where_the_old_one_was(
    a: Asking, b: Asking, control: Control
) -> None:
    there = protect(a, b, "v")
    control.replicate("fa-a", "pg")
    control.advance(MINUTE)
    destroyed = flasharray.ProtectionGroup(destroyed=True)
    a.ask("patch_protection_groups", names=["pg"], protection_group=destroyed)
    a.ask("delete_protection_groups", names=["pg"])
    protect(a, b, "w")
    suffix = control.replicate("fa-a", "pg")
    control.advance(MINUTE)
    assert suffix == "2"
    assert complete(b) == [f"{there}.1", f"{there}.2"]
