# SPDX-License-Identifier: Apache-2.0
"""A server that cannot be protected is refused with all the reasons."""

import dataclasses

import pytest

from protector import errors
from protector.cloud.fake import FakeCloud
from protector.engine import protectable
from protector.storage.fake import FakeArray


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud("site-a", array=FakeArray("array-a"))


def refusal(cloud: FakeCloud, facts) -> str:
    with pytest.raises(errors.ServerNotProtectable) as refused:
        protectable.check(facts, volume_type=cloud.volume_type, array="array-a")
    return refused.value.text


def with_volume(facts, **changes):
    volumes = [dataclasses.replace(facts.volumes[0], **changes), *facts.volumes[1:]]
    return dataclasses.replace(facts, volumes=volumes)


def test_a_server_on_replicated_volumes_can_be_protected(cloud):
    facts = cloud.add_server("acme", "web1", volumes=2)
    protectable.check(facts, volume_type=cloud.volume_type, array="array-a")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"type_id": "other", "type_name": "plain"},
            "is of type plain, not of the group's type replicated",
        ),
        ({"array": "array-z"}, "is on array array-z, not on array array-a"),
        ({"array": None, "pool": "a@lvm#lvm"}, "is on pool a@lvm#lvm, not on array array-a"),
        ({"multiattach": True}, "can be attached to several servers (multiattach)"),
        ({"encrypted": True}, "is encrypted, and its key is not on the other site"),
    ],
)
def test_a_volume_that_cannot_be_recovered_is_named(cloud, changes, reason):
    facts = with_volume(cloud.add_server("acme", "web1", volumes=2), **changes)
    volume = facts.volumes[0]
    assert refusal(cloud, facts) == (
        f"Server web1 cannot be protected: volume {volume.name} ({volume.id}) {reason}"
    )


def test_a_server_that_boots_from_an_image_is_refused(cloud):
    facts = dataclasses.replace(cloud.add_server("acme", "web1"), boots_from_image=True)
    assert "boots from an image" in refusal(cloud, facts)


def test_a_server_without_volumes_is_refused(cloud):
    assert "it has no volume" in refusal(cloud, cloud.add_server("acme", "web1", volumes=0))


def test_all_reasons_are_given_at_once(cloud):
    facts = with_volume(cloud.add_server("acme", "web1"), multiattach=True, encrypted=True)
    text = refusal(cloud, dataclasses.replace(facts, boots_from_image=True))
    assert all(word in text for word in ("image", "multiattach", "encrypted"))
