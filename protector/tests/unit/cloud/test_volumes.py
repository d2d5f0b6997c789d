# SPDX-License-Identifier: Apache-2.0
"""Managing volumes by a Cinder whose driver fails after it has renamed the array's volume."""

import concurrent.futures
import dataclasses
import threading
import types
from collections.abc import Iterator, Sequence
from typing import Any

import openstack.exceptions
import pytest
import requests

from protector import errors
from protector.cloud.base import Outcome, VolumeRequest
from protector.cloud.volumes import Volumes
from protector.cloud.waiting import Limits

OLD_NAME = "protector-key"
MANY = 20
# Seconds.
PATIENCE = 10
PAUSE = 0.2
REQUEST = VolumeRequest(key="key", array_volume=OLD_NAME, name="disk0", bootable=True, metadata={})


class Cinder:
    """Cinder with its driver and one volume on the array, by whatever name it bears there.

    ``fails``: how often managing fails, each time after the rename; ``loses``: how often the order
    to manage gets lost, as when the broker is restarted.
    """

    def __init__(self, fails: int, *, loses: int = 0) -> None:
        self.fails = fails
        self.loses = loses
        self.array_name: str | None = OLD_NAME
        self.looks: list[str | None] = []
        self._volumes: dict[str, Any] = {}
        self._made = 0

    def volumes(self, *, updated_at: str | None = None) -> list[Any]:
        """Return the volumes; one that is being deleted is gone the next time."""
        self.looks.append(updated_at)
        since = (updated_at or "").removeprefix("gte:")
        found = [one for one in self._volumes.values() if (one.updated_at or "") >= since]
        self._volumes = {v.id: v for v in self._volumes.values() if v.status != "deleting"}
        return found

    def unmanage_volume(self, volume: Any) -> None:
        if volume.status in ("available", "error"):
            self._volumes.pop(volume.id)
            return
        raise openstack.exceptions.BadRequestException(f"Volume is {volume.status}.")

    def post(self, path: str, *, json: dict[str, Any], microversion: str) -> requests.Response:
        asked = json["volume"]
        self._made += 1
        volume = types.SimpleNamespace(
            id=f"v{self._made}",
            name=asked["name"],
            description=asked["description"],
            status="error",
            size=0,
            created_at=f"2026-01-01T00:00:{self._made:02}",
            updated_at=f"2026-01-01T00:00:{self._made:02}",
        )
        self._volumes[volume.id] = volume
        if self.loses:
            self.loses -= 1
            volume.status = "creating"
        elif self.array_name == asked["ref"]["source-name"]:
            self.array_name = f"volume-{volume.id}-cinder"
            if self.fails:
                self.fails -= 1
            else:
                volume.status, volume.size = "available", 1
        answer = requests.Response()
        answer.status_code = 202
        answer._content = b'{"volume": {"id": "%s"}}' % volume.id.encode()
        return answer

    def reset_volume_status(self, id: str, status: str) -> None:
        self._volumes[id].status = status

    def plant(self, id: str, **facts: object) -> None:
        volume = types.SimpleNamespace(
            id=id,
            name="disk0",
            description="Recovered by Protector: key",
            status="available",
            size=1,
            created_at="2026-01-01T00:00:59",
            updated_at=None,
        )
        volume.__dict__.update(facts)
        self._volumes[id] = volume

    def delete_volume(self, volume: Any) -> None:
        if self.array_name == f"volume-{volume.id}-cinder":
            self.array_name = None
        del self._volumes[volume.id]

    # -- the array's side

    def reclaim(self, key: str) -> None:
        if self.array_name is None:
            raise errors.StorageError(array="array-b", reason="the volume is gone")
        self.array_name = f"protector-{key}"


@pytest.fixture
def executor() -> Iterator[concurrent.futures.Executor]:
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        yield threads


def volumes_of(
    cinder: Cinder, executor: concurrent.futures.Executor, *, timeout: float = 5
) -> Volumes:
    connection: Any = types.SimpleNamespace(block_storage=cinder)
    return Volumes(
        "site-b",
        connection,
        connection,
        executor,
        Limits(
            server_timeout=5,
            shutdown_timeout=5,
            volume_timeout=timeout,
            poll_interval=0,
            parallel_requests=2,
        ),
    )


def test_what_cinder_renamed_and_then_could_not_manage_keeps_its_name_and_data(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=2)
    volumes = volumes_of(cinder, executor)
    (outcome,) = volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    assert "could not manage volume protector-key" in (outcome.fault or "")
    assert (cinder.array_name, cinder.volumes()) == (OLD_NAME, [])

    (outcome,) = volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    assert (outcome.id, outcome.fault) == ("v3", None)


def test_what_cinders_driver_could_not_do_is_asked_of_it_once_more(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=1)
    volumes = volumes_of(cinder, executor)
    (outcome,) = volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    assert (outcome.id, outcome.fault) == ("v2", None)
    assert [volume.id for volume in cinder.volumes()] == ["v2"]


def test_a_volume_whose_order_was_lost_is_given_up_and_managed_anew(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=0, loses=1)
    volumes = volumes_of(cinder, executor, timeout=0.2)
    (outcome,) = volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    assert (outcome.id, outcome.fault) == ("v2", None)
    assert [volume.id for volume in cinder.volumes()] == ["v2"]


def test_who_waits_for_a_volume_looks_only_at_what_has_changed(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=0, loses=2)
    cinder.plant("other", description="", updated_at="2026-01-01T00:00:30")
    volumes_of(cinder, executor, timeout=0.2).manage([REQUEST], "pool", "type", cinder.reclaim)
    assert cinder.looks.count("gte:2026-01-01T00:00:28") > cinder.looks.count(None)


def test_who_was_taken_over_meanwhile_gives_nothing_up(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=0, loses=1)
    asked: list[str] = []

    def reclaim(key: str) -> None:
        asked.append(key)
        if len(asked) > 1:  # the first time is before Cinder is asked
            raise errors.ClaimLost(operation="op-1")

    with pytest.raises(errors.ClaimLost):
        volumes_of(cinder, executor, timeout=0.2).manage([REQUEST], "pool", "type", reclaim)
    assert [volume.status for volume in cinder.volumes()] == ["creating"]


def test_a_volume_that_cinder_never_got_done_can_be_given_back(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=0)
    cinder.plant("lost", status="creating", size=0)
    (outcome,) = volumes_of(cinder, executor, timeout=0.2).unmanage(["key"])
    assert outcome.fault is None
    assert cinder.volumes() == []


@pytest.mark.parametrize("size", [0, 1])
def test_a_volume_that_cinder_has_forgotten_to_let_go_of_is_given_back_at_the_next_attempt(
    executor: concurrent.futures.Executor, size: int
) -> None:
    cinder = Cinder(fails=0)
    cinder.plant("kept", status="unmanaging", size=size)
    volumes = volumes_of(cinder, executor, timeout=0.2)
    (outcome,) = volumes.unmanage(["key"])
    assert "it is unmanaging" in (outcome.fault or "")
    assert "the message queue was restarted" in (outcome.fault or "")
    assert [volume.status for volume in cinder.volumes()] == ["unmanaging"]

    assert volumes.unmanage(["key"])[0].fault is None
    assert cinder.volumes() == []


def test_a_volume_that_cinder_has_forgotten_to_let_go_of_is_managed_anew(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=0)
    cinder.plant("kept", status="unmanaging", size=0)
    volumes = volumes_of(cinder, executor, timeout=0.2)
    (outcome,) = volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    assert (outcome.id, outcome.fault) == ("v1", None)
    assert [volume.id for volume in cinder.volumes()] == ["v1"]


def test_what_an_engine_that_died_left_in_error_is_managed_by_the_next(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=1)
    body = {"name": "disk0", "description": "Recovered by Protector: key"}
    ref = {"ref": {"source-name": OLD_NAME}}
    cinder.post("/manageable_volumes", json={"volume": {**body, **ref}}, microversion="3.16")
    assert cinder.array_name == "volume-v1-cinder"

    (outcome,) = volumes_of(cinder, executor).manage([REQUEST], "pool", "type", cinder.reclaim)
    assert (outcome.id, outcome.fault) == ("v2", None)
    assert [volume.id for volume in cinder.volumes()] == ["v2"]


def test_what_cannot_be_reclaimed_is_left_to_cinder(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=1)

    def reclaim(key: str) -> None:
        if cinder.array_name != OLD_NAME:
            raise errors.ArrayUnreachable(array="array-b", reason="Connection timeout")

    volumes_of(cinder, executor).manage([REQUEST], "pool", "type", reclaim)
    assert cinder.array_name == "volume-v1-cinder"


def test_a_volume_that_nova_deletes_with_its_server_is_waited_for(
    executor: concurrent.futures.Executor,
) -> None:
    cinder = Cinder(fails=0)
    volumes = volumes_of(cinder, executor)
    volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    (volume,) = cinder.volumes()
    volume.status = "deleting"
    (outcome,) = volumes.unmanage(["key"])
    assert (outcome.id, outcome.fault) == (volume.id, None)


@pytest.mark.parametrize(
    "double",
    [
        {"status": "error", "size": 0},
        {"status": "error", "size": 0, "created_at": "2025-01-01T00:00:00"},
        {"status": "available"},
    ],
    ids=["failed", "failed-before", "younger"],
)
def test_of_several_volumes_with_one_key_one_stays(
    executor: concurrent.futures.Executor, double: dict[str, object]
) -> None:
    cinder = Cinder(fails=0)
    volumes = volumes_of(cinder, executor)
    (first,) = volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    cinder.plant("v9", **double)
    assert volumes.manage([REQUEST], "pool", "type", cinder.reclaim) == [first]
    assert [volume.id for volume in cinder.volumes()] == [first.id]
    assert cinder.array_name == f"volume-{first.id}-cinder"


def test_unmanaging_takes_all_that_bear_the_key(executor: concurrent.futures.Executor) -> None:
    cinder = Cinder(fails=0)
    volumes = volumes_of(cinder, executor)
    volumes.manage([REQUEST], "pool", "type", cinder.reclaim)
    cinder.plant("v9", status="error", size=0)
    (outcome,) = volumes.unmanage(["key"])
    assert (outcome.id, outcome.fault) == ("v1", None)
    assert cinder.volumes() == []


def test_a_fault_that_may_pass_is_told_as_one(executor: concurrent.futures.Executor) -> None:
    def reclaim(key: str) -> None:
        raise errors.ArrayBusy(array="array-b", reason="HTTP 503")

    volumes = volumes_of(Cinder(fails=0), executor)
    (outcome,) = volumes.manage([REQUEST], "pool", "type", reclaim)
    assert outcome.passing
    (outcome,) = volumes_of(Cinder(fails=1), executor).manage(
        [REQUEST], "pool", "type", lambda key: None
    )
    assert not outcome.passing


def test_what_is_managed_is_told_while_others_are_still_asked_for(
    executor: concurrent.futures.Executor,
) -> None:
    """So that a VM of hundreds can be started when its own volumes are there."""
    told = threading.Event()

    class Busy(Cinder):
        def post(self, path: str, *, json: dict[str, Any], microversion: str) -> requests.Response:
            if json["volume"]["name"] == "late":
                assert told.wait(PATIENCE)
            return super().post(path, json=json, microversion=microversion)

    cinder = Busy(fails=0)
    late = dataclasses.replace(REQUEST, key="late", name="late", array_volume="unknown")
    seen: list[str] = []

    def managed(outcomes: Sequence[Outcome]) -> None:
        seen.extend(outcome.key for outcome in outcomes)
        told.set()

    outcomes = volumes_of(cinder, executor).manage(
        [late, REQUEST], "pool", "type", lambda key: None, managed
    )
    assert (seen, outcomes[1].id) == (["key"], "v1")
    assert outcomes[0].fault


def test_once_managing_is_refused_no_more_is_asked_for(
    executor: concurrent.futures.Executor,
) -> None:
    asked: list[str] = []
    over = threading.Event()

    class Strict(Cinder):
        def post(self, path: str, *, json: dict[str, Any], microversion: str) -> requests.Response:
            asked.append(json["volume"]["name"])
            if len(asked) > 1:
                over.wait(PAUSE)
            raise openstack.exceptions.ForbiddenException("Policy forbids it.", http_status=403)

    many = [dataclasses.replace(REQUEST, key=f"key{number}") for number in range(MANY)]
    with pytest.raises(errors.CloudRefused, match="Policy forbids it"):
        volumes_of(Strict(fails=0), executor).manage(many, "pool", "type", lambda key: None)
    assert len(asked) < MANY / 2


def test_what_cinder_is_at_is_done_before_it_is_told_to_let_go(
    executor: concurrent.futures.Executor,
) -> None:
    """It would rename the volume on the array after that was given back."""

    class Slow(Cinder):
        def volumes(self, *, updated_at: str | None = None) -> list[Any]:
            found = super().volumes(updated_at=updated_at)
            if len(self.looks) == 3:
                self._volumes["begun"].status = "available"
            return found

        def reset_volume_status(self, id: str, status: str) -> None:
            raise AssertionError(f"{id} was given up")

    cinder = Slow(fails=0)
    cinder.plant("begun", status="managing", updated_at="2026-01-01T00:00:59")
    assert volumes_of(cinder, executor).unmanage(["key"]) == [Outcome("key", "begun")]
    assert len(cinder.looks) > 2


@pytest.mark.parametrize("status", ["in-use", "reserved", "attaching"])
def test_a_volume_that_a_server_is_about_to_get_has_been_managed(
    executor: concurrent.futures.Executor, status: str
) -> None:
    """The server may have gone to ERROR, and keep it until it is deleted."""
    cinder = Cinder(fails=0)
    cinder.plant("taken", status=status)
    (outcome,) = volumes_of(cinder, executor, timeout=0.2).manage(
        [REQUEST], "pool", "type", cinder.reclaim
    )
    assert (outcome.id, outcome.fault) == ("taken", None)
