# SPDX-License-Identifier: Apache-2.0
"""Items have no field the vendor's models do not know, and all those that Cinder's driver reads.

The SDK drops what a model does not know, and raises on reading what is absent or null.
"""

from typing import Any

import pypureclient.flasharray.FA_2_36.models as models
import pytest
from pair import Asking, Raw, Running, protect
from pypureclient import flasharray

from flasharray_simulator.control import Control


@pytest.fixture
def furnished(a: Asking, b: Asking, control: Control) -> None:
    """Something of everything."""
    protect(a, b, "v")
    a.ask("post_volume_groups", names=["vg"], volume_group=flasharray.VolumeGroupPost())
    a.volume("vg/w")
    a.snapshot("v")
    a.ask("post_hosts", names=["h"], host=flasharray.HostPost(iqns=["iqn.2001-01.org:h"]))
    a.ask("post_connections", host_names=["h"], volume_names=["v"])
    a.pod("p", "v")
    a.stretch("p")
    suffix = control.replicate("fa-a", "pg")
    control.wait_replicated("fa-b", f"fa-a:pg.{suffix}")


@pytest.mark.parametrize(
    ("array", "path", "model", "read"),
    [
        ("fa-a", "arrays", "Arrays", "id name version"),
        ("fa-a", "arrays/space", "ArraySpace", "capacity space.total_physical"),
        (
            "fa-a",
            "arrays/performance",
            "ArrayPerformance",
            "writes_per_sec reads_per_sec write_bytes_per_sec read_bytes_per_sec usec_per_read_op "
            "usec_per_write_op queue_usec_per_mirrored_write_op queue_usec_per_read_op "
            "queue_usec_per_write_op",
        ),
        ("fa-a", "array-connections", "ArrayConnection", "name status type"),
        ("fa-a", "controllers", "Controller", "name status"),
        ("fa-a", "ports", "Port", "name iqn portal"),
        ("fa-a", "network-interfaces", "NetworkInterface", "name services eth.address eth.subtype"),
        (
            "fa-a",
            "volumes",
            "Volume",
            "id name serial provisioned connection_count qos destroyed created pod source",
        ),
        (
            "fa-a",
            "volume-snapshots",
            "VolumeSnapshot",
            "name provisioned destroyed created source.name suffix",
        ),
        (
            "fa-a",
            "pods",
            "Pod",
            "id name array_count destroyed link_source_count link_target_count mediator "
            "promotion_status failover_preferences",
        ),
        ("fa-a", "pods/arrays", "MemberNoIdAll", "group.name member.name"),
        ("fa-a", "pods/members", "PodMember", "pod.name member.name member.id"),
        ("fa-a", "volume-groups", "VolumeGroup", "name volume_count destroyed"),
        ("fa-a", "hosts", "Host", "name iqns nqns wwns is_local connection_count"),
        ("fa-a", "connections", "Connection", "lun nsid host.name volume.name volume.id"),
        (
            "fa-a",
            "protection-groups",
            "ProtectionGroup",
            "name destroyed target_count volume_count retention_lock is_local source.name "
            "replication_schedule.enabled replication_schedule.frequency "
            "target_retention.all_for_sec",
        ),
        (
            "fa-a",
            "protection-groups/targets",
            "TargetProtectionGroup",
            "group.name member.name allowed",
        ),
        ("fa-a", "protection-groups/volumes", None, "group.name member.name"),
        (
            "fa-b",
            "protection-group-snapshots",
            "ProtectionGroupSnapshot",
            "name created destroyed suffix source.name",
        ),
        (
            "fa-b",
            "protection-group-snapshots/transfer",
            "ProtectionGroupSnapshotTransfer",
            "name started completed progress data_transferred physical_bytes_written",
        ),
        (
            "fa-b",
            "volume-snapshots/transfer",
            "VolumeSnapshotTransfer",
            "name started completed progress",
        ),
        (
            "fa-a",
            "container-default-protections",
            "ContainerDefaultProtection",
            "default_protections",
        ),
    ],
)
def test_fields(
    simulator: Running, furnished: None, array: str, path: str, model: str | None, read: str
) -> None:
    status, answer = Raw(simulator, array).send("GET", path)
    assert status == 200
    assert answer["items"]
    for item in answer["items"]:
        missing = [field for field in read.split() if at(item, field) is None]
        assert missing == []
        if model:
            known = getattr(models, model).__fields__
            assert set(item) - set(known) == set()


def test_fields_of_a_pod_on_an_array(simulator: Running, furnished: None) -> None:
    _, answer = Raw(simulator, "fa-b").send("GET", "pods")
    for side in answer["items"][0]["arrays"]:
        assert set(side) == set(models.PodArrayStatus.__fields__)
        for field in ("id", "name", "status", "mediator_status", "pre_elected"):
            assert side[field] is not None


def at(item: Any, path: str) -> Any:
    for step in path.split("."):
        item = item[step]
    return item
