# SPDX-License-Identifier: Apache-2.0
"""Pods on one array and on two: what is in them, where it can be seen, and how it moves."""

from typing import Any

import pytest
from pair import MIB, Asking, Raw, Running
from pypureclient import flasharray

from flasharray_simulator.control import Control, ControlError

GONE = flasharray.PodPatch(destroyed=True)


@pytest.fixture
def stretched(a: Asking, b: Asking, control: Control) -> None:
    """Pod p with volumes data and log in group pg, on both arrays."""
    a.pod("p", "data", "log")
    a.ask("post_protection_groups", names=["p::pg"])
    a.ask(
        "post_protection_groups_volumes",
        group_names=["p::pg"],
        member_names=["p::data", "p::log"],
    )
    control.write("fa-a", "p::data", "early")
    a.stretch("p")
    control.wait_pod("fa-b", "p", "online")


def move(asking: Asking, volume: str, pod: str, **options: Any) -> None:
    to = flasharray.VolumePatch(pod=flasharray.Reference(name=pod))
    asking.ask("patch_volumes", names=[volume], volume=to, **options)


def moving_is_refused(asking: Asking, volume: str, pod: str) -> str:
    to = flasharray.VolumePatch(pod=flasharray.Reference(name=pod))
    return asking.refused("patch_volumes", names=[volume], volume=to)


# -- on one array ----------------------------------------------------------------------------------


def test_a_pod_is_of_one_array_until_it_is_stretched(a: Asking, b: Asking) -> None:
    pod = a.pod("p", "v")
    assert (pod.array_count, [side.name for side in pod.arrays]) == (1, ["fa-a"])
    assert (pod.arrays[0].status, pod.mediator) == ("online", "purestorage")
    assert a.ask("get_volumes", filter="pod.name='p'")[0].name == "p::v"
    assert b.ask("get_pods") == b.ask("get_volumes") == []
    b.pod("p", "v")
    assert "Pod already exists" in a.refused("post_pods", names=["p"], pod=flasharray.PodPost())


def test_snapshots_and_groups_of_a_pod_bear_its_name(a: Asking) -> None:
    a.pod("p", "v")
    a.snapshot("p::v", suffix="s")
    a.ask("post_protection_groups", names=["p::pg"])
    a.ask("post_protection_groups_volumes", group_names=["p::pg"], member_names=["p::v"])
    new = flasharray.ProtectionGroupSnapshotPost(suffix="one")
    a.ask("post_protection_group_snapshots", source_names=["p::pg"], protection_group_snapshot=new)
    assert a.names("get_volume_snapshots") == ["p::pg.one.v", "p::v.s"]
    (group,) = a.ask("get_protection_groups")
    assert (group.pod.name, group.source.name, group.is_local) == ("p", "p", True)

    a.ask("patch_pods", names=["p"], pod=flasharray.PodPatch(name="q"))
    assert a.names("get_volume_snapshots") == ["q::pg.one.v", "q::v.s"]
    assert a.names("get_volumes") == ["q::v"]
    assert a.names("get_protection_group_snapshots", names=["q::pg"]) == ["q::pg.one"]


def test_a_volume_moves_into_a_pod_and_out_and_remains_itself(a: Asking, control: Control) -> None:
    a.pod("p")
    a.pod("q")
    before = a.volume("v")
    a.snapshot("v", suffix="s")
    control.write("fa-a", "v", "kept")
    for pod, name in (("p", "p::v"), ("q", "q::v"), ("", "v")):
        move(a, a.names("get_volumes")[0], pod)
        (now,) = a.ask("get_volumes")
        assert (now.name, now.id, now.serial) == (name, before.id, before.serial)
        assert a.names("get_volume_snapshots") == [f"{name}.s"]
        assert control.markers("fa-a", name) == ["kept"]


def test_a_volume_leaves_its_groups_before_it_moves(a: Asking) -> None:
    a.pod("p")
    a.volume("v")
    a.ask("post_protection_groups", names=["pg"])
    a.ask("post_protection_groups_volumes", group_names=["pg"], member_names=["v"])
    assert "belongs to pg" in moving_is_refused(a, "v", "p")
    move(a, "v", "p", remove_from_protection_group_names=["pg"])
    assert "not in the same pod" in a.refused(
        "post_protection_groups_volumes", group_names=["pg"], member_names=["p::v"]
    )


def test_renaming_keeps_the_pod(a: Asking) -> None:
    a.pod("p", "v")
    for name, then in (("w", "p::w"), ("p::x", "p::x")):
        new = flasharray.VolumePatch(name=name)
        a.ask("patch_volumes", names=a.names("get_volumes"), volume=new)
        assert a.names("get_volumes") == [then]
    elsewhere = flasharray.VolumePatch(name="q::x")
    assert "Change its pod" in a.refused("patch_volumes", names=["p::x"], volume=elsewhere)


def test_a_clone_has_the_volumes_under_new_serials(a: Asking, control: Control) -> None:
    a.pod("p", "v", "gone")
    a.ask("patch_volumes", names=["p::gone"], volume=flasharray.VolumePatch(destroyed=True))
    control.write("fa-a", "p::v", "cloned")
    a.ask("post_protection_groups", names=["p::pg"])
    a.ask("post_protection_groups_volumes", group_names=["p::pg"], member_names=["p::v"])

    clone = a.pod("q", source=flasharray.Reference(name="p"))

    assert clone.source.name == "p"
    assert a.names("get_volumes", filter="pod.name='q'") == ["q::v"]
    assert control.markers("fa-a", "q::v") == ["cloned"]
    (row,) = a.ask("get_protection_groups_volumes", group_names=["q::pg"])
    assert row.member["name"] == "q::v"
    assert len({volume.serial for volume in a.ask("get_volumes")}) == 3


def test_a_pod_is_destroyed_with_its_contents_or_empty(a: Asking, control: Control) -> None:
    a.pod("p", "v")
    control.write("fa-a", "p::v", "kept")
    assert "destroy_contents=true" in a.refused("patch_pods", names=["p"], pod=GONE)
    a.ask("patch_pods", names=["p"], pod=GONE, destroy_contents=True)
    assert a.ask("get_volumes")[0].destroyed is True
    assert "Recover or eradicate it first" in a.refused(
        "post_pods", names=["p"], pod=flasharray.PodPost()
    )
    back = flasharray.VolumePatch(destroyed=False)
    assert "Pod p has been destroyed" in a.refused("patch_volumes", names=["p::v"], volume=back)

    a.ask("patch_pods", names=["p"], pod=flasharray.PodPatch(destroyed=False))
    assert control.markers("fa-a", "p::v") == ["kept"]
    assert a.ask("get_volumes")[0].destroyed is False

    a.ask("patch_pods", names=["p"], pod=GONE, destroy_contents=True)
    assert "eradicate_contents=true" in a.refused("delete_pods", names=["p"])
    a.ask("delete_pods", names=["p"], eradicate_contents=True)
    assert a.ask("get_pods") == a.ask("get_volumes") == []


def test_a_destroyed_pod_is_eradicated_after_a_day(a: Asking, control: Control) -> None:
    a.pod("p", "v")
    a.snapshot("p::v")
    a.ask("patch_pods", names=["p"], pod=GONE, destroy_contents=True)
    control.advance(25 * 3600)
    assert a.ask("get_pods") == a.ask("get_volumes") == a.ask("get_volume_snapshots") == []


def test_pods_have_no_default_protections(a: Asking) -> None:
    a.pod("p")
    (row,) = a.ask("get_container_default_protections", names=["p"])
    assert (row.type, row.default_protections) == ("pod", [])
    assert [row.type for row in a.ask("get_container_default_protections")] == ["array", "pod"]


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", "pods?names=x", None, "Pod does not exist"),
        ("POST", "pods?names=a.b", {}, "Pod name is invalid"),
        ("POST", "pods?names=q", {"quota_limit": MIB}, "Unknown field: quota_limit"),
        ("POST", "pods?names=q", {"source": {"name": "x"}}, "Pod does not exist"),
        ("POST", "volumes?names=x::v", {"provisioned": MIB}, "Pod does not exist"),
        ("POST", "volumes?names=p::v", {"provisioned": MIB}, "already exists"),
        ("POST", "volumes?names=p::vg/w", {"provisioned": MIB}, "not simulated"),
        ("POST", "protection-groups?names=x::pg", None, "Pod does not exist"),
        ("PATCH", "pods?names=p", {"requested_promotion_state": "demoted"}, "Unknown field"),
        ("PATCH", "pods?names=p", {"failover_preferences": [{"name": "fa-c"}]}, "fa-c"),
        ("PATCH", "volumes?names=p::v", {"volume_group": {"name": "vg"}}, "not simulated"),
        ("DELETE", "pods?names=p", None, "is not destroyed"),
        ("POST", "pods/arrays?group_names=p&member_names=fa-c", None, "not connected to fa-c"),
        ("POST", "pods/arrays?group_names=p&member_names=fa-a", None, "already exists on fa-a"),
        ("DELETE", "pods/arrays?group_names=p&member_names=fa-b", None, "does not exist on fa-b"),
        ("DELETE", "pods/arrays?group_names=p&member_names=fa-a", None, "does not exist on fa-a"),
        (
            "POST",
            "protection-groups/targets?group_names=p::pg&member_names=fa-b",
            None,
            "not simulated",
        ),
    ],
)
def test_it_is_refused_in_words(
    simulator: Running, a: Asking, method: str, path: str, body: Any, said: str
) -> None:
    a.pod("p", "v")
    a.ask("post_protection_groups", names=["p::pg"])
    status, answer = Raw(simulator, "fa-a").send(method, path, body)
    assert status == 400, answer
    assert said in answer["errors"][0]["message"]


# -- on two arrays ---------------------------------------------------------------------------------


def test_a_stretched_volume_is_one_volume_on_both(
    stretched: None, a: Asking, b: Asking, control: Control
) -> None:
    here, there = (each.ask("get_volumes", names=["p::data"])[0] for each in (a, b))
    assert (here.id, here.serial) == (there.id, there.serial)
    control.write("fa-b", "p::data", "from b")
    control.write("fa-a", "p::data", "from a")
    for array in ("fa-a", "fa-b"):
        assert control.markers(array, "p::data") == ["early", "from b", "from a"]
    b.volume("p::new")
    assert a.names("get_volumes") == ["p::data", "p::log", "p::new"]
    assert a.names("get_protection_groups") == b.names("get_protection_groups") == ["p::pg"]


def test_both_arrays_tell_where_the_pod_is(
    stretched: None, simulator: Running, a: Asking, b: Asking
) -> None:
    for asking in (a, b):
        (pod,) = asking.ask("get_pods")
        assert (pod.array_count, pod.promotion_status) == (2, "promoted")
        assert [(s.name, s.status, s.mediator_status, s.pre_elected) for s in pod.arrays] == [
            ("fa-a", "online", "online", False),
            ("fa-b", "online", "online", False),
        ]
        rows = asking.ask("get_pods_arrays", group_names=["p"])
        assert [row.member.name for row in rows] == ["fa-a", "fa-b"]
        rows = asking.ask("get_pods_members", pod_names=["p"])
        assert [(row.pod.name, row.member.name) for row in rows] == [("p", "fa-a"), ("p", "fa-b")]
    assert a.ask("get_array_connections")[0].type == "sync-replication"


def test_members_are_the_newer_word_for_arrays(a: Asking, b: Asking) -> None:
    a.pod("p")
    a.ask("post_pods_members", pod_names=["p"], member_names=["fa-b"])
    assert b.names("get_pods") == ["p"]
    a.ask("delete_pods_members", pod_names=["p"], member_names=["fa-b"])
    assert b.names("get_pods", destroyed=False) == []


def test_stretching_takes_its_time(a: Asking, b: Asking, control: Control) -> None:
    control.freeze()
    control.set_link(bandwidth=MIB)
    a.pod("p", "v")
    control.write("fa-a", "p::v", "much", bytes=9 * MIB)
    a.stretch("p")
    control.advance(4)

    (pod,) = b.ask("get_pods")
    assert [(side.name, side.status) for side in pod.arrays] == [
        ("fa-a", "online"),
        ("fa-b", "resyncing"),
    ]
    assert pod.arrays[1].progress == pytest.approx(0.4)
    assert control.markers("fa-b", "p::v") == []
    with pytest.raises(ControlError, match="Pod p is resyncing on fa-b"):
        control.write("fa-b", "p::v", "too early")

    control.write("fa-a", "p::v", "meanwhile")
    control.advance(7)
    assert control.pod("fa-b", "p") == {"fa-a": "online", "fa-b": "online"}
    assert control.markers("fa-b", "p::v") == ["much", "meanwhile"]
    control.resume()


def test_each_array_has_hosts_and_connections_of_its_own(
    stretched: None, a: Asking, b: Asking
) -> None:
    for asking, name in ((a, "one"), (b, "two")):
        host = flasharray.HostPost(iqns=["iqn.2001-01.org:h"])
        asking.ask("post_hosts", names=[name], host=host)
    a.ask("post_connections", host_names=["one"], volume_names=["p::data"])

    assert a.names("get_hosts", filter="iqns='iqn.2001-01.org:h' and is_local") == ["one"]
    assert a.names("get_hosts", filter="not is_local") == ["fa-b:two"]
    assert b.names("get_hosts", names=["fa-a:one"]) == ["fa-a:one"]
    assert [each.ask("get_volumes", names=["p::data"])[0].connection_count for each in (a, b)] == [
        1,
        0,
    ]
    assert b.ask("get_connections") == []
    assert "Host does not exist" in b.refused("delete_hosts", names=["fa-a:one"])
    gone = flasharray.VolumePatch(destroyed=True)
    assert "connected to one" in b.refused("patch_volumes", names=["p::data"], volume=gone)


def test_nothing_moves_into_or_out_of_a_stretched_pod(stretched: None, a: Asking) -> None:
    a.volume("v")
    a.pod("single", "w")
    for volume, pod in (("v", "p"), ("single::w", "p"), ("p::data", ""), ("p::data", "single")):
        assert "pod p, which is stretched" in moving_is_refused(a, volume, pod)


def test_a_volume_moves_between_pods_on_the_same_arrays(
    a: Asking, b: Asking, control: Control
) -> None:
    """The way of Cinder's retype: through a pod that is stretched, emptied and destroyed."""
    volume = a.volume("v")
    a.pod("p")
    a.stretch("p")
    a.pod("ghost")
    move(a, "v", "ghost")
    a.stretch("ghost")
    control.wait_pod("fa-a", "ghost", "online")
    move(a, "ghost::v", "p")
    a.unstretch("ghost", "fa-b")
    a.ask("patch_pods", names=["ghost"], pod=GONE, destroy_contents=True)
    a.ask("delete_pods", names=["ghost"], eradicate_contents=True)

    assert b.ask("get_volumes", names=["p::v"])[0].serial == volume.serial
    assert a.names("get_pods") == ["p"]


def test_a_copy_out_of_a_stretched_pod_is_of_its_array(
    stretched: None, a: Asking, b: Asking, control: Control
) -> None:
    b.volume("copy", source=flasharray.Reference(name="p::data"))
    control.write("fa-a", "p::data", "later")
    assert control.markers("fa-b", "copy") == ["early"]
    assert "copy" not in a.names("get_volumes")


def test_unstretching_leaves_what_was_there_destroyed(
    stretched: None, a: Asking, b: Asking, control: Control
) -> None:
    volume = b.ask("get_volumes", names=["p::data"])[0]
    a.unstretch("p", "fa-b")
    control.write("fa-a", "p::data", "later")

    assert a.ask("get_pods")[0].array_count == 1
    (remains,) = b.ask("get_pods")
    assert (remains.name, remains.destroyed) == ("p.restretch", True)
    assert control.markers("fa-b", "p.restretch::data") == ["early"]
    left = b.ask("get_volumes", names=["p.restretch::data"])[0]
    assert (left.serial, left.destroyed) == (volume.serial, True)
    back = flasharray.PodPatch(destroyed=False)
    assert "can only be cloned" in b.refused("patch_pods", names=["p.restretch"], pod=back)

    b.pod("q", source=flasharray.Reference(name="p.restretch"))
    assert control.markers("fa-b", "q::data") == ["early"]
    b.ask("delete_pods", names=["p.restretch"])
    assert b.names("get_pods") == ["q"]


def test_the_pod_may_stay_at_the_other_array(
    stretched: None, a: Asking, b: Asking, control: Control
) -> None:
    """Then what was in it can be moved out there, and is still the same volume."""
    volume = a.ask("get_volumes", names=["p::data"])[0]
    b.unstretch("p", "fa-a")
    assert a.names("get_pods") == ["p.restretch"]
    move(b, "p::data", "", remove_from_protection_group_names=["p::pg"])
    assert b.ask("get_volumes", names=["data"])[0].serial == volume.serial
    assert control.markers("fa-b", "data") == ["early"]


def test_a_pod_also_leaves_the_array_that_is_asked(stretched: None, a: Asking, b: Asking) -> None:
    a.unstretch("p", "fa-a")
    assert a.names("get_pods", destroyed=False) == []
    assert b.names("get_pods", destroyed=False) == ["p"]


def test_stretching_again_sends_only_what_is_new(a: Asking, b: Asking, control: Control) -> None:
    control.freeze()
    control.set_link(bandwidth=MIB)
    a.pod("p", "v")
    control.write("fa-a", "p::v", "much", bytes=9 * MIB)
    a.stretch("p")
    control.advance(10)
    a.unstretch("p", "fa-b")
    control.write("fa-a", "p::v", "new", bytes=2 * MIB)
    a.stretch("p")
    control.advance(1)
    assert b.ask("get_pods")[0].arrays[1].progress == pytest.approx(0.5)
    control.advance(1)
    assert control.pod("fa-b", "p")["fa-b"] == "online"
    assert b.names("get_pods") == ["p"]
    control.resume()


def test_unstretching_disconnects_the_hosts_of_the_array_that_loses_it(
    stretched: None, a: Asking, b: Asking
) -> None:
    b.ask("post_hosts", names=["h"], host=flasharray.HostPost(iqns=["iqn.2001-01.org:h"]))
    b.ask("post_connections", host_names=["h"], volume_names=["p::data"])
    a.unstretch("p", "fa-b")
    assert b.ask("get_connections") == []
    b.ask("delete_hosts", names=["h"])


def test_what_a_stretched_pod_refuses(stretched: None, a: Asking, b: Asking) -> None:
    assert "Unstretch it first" in a.refused(
        "patch_pods", names=["p"], pod=GONE, destroy_contents=True
    )
    assert "already exists on fa-b" in a.refused(
        "post_pods_arrays", group_names=["p"], member_names=["fa-b"]
    )
    b.pod("q")
    a.pod("q")
    assert "Array fa-b has another pod named q" in a.refused(
        "post_pods_arrays", group_names=["q"], member_names=["fa-b"]
    )
    taken = flasharray.PodPatch(name="q")
    assert "Pod already exists" in a.refused("patch_pods", names=["p"], pod=taken)


def test_a_group_of_a_stretched_pod_freezes_all_at_one_moment(
    stretched: None, a: Asking, b: Asking, control: Control
) -> None:
    control.write("fa-a", "p::log", "begin")
    new = flasharray.ProtectionGroupSnapshotPost(suffix="one")
    b.ask("post_protection_group_snapshots", source_names=["p::pg"], protection_group_snapshot=new)
    control.write("fa-a", "p::log", "end")
    for array in ("fa-a", "fa-b"):
        assert control.markers(array, "p::pg.one.log") == ["begin"]
        assert control.markers(array, "p::pg.one.data") == ["early"]


def test_a_schedule_runs_in_a_pod(stretched: None, a: Asking, b: Asking, control: Control) -> None:
    hourly = flasharray.ProtectionGroup(
        snapshot_schedule=flasharray.SnapshotSchedule(enabled=True, frequency=3_600_000)
    )
    a.ask("patch_protection_groups", names=["p::pg"], protection_group=hourly)
    control.advance(3601)
    assert b.names("get_protection_group_snapshots") == ["p::pg.1", "p::pg.2"]
