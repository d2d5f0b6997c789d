# SPDX-License-Identifier: Apache-2.0
"""Which array goes on with a pod when the two do not reach each other, and how they meet again.

Time stands still unless a test advances it.
"""

from collections.abc import Iterator

import pytest
from pair import MIB, Asking, Running
from pypureclient import flasharray

from flasharray_simulator.control import Control, ControlError

# Seconds for which a pod holds writes, and more than that.
SUSPENSION, PAST = 2, 3


@pytest.fixture(autouse=True)
def pod(a: Asking, b: Asking, control: Control) -> Iterator[None]:
    """Pod p with volume v, online on both arrays."""
    control.freeze()
    control.set_link(bandwidth=MIB)
    a.pod("p", "v")
    control.write("fa-a", "p::v", "both")
    a.stretch("p")
    control.advance(3)
    assert control.pod("fa-a", "p") == {"fa-a": "online", "fa-b": "online"}
    yield
    control.resume()


def prefer(asking: Asking, *arrays: str) -> None:
    preferences = [flasharray.Reference(name=array) for array in arrays]
    asking.ask("patch_pods", names=["p"], pod=flasharray.PodPatch(failover_preferences=preferences))


def pre_elected(asking: Asking) -> list[str]:
    return [side.name for side in asking.ask("get_pods")[0].arrays if side.pre_elected]


def test_writes_are_held_for_a_moment_when_the_link_is_lost(a: Asking, control: Control) -> None:
    control.link_down()
    assert control.pod("fa-a", "p") == {"fa-a": "suspended", "fa-b": "suspended"}
    with pytest.raises(ControlError, match="suspended on fa-a"):
        control.write("fa-a", "p::v", "held")
    control.link_up()
    assert control.pod("fa-b", "p") == {"fa-a": "online", "fa-b": "online"}
    control.advance(PAST)
    control.write("fa-b", "p::v", "as if nothing had been")


def test_the_loser_of_the_race_is_offline_and_keeps_what_it_had(
    a: Asking, b: Asking, control: Control
) -> None:
    moment = int(control.time() * 1000)
    control.link_down()
    control.advance(PAST)

    assert control.pod("fa-a", "p") == {"fa-a": "online", "fa-b": "offline"}
    assert control.pod("fa-b", "p") == {"fa-a": "unknown", "fa-b": "offline"}
    sides = b.ask("get_pods")[0].arrays
    assert (sides[1].frozen_at, sides[0].mediator_status) == (moment, "unknown")
    control.write("fa-a", "p::v", "winner's")
    with pytest.raises(ControlError, match="Pod p is offline on fa-b"):
        control.write("fa-b", "p::v", "loser's")
    assert control.markers("fa-b", "p::v") == ["both"]
    assert control.markers("fa-a", "p::v") == ["both", "winner's"]


def test_nothing_of_the_pod_is_changed_where_it_is_offline(b: Asking, control: Control) -> None:
    control.link_down()
    control.advance(PAST)
    b.ask("post_hosts", names=["h"], host=flasharray.HostPost())
    rename = flasharray.VolumePatch(name="w")
    copy = flasharray.VolumePost(source=flasharray.Reference(name="p::v"))
    clone = flasharray.PodPost(source=flasharray.Reference(name="p"))
    for said in (
        b.refused("patch_volumes", names=["p::v"], volume=rename),
        b.refused("post_volumes", names=["copy"], volume=copy),
        b.refused("post_volumes", names=["p::w"], volume=flasharray.VolumePost(provisioned=MIB)),
        b.refused("post_connections", host_names=["h"], volume_names=["p::v"]),
        b.refused(
            "post_volume_snapshots",
            source_names=["p::v"],
            volume_snapshot=flasharray.VolumeSnapshotPost(),
        ),
        b.refused("patch_pods", names=["p"], pod=flasharray.PodPatch(name="q")),
        b.refused("post_pods", names=["q"], pod=clone),
    ):
        assert said == "Pod p is offline on fa-b."
    b.volume("elsewhere")


def test_a_client_that_sets_up_again_finds_all_of_it_there(b: Asking, control: Control) -> None:
    """As Cinder does at each start, whatever state the pod is in."""
    control.link_down()
    for _ in ("suspended", "offline"):
        said = b.refused("post_pods", names=["p"], pod=flasharray.PodPost())
        assert "already exists" in said
        said = b.refused("post_pods_arrays", group_names=["p"], member_names=["fa-a"])
        assert "already exists" in said
        control.advance(PAST)


@pytest.mark.parametrize("preferred", ["fa-a", "fa-b"])
def test_the_preferred_array_wins(a: Asking, control: Control, preferred: str) -> None:
    prefer(a, preferred)
    control.link_down()
    control.advance(PAST)
    states = {array: control.pod(array, "p")[array] for array in ("fa-a", "fa-b")}
    assert states == {"fa-a": "offline", "fa-b": "offline"} | {preferred: "online"}


def test_who_does_not_reach_the_mediator_loses(a: Asking, b: Asking, control: Control) -> None:
    prefer(a, "fa-a")
    control.mediator_down("fa-a")
    assert [side.mediator_status for side in b.ask("get_pods")[0].arrays] == [
        "unreachable",
        "online",
    ]
    assert pre_elected(b) == []
    control.link_down()
    control.advance(PAST)
    assert control.pod("fa-b", "p") == {"fa-a": "offline", "fa-b": "online"}


def test_the_survivor_goes_on_when_an_array_is_lost(control: Control) -> None:
    control.write("fa-a", "p::v", "last")
    control.array_down("fa-a")
    control.advance(PAST)
    assert control.pod("fa-b", "p") == {"fa-a": "offline", "fa-b": "online"}
    assert control.markers("fa-b", "p::v") == ["both", "last"]
    control.write("fa-b", "p::v", "survivor's")


def test_the_lost_array_is_resynced_when_it_returns(b: Asking, control: Control) -> None:
    control.array_down("fa-a")
    control.advance(PAST)
    control.write("fa-b", "p::v", "meanwhile", bytes=4 * MIB)
    control.array_up("fa-a")

    assert control.pod("fa-b", "p") == {"fa-a": "resyncing", "fa-b": "online"}
    control.advance(1)
    assert b.ask("get_pods")[0].arrays[0].progress == pytest.approx(0.25)
    with pytest.raises(ControlError, match="resyncing on fa-a"):
        control.write("fa-a", "p::v", "too early")
    control.advance(3)
    assert control.pod("fa-a", "p") == {"fa-a": "online", "fa-b": "online"}
    assert control.markers("fa-a", "p::v") == ["both", "meanwhile"]


def test_a_resync_that_is_cut_off_begins_again(control: Control) -> None:
    control.link_down()
    control.advance(PAST)
    control.write("fa-a", "p::v", "meanwhile", bytes=4 * MIB)
    control.link_up()
    control.advance(1)
    control.link_down()
    control.advance(PAST)
    assert control.pod("fa-a", "p") == {"fa-a": "online", "fa-b": "offline"}
    assert control.markers("fa-b", "p::v") == ["both"]
    control.link_up()
    control.advance(3)
    assert control.pod("fa-a", "p")["fa-b"] == "resyncing"
    control.advance(1)
    assert control.pod("fa-a", "p")["fa-b"] == "online"


def test_an_array_that_is_behind_never_wins(control: Control) -> None:
    """The winner of the first race dies: the loser has the mediator, but not the data."""
    control.link_down()
    control.advance(PAST)
    control.write("fa-a", "p::v", "only here")
    control.array_down("fa-a")
    control.advance(60)
    assert control.pod("fa-b", "p") == {"fa-a": "unknown", "fa-b": "offline"}


def test_without_a_mediator_one_array_is_elected_before(a: Asking, control: Control) -> None:
    prefer(a, "fa-b")
    control.mediator_down("fa-a", "fa-b")
    assert pre_elected(a) == ["fa-b"]
    control.link_down()
    control.advance(PAST)
    assert control.pod("fa-b", "p") == {"fa-a": "offline", "fa-b": "online"}


def test_the_election_ends_when_the_mediator_is_back(a: Asking, control: Control) -> None:
    control.mediator_down("fa-a", "fa-b")
    assert pre_elected(a) == ["fa-a"]
    control.mediator_up("fa-b")
    assert pre_elected(a) == []
    control.link_down()
    control.advance(PAST)
    assert control.pod("fa-b", "p")["fa-b"] == "online"


def test_losing_the_mediator_and_then_the_elected_array_is_an_outage(
    a: Asking, b: Asking, control: Control
) -> None:
    control.mediator_down("fa-a", "fa-b")
    control.write("fa-a", "p::v", "last")
    control.array_down("fa-a")
    control.advance(PAST)
    assert control.pod("fa-b", "p") == {"fa-a": "unknown", "fa-b": "offline"}

    control.array_up("fa-a")
    assert control.pod("fa-b", "p") == {"fa-a": "online", "fa-b": "online"}
    assert control.markers("fa-b", "p::v") == ["both", "last"]


def test_an_outage_ends_when_the_mediator_is_back(control: Control) -> None:
    control.mediator_down("fa-a", "fa-b")
    control.array_down("fa-a")
    control.advance(PAST)
    control.mediator_up("fa-b")
    assert control.pod("fa-b", "p") == {"fa-a": "offline", "fa-b": "online"}


def test_an_offline_array_goes_on_only_if_it_is_forced(
    a: Asking, b: Asking, control: Control
) -> None:
    """What was written elsewhere since is not there: that is why it takes a word."""
    control.link_down()
    control.advance(PAST)
    control.write("fa-a", "p::v", "lost")
    control.array_down("fa-a")
    b.ask("post_hosts", names=["h"], host=flasharray.HostPost())
    unstretch = {"group_names": ["p"], "member_names": ["fa-a"]}
    assert "with_unknown=true" in b.refused("delete_pods_arrays", **unstretch)

    serial = b.ask("get_volumes", names=["p::v"])[0].serial
    b.ask("delete_pods_arrays", **unstretch, with_unknown=True)

    (pod,) = b.ask("get_pods")
    assert (pod.name, pod.array_count, pod.arrays[0].status) == ("p", 1, "online")
    assert b.ask("get_volumes", names=["p::v"])[0].serial == serial
    control.write("fa-b", "p::v", "alone")
    assert control.markers("fa-b", "p::v") == ["both", "alone"]

    control.array_up("fa-a")
    control.link_up()
    assert control.pod("fa-a", "p") == {"fa-a": "online"}
    assert control.markers("fa-a", "p::v") == ["both", "lost"]


def test_the_other_array_does_not_know_who_went_on_by_force(b: Asking, control: Control) -> None:
    """Both had stopped, as neither reached the mediator. One is forced to go on, not the other."""
    control.link_down()
    control.mediator_down("fa-a", "fa-b")
    control.advance(PAST)
    assert control.pod("fa-a", "p") == {"fa-a": "offline", "fa-b": "unknown"}
    b.unstretch("p", "fa-a", with_unknown=True)
    control.write("fa-b", "p::v", "alone")

    assert control.pod("fa-a", "p") == {"fa-a": "offline", "fa-b": "unknown"}
    control.mediator_up("fa-a")
    assert control.pod("fa-a", "p") == {"fa-a": "online", "fa-b": "offline"}
    control.link_up()
    assert control.pod("fa-a", "p") == {"fa-a": "online"}
    assert control.markers("fa-a", "p::v") == ["both"]
    assert control.markers("fa-b", "p::v") == ["both", "alone"]


def test_hosts_stay_connected_where_a_pod_goes_on_by_force(b: Asking, control: Control) -> None:
    b.ask("post_hosts", names=["h"], host=flasharray.HostPost())
    (before,) = b.ask("post_connections", host_names=["h"], volume_names=["p::v"])
    control.link_down()
    control.advance(PAST)
    b.unstretch("p", "fa-a", with_unknown=True)
    (after,) = b.ask("get_connections")
    assert (after.volume.name, after.lun) == ("p::v", before.lun)


def test_an_array_may_be_given_up_and_learns_of_it_later(
    a: Asking, b: Asking, control: Control
) -> None:
    control.array_down("fa-a")
    control.advance(PAST)
    b.unstretch("p", "fa-a")
    assert control.pod("fa-b", "p") == {"fa-b": "online"}
    control.write("fa-b", "p::v", "since")

    control.link_down()
    control.array_up("fa-a")
    assert control.pod("fa-a", "p") == {"fa-a": "offline", "fa-b": "unknown"}
    control.link_up()
    assert a.names("get_pods") == ["p.restretch"]
    assert control.markers("fa-a", "p.restretch::v") == ["both"]
    assert control.markers("fa-b", "p::v") == ["both", "since"]


def test_no_pod_is_left_without_an_array_that_is_up_to_date(a: Asking, control: Control) -> None:
    control.link_down()
    control.advance(PAST)
    said = a.refused("delete_pods_arrays", group_names=["p"], member_names=["fa-a"])
    assert "would be online nowhere" in said
    control.link_up()
    control.link_down()
    said = a.refused("delete_pods_arrays", group_names=["p"], member_names=["fa-b"])
    assert "suspended on fa-a. Wait for it" in said


def test_a_pod_outlives_the_process(own_simulator: Running) -> None:
    control = own_simulator.control
    a = Asking(own_simulator.client("fa-a"))
    a.pod("p", "v")
    a.stretch("p")
    control.wait_pod("fa-b", "p", "online")
    control.mediator_down("fa-a")
    control.link_down()
    control.advance(PAST)
    control.write("fa-b", "p::v", "winner's")

    own_simulator.end()
    own_simulator.start()

    assert control.pod("fa-a", "p") == {"fa-a": "offline", "fa-b": "unknown"}
    assert control.markers("fa-a", "p::v") == []
    control.link_up()
    control.wait_pod("fa-a", "p", "online")
    assert control.markers("fa-a", "p::v") == ["winner's"]
