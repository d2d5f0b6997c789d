# SPDX-License-Identifier: Apache-2.0
"""Which type copies land with before they are mirrored, by real HTTP."""

from collections.abc import Iterator

import pytest
from unit.cloud.little_cloud import LittleCloud

from protector import errors
from protector.cloud.base import VolumeType

SYNC = VolumeType("sync-id", "sync", "pure")
HERE = {"volume_backend_name": "pure"}
MIRRORED = {"replication_enabled": "<is> True", "replication_type": "<in> sync"}


@pytest.fixture
def little() -> Iterator[LittleCloud]:
    with LittleCloud() as little:
        capabilities = {"volume_backend_name": "pure", "replication_enabled": True}
        little.pools = [
            {"name": "host@pure#pure", "capabilities": capabilities},
            {"name": "host@lvm#lvm", "capabilities": {"volume_backend_name": "lvm"}},
        ]
        little.add_volume_type("__DEFAULT__")
        little.add_volume_type("a-sync", **HERE, **MIRRORED)
        little.add_volume_type("a-async", **HERE, replication_enabled="<is> True")
        little.add_volume_type("a-lvm", volume_backend_name="lvm")
        yield little


def land(little: LittleCloud, volume_type: VolumeType = SYNC) -> VolumeType:
    return little.protector().as_service().landing_type(volume_type)


def test_a_type_of_the_backend_that_does_not_replicate_is_taken(little: LittleCloud) -> None:
    little.add_volume_type("plain", **HERE)
    assert land(little) == VolumeType("plain-id", "plain", "pure")


def test_a_type_that_says_that_it_does_not_replicate_will_do(little: LittleCloud) -> None:
    little.add_volume_type("plain", **HERE, replication_enabled="<is> False")
    assert land(little).name == "plain"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"name": "b"}, {"name": "a", "multiattach": "<is> True"}),
        ({"name": "b", **HERE}, {"name": "a"}),
        ({"name": "b", **HERE}, {"name": "a", **HERE, "is_public": False}),
        ({"name": "a", **HERE}, {"name": "b", **HERE}),
        ({"name": "b", "multiattach": "<is> True"}, {"name": "__DEFAULT__"}),
    ],
    ids=["fewest-properties", "names-the-backend", "public", "name", "not-the-built-in"],
)
def test_of_several_types_the_safest_is_taken(
    little: LittleCloud, better: dict[str, str], worse: dict[str, str]
) -> None:
    for types in ((better, worse), (worse, better)):
        del little.volume_types[4:]
        for type in types:
            little.add_volume_type(**type)  # type: ignore[arg-type]
        assert land(little).name == better["name"]


def test_the_built_in_type_is_taken_if_there_is_no_other(little: LittleCloud) -> None:
    assert land(little) == VolumeType("__DEFAULT__-id", "__DEFAULT__", None)


def test_the_backend_is_the_pools_where_the_type_names_none(little: LittleCloud) -> None:
    little.add_volume_type("plain", **HERE)
    assert land(little, VolumeType("sync-id", "sync", None)).name == "plain"


def test_where_there_is_none_it_is_said_how_to_make_one(little: LittleCloud) -> None:
    del little.volume_types[0]
    with pytest.raises(errors.NoVolumeType) as refusal:
        land(little)
    assert "site-b has no volume type of backend pure" in refusal.value.text
    made = "openstack volume type create --property volume_backend_name=pure <name>"
    assert made in refusal.value.text
