# SPDX-License-Identifier: Apache-2.0
"""What an array refuses, so that it is found here and not in the data centre."""

from typing import Any

import pytest
from pair import MIB, Asking, Raw, Running, allow, protect
from pypureclient import flasharray

from flasharray_simulator.control import Control, ControlError

DESTROYED = flasharray.VolumePatch(destroyed=True)


@pytest.fixture
def furnished(simulator: Running, a: Asking, b: Asking) -> Raw:
    """``fa-a`` with volume v in group pg, volume gone destroyed, host h connected to v."""
    protect(a, b, "v")
    a.volume("gone")
    a.ask("patch_volumes", names=["gone"], volume=DESTROYED)
    a.ask("post_hosts", names=["h"], host=flasharray.HostPost(iqns=["iqn.2001-01.org:h"]))
    a.ask("post_connections", host_names=["h"], volume_names=["v"])
    return Raw(simulator, "fa-a")


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        # unknown parameters, unknown fields, wrong types
        ("GET", "volumes?name=v", None, "Unknown parameter: name"),
        ("POST", "volumes?names=w&overwirte=true", {"provisioned": MIB}, "overwirte"),
        ("POST", "volumes?names=w", {"provisoned": MIB}, "Unknown field: provisoned"),
        ("POST", "volumes?names=w", {"source": {"nme": "v"}}, "Unknown field: source.nme"),
        ("POST", "volumes?names=w", {"provisioned": "1G"}, "provisioned must be a whole number"),
        ("POST", "volumes?names=w", {"provisioned": True}, "provisioned must be a whole number"),
        ("POST", "volumes?names=w", [], "must be an object"),
        ("PATCH", "volumes?names=v", {"destroyed": "yes"}, "destroyed must be true or false"),
        ("POST", "protection-groups?names=w", {"name": "w"}, "takes no body"),
        ("GET", "volumes?destroyed=yes", None, "must be true or false"),
        ("GET", "volumes?limit=many", None, "must be a whole number"),
        ("GET", "volumes?names=v&names=w", None, "given twice"),
        ("GET", "volumes?names=v&ids=1", None, "exclude each other"),
        ("GET", "volumes?continuation_token=x", None, "Continuation token is invalid"),
        ("POST", "volumes", {"provisioned": MIB}, "Missing required parameter: names"),
        ("PATCH", "volumes", {"destroyed": True}, "names or ids"),
        # names
        ("POST", "volumes?names=-w", {"provisioned": MIB}, "name is invalid"),
        ("POST", "volumes?names=a.b", {"provisioned": MIB}, "name is invalid"),
        ("POST", f"volumes?names={'x' * 64}", {"provisioned": MIB}, "name is invalid"),
        ("POST", "volumes?names=V", {"provisioned": MIB}, "already exists"),
        ("POST", "volumes?names=none/w", {"provisioned": MIB}, "Volume group does not exist"),
        ("PATCH", "volumes?names=v", {"name": "a b"}, "name is invalid"),
        ("POST", "volume-snapshots?source_names=v", {"suffix": "a.b"}, "suffix is invalid"),
        # sizes and times
        ("POST", "volumes?names=w", {}, "Give the size"),
        ("POST", "volumes?names=w", {"provisioned": 1000}, "multiple of 512"),
        ("PATCH", "volumes?names=v", {"provisioned": MIB}, "truncate=true"),
        (
            "PATCH",
            "protection-groups?names=pg",
            {"replication_schedule": {"frequency": 900}},
            "frequency must be at least 300000 milliseconds",
        ),
        (
            "PATCH",
            "protection-groups?names=pg",
            {"target_retention": {"all_for_sec": 5}},
            "all_for_sec must be between",
        ),
        # what is destroyed
        ("POST", "volumes?names=gone", {"provisioned": MIB}, "Recover or eradicate it first"),
        ("PATCH", "volumes?names=gone", {"name": "w"}, "has been destroyed"),
        ("PATCH", "volumes?names=gone", {"destroyed": True}, "has been destroyed"),
        ("GET", "volumes?names=gone&destroyed=false", None, "has been destroyed"),
        ("GET", "volumes?names=v&destroyed=true", None, "is not destroyed"),
        ("DELETE", "volumes?names=v", None, "is not destroyed"),
        ("POST", "volumes?names=w", {"source": {"name": "gone"}}, "has been destroyed"),
        ("POST", "volumes?names=w", {"source": {"name": "x"}}, "No such volume or snapshot"),
        ("POST", "volume-snapshots?source_names=gone", None, "has been destroyed"),
        ("POST", "connections?host_names=h&volume_names=gone", None, "has been destroyed"),
        # what is in use
        ("PATCH", "volumes?names=v", {"destroyed": True}, "is connected to h"),
        ("DELETE", "hosts?names=h", None, "cannot be deleted due to existing connections"),
        ("POST", "hosts?names=i", {"iqns": ["IQN.2001-01.org:h"]}, "already in use"),
        ("POST", "connections?host_names=h&volume_names=v", None, "already exists"),
        ("POST", "connections?host_names=i&volume_names=v", None, "Host does not exist"),
        ("DELETE", "connections?host_names=h&volume_names=gone", None, "does not exist"),
        # groups
        ("POST", "protection-groups?names=pg", None, "already exists"),
        (
            "POST",
            "protection-groups/targets?group_names=pg&member_names=fa-b",
            None,
            "already includes",
        ),
        (
            "POST",
            "protection-groups/targets?group_names=pg&member_names=fa-c",
            None,
            "is not connected to fa-c",
        ),
        (
            "DELETE",
            "protection-groups/volumes?group_names=pg&member_names=gone",
            None,
            "could not be found",
        ),
        (
            "POST",
            "protection-group-snapshots?source_names=pg&replicate=true&replicate_now=true",
            None,
            "exclude each other",
        ),
        ("GET", "protection-group-snapshots?names=none", None, "does not exist"),
        # overwriting
        ("POST", "volumes?names=v&overwrite=true", {"provisioned": MIB}, "needs a source"),
        (
            "POST",
            "volumes?names=w",
            {"provisioned": MIB, "source": {"name": "v"}},
            "Resize it afterwards",
        ),
    ],
)
def test_it_is_refused_in_words(
    furnished: Raw, method: str, path: str, body: Any, said: str
) -> None:
    status, answer = furnished.send(method, path, body)
    assert status == 400, answer
    assert said in answer["errors"][0]["message"]


def test_nothing_is_done_of_what_is_refused(a: Asking) -> None:
    size = flasharray.VolumePost(provisioned=MIB)
    assert "invalid" in a.refused("post_volumes", names=["good", "b.a.d"], volume=size)
    assert a.ask("get_volumes") == []


def test_an_error_names_the_thing(a: Asking) -> None:
    response = a.client.get_volumes(names=["absent"])
    assert response.errors[0].context == "absent"
    assert response.errors[0].message == "Volume does not exist."


def test_a_group_is_changed_only_at_its_source(a: Asking, b: Asking) -> None:
    there = protect(a, b, "v")
    off = flasharray.ProtectionGroup(
        replication_schedule=flasharray.ReplicationSchedule(enabled=False)
    )
    assert "must be changed on fa-a" in b.refused(
        "patch_protection_groups", names=[there], protection_group=off
    )
    assert "are made on fa-a" in b.refused("post_protection_group_snapshots", source_names=[there])


def test_a_destroyed_volume_can_be_recovered_for_a_day(a: Asking, control: Control) -> None:
    a.volume("v")
    control.write("fa-a", "v", "kept")
    a.snapshot("v")
    a.ask("patch_volumes", names=["v"], volume=DESTROYED)
    control.advance(3600)
    assert a.ask("get_volumes", names=["v"])[0].time_remaining < 24 * 3600 * 1000
    assert a.ask("get_volume_snapshots")[0].destroyed is True

    a.ask("patch_volumes", names=["v"], volume=flasharray.VolumePatch(destroyed=False))
    assert control.markers("fa-a", "v") == ["kept"]
    assert a.ask("get_volume_snapshots")[0].destroyed is False

    a.ask("patch_volumes", names=["v"], volume=DESTROYED)
    control.advance(25 * 3600)
    assert a.ask("get_volumes") == []
    assert a.ask("get_volume_snapshots") == []


def test_an_eradicated_name_is_free(a: Asking) -> None:
    first = a.volume("v")
    a.ask("patch_volumes", names=["v"], volume=DESTROYED)
    a.ask("delete_volumes", names=["v"])
    assert a.volume("v").serial != first.serial


def test_a_demoted_volume_takes_no_writes(a: Asking, control: Control) -> None:
    a.volume("v")
    demoted = flasharray.VolumePatch(requested_promotion_state="demoted")
    a.ask("patch_volumes", names=["v"], volume=demoted)
    with pytest.raises(ControlError, match="demoted"):
        control.write("fa-a", "v", "too late")


def test_renaming_a_volume_renames_its_snapshots(a: Asking) -> None:
    a.volume("v")
    a.snapshot("v", suffix="s")
    a.ask("patch_volumes", names=["v"], volume=flasharray.VolumePatch(name="w"))
    assert a.names("get_volume_snapshots") == ["w.s"]


def test_a_volume_moves_into_a_group_of_volumes_and_out(a: Asking) -> None:
    a.volume("v")
    a.ask("post_volume_groups", names=["vg"], volume_group=flasharray.VolumeGroupPost())
    for container, name in (("vg", "vg/v"), ("", "v")):
        a.ask(
            "patch_volumes",
            names=a.names("get_volumes"),
            volume=flasharray.VolumePatch(volume_group=flasharray.Reference(name=container)),
        )
        assert a.names("get_volumes") == [name]


def test_a_volume_is_not_recovered_into_a_destroyed_group(a: Asking, control: Control) -> None:
    a.ask("post_volume_groups", names=["vg"], volume_group=flasharray.VolumeGroupPost())
    a.volume("vg/v")
    gone = flasharray.VolumeGroup(destroyed=True)
    assert "still has volumes" in a.refused("patch_volume_groups", names=["vg"], volume_group=gone)
    a.ask("patch_volumes", names=["vg/v"], volume=DESTROYED)
    a.ask("patch_volume_groups", names=["vg"], volume_group=gone)
    assert "Recover it first" in a.refused(
        "patch_volumes", names=["vg/v"], volume=flasharray.VolumePatch(destroyed=False)
    )
    control.advance(25 * 3600)
    assert a.ask("get_volume_groups") == []


def test_a_group_that_is_replicated_here_is_not_destroyed_here(a: Asking, b: Asking) -> None:
    there = protect(a, b, "v")
    gone = flasharray.ProtectionGroup(destroyed=True)
    assert "Disallow it first" in b.refused(
        "patch_protection_groups", names=[there], protection_group=gone
    )
    allow(b, there, False)
    b.ask("patch_protection_groups", names=[there], protection_group=gone)
    assert "has been destroyed" in b.refused(
        "patch_protection_groups_targets",
        group_names=[there],
        target=flasharray.TargetProtectionGroupPostPatch(allowed=True),
    )


def test_tags_are_of_a_volume_and_a_namespace(a: Asking) -> None:
    a.volume("v")
    tag = flasharray.TagBatch if hasattr(flasharray, "TagBatch") else flasharray.Tag
    tags = [tag(key="team", value="red", namespace="ours", copyable=False)]
    a.ask("put_volumes_tags_batch", resource_names=["v"], tag=tags)
    (found,) = a.ask("get_volumes_tags", resource_names=["v"], namespaces=["ours"])
    assert (found.key, found.value, found.resource.name) == ("team", "red", "v")
    a.ask("delete_volumes_tags", resource_names=["v"], namespaces=["ours"])
    assert a.ask("get_volumes_tags", resource_names=["v"], namespaces=["ours"]) == []
