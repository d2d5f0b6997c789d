# SPDX-License-Identifier: Apache-2.0
"""Cinder's own driver, unmodified, gets along with the arrays; cinder_driver.py is the story."""

import json
import os
import pathlib
import subprocess
from typing import Any

import pytest
from pair import Running

HERE = pathlib.Path(__file__).parent
DEFAULT_PYTHON = HERE.parents[1] / "build" / "openstack" / "bin" / "python"


@pytest.fixture(scope="module")
def told(simulator: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each step of the asynchronous story returned."""
    return tell("asynchronous", simulator, tmp_path_factory.mktemp("cinder"))


@pytest.fixture(scope="module")
def told_in_sync(simulator: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each step of the synchronous story returned."""
    return tell("synchronous", simulator, tmp_path_factory.mktemp("cinder"))


def tell(story: str, simulator: Running, folder: pathlib.Path) -> dict[str, Any]:
    python = pathlib.Path(os.environ.get("OPENSTACK_PYTHON", DEFAULT_PYTHON))
    if not python.exists():
        pytest.fail(
            f"{python} is not there: name a Python that has cinder in OPENSTACK_PYTHON",
            pytrace=False,
        )
    simulator.control.reset()
    a, b = (f"127.0.0.1:{port}" for port in simulator.ports)
    given = {
        "story": story,
        "a": a,
        "b": b,
        "control": simulator.control_port,
        "folder": str(folder),
    }
    run = subprocess.run(
        [python, "-W", "ignore", HERE / "cinder_driver.py", json.dumps(given)],
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    answer: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize(
    "step",
    [
        "setup",
        "setup_again",
        "stats",
        "create_and_delete",
        "create_in_a_volume_group",
        "extend",
        "attach_and_detach",
        "snapshot_and_revert",
        "clone",
        "unmanage_and_manage",
        "manage_a_snapshot",
        "manageable",
        "retype",
        "group",
        "group_snapshot",
        "fail_over_a_group",
        "fail_over_the_host",
    ],
)
def test_the_driver_is_served(told: dict[str, Any], step: str) -> None:
    must_have_worked(told[step])


def must_have_worked(returned: Any) -> None:
    failed = returned.get("error") if isinstance(returned, dict) else None
    assert failed is None, failed


def test_the_driver_sees_a_replicating_backend(told: dict[str, Any]) -> None:
    assert told["setup"] == "fa-a"
    assert told["stats"]["replication_enabled"] is True
    assert told["stats"]["replication_type"] == ["async"]
    assert told["stats"]["replication_targets"] == ["site-b"]
    assert told["stats"]["total_capacity_gb"] > 0


def test_an_attached_volume_has_two_paths_and_a_lun(told: dict[str, Any]) -> None:
    data = told["attach_and_detach"]["data"]
    assert data["target_luns"] == [1, 1]
    assert len(data["target_portals"]) == 2
    assert data["wwn"].startswith("3624a9370")


def test_reverting_brings_the_snapshot_back(told: dict[str, Any]) -> None:
    assert told["snapshot_and_revert"] == {"reverted": ["before"], "copy": ["before"]}


def test_a_clone_is_a_copy(told: dict[str, Any]) -> None:
    assert told["clone"] == ["cloned"]


def test_a_managed_volume_keeps_what_is_on_it(told: dict[str, Any]) -> None:
    assert told["unmanage_and_manage"] == {"size": 1, "markers": ["kept"]}


def test_a_group_snapshot_holds_its_volumes(told: dict[str, Any]) -> None:
    assert told["group_snapshot"] == ["in the group's snapshot"]


def test_a_failed_over_group_has_what_was_replicated(told: dict[str, Any]) -> None:
    assert told["fail_over_a_group"]["markers"] == ["replicated"]


def test_the_host_fails_over_with_its_array_gone(told: dict[str, Any]) -> None:
    assert told["fail_over_the_host"]["active"] == "site-b"
    assert told["fail_over_the_host"]["markers"] == ["replicated"]
    assert told["fail_over_the_host"]["connection"]["data"]["target_luns"] == [1, 1]


# -- a backend with an ActiveCluster pod -----------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        "setup",
        "setup_again",
        "stats",
        "create_and_delete",
        "sync_create",
        "sync_extend_and_delete",
        "sync_attach_and_detach",
        "sync_snapshot_and_revert",
        "sync_clone",
        "sync_retype",
        "sync_group",
        "sync_fail_over_a_group",
        "sync_manage_is_refused",
        "sync_manage_a_copy",
        "manageable",
        "sync_manage_what_was_moved_out",
        "sync_fail_over_the_host",
    ],
)
def test_the_driver_is_served_in_sync(told_in_sync: dict[str, Any], step: str) -> None:
    must_have_worked(told_in_sync[step])


def test_the_driver_sees_a_backend_in_sync(told_in_sync: dict[str, Any]) -> None:
    assert sorted(told_in_sync["stats"]["replication_type"]) == ["async", "sync"]


def test_a_volume_in_sync_is_written_at_either_array(told_in_sync: dict[str, Any]) -> None:
    assert told_in_sync["sync_create"]["name"].startswith("cinder-pod::volume-")
    assert told_in_sync["sync_create"]["markers"] == ["written at b"]
    assert told_in_sync["sync_snapshot_and_revert"] == ["before"]
    assert told_in_sync["sync_clone"]["name"].startswith("cinder-pod::volume-")
    assert told_in_sync["sync_clone"]["markers"] == ["cloned"]


def test_a_volume_in_sync_has_paths_to_both_arrays(told_in_sync: dict[str, Any]) -> None:
    attached = told_in_sync["sync_attach_and_detach"]
    assert len(attached["connection"]["data"]["target_portals"]) == 4
    assert (attached["connected"], attached["left"]) == ([1, 1], [0, 0])


def test_a_volume_is_retyped_into_the_pod_and_out(told_in_sync: dict[str, Any]) -> None:
    plain, synchronous, again = told_in_sync["sync_retype"]["names"]
    assert (plain, f"cinder-pod::{plain}") == (again, synchronous)
    assert told_in_sync["sync_retype"]["markers"] == ["kept"]


def test_a_group_in_sync_is_of_one_moment(told_in_sync: dict[str, Any]) -> None:
    assert told_in_sync["sync_group"]["frozen"] == ["in the group's snapshot"]


def test_a_volume_of_a_stretched_pod_is_not_managed(told_in_sync: dict[str, Any]) -> None:
    assert "Unable to manage volume in a Replicated Pod" in told_in_sync["sync_manage_is_refused"]


def test_a_copy_of_a_volume_of_the_pod_is_managed_and_retyped(
    told_in_sync: dict[str, Any],
) -> None:
    for name, markers in zip(*told_in_sync["sync_manage_a_copy"].values(), strict=True):
        assert name.startswith("cinder-pod::volume-")
        assert markers == ["in the snapshot"]


def test_what_was_moved_out_of_the_pod_is_managed(told_in_sync: dict[str, Any]) -> None:
    managed = told_in_sync["sync_manage_what_was_moved_out"]
    assert managed["size"] == 1
    assert "::" not in managed["name"]
    assert managed["markers"] == ["kept"]


def test_the_host_in_sync_fails_over_without_loss(told_in_sync: dict[str, Any]) -> None:
    assert told_in_sync["sync_fail_over_the_host"]["active"] == "site-b"
    assert told_in_sync["sync_fail_over_the_host"]["markers"] == ["last"]
    assert told_in_sync["sync_fail_over_the_host"]["connection"]["data"]["target_luns"]
