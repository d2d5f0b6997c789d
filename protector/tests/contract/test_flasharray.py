# SPDX-License-Identifier: Apache-2.0
"""The FlashArray driver over HTTPS, on two simulated arrays."""

import pathlib
import time

import pytest
from contract.simulated import BUDGET, SOURCE, TARGET, TOKEN, SimulatedArrays, SimulatorBench
from contract.storage import (
    DAY,
    WEB,
    StorageDriverContract,
    replicate,
    replicated_point,
    with_original,
)
from oslo_config import cfg
from pypureclient import flasharray

from protector import conf, errors, storage
from protector.storage.base import ArrayVolume, Point, ReplicaGroup
from protector.storage.flasharray import FlashArrayDriver


@pytest.fixture
def bench(new_arrays: SimulatedArrays) -> SimulatorBench:
    return SimulatorBench(new_arrays)


class TestFlashArray(StorageDriverContract):
    """The suite, and what only this driver can get wrong."""

    @pytest.fixture
    def bench(self, bench: SimulatorBench) -> SimulatorBench:
        return bench

    def test_the_volume_holds_what_was_written_before_the_point(
        self, bench: SimulatorBench
    ) -> None:
        bench.make_group(WEB, "vol1")
        replica = replicate(bench)
        bench.control.write(SOURCE, "vol1", "before")
        bench.take_point(WEB)
        bench.control.write(SOURCE, "vol1", "after")
        made = bench.target.promote(bench.target.points(replica)[0], "vol1", key="0123-e1")
        assert bench.control.markers(TARGET, made.name) == ["before"]

    def test_the_array_is_told_the_interval_in_milliseconds(self, bench: SimulatorBench) -> None:
        bench.make_group(WEB, "vol1")
        replicate(bench)
        (group,) = bench.at_source.ask("get_protection_groups", names=[WEB])
        assert group.replication_schedule.frequency == 300_000
        assert group.target_retention.all_for_sec == DAY

    def test_an_answer_that_is_lost_is_asked_for_again(self, bench: SimulatorBench) -> None:
        point = replicated_point(bench)
        before = len(bench.volumes_on_target())
        bench.control.fault(TARGET, "/volumes$", method="POST", action="drop", after=True)
        made = bench.target.promote(point, "vol1", key="0123-e1")
        assert bench.target.promoted("0123-e1") == made
        assert len(bench.volumes_on_target()) == before + 1

    def test_a_busy_array_is_asked_again(self, bench: SimulatorBench) -> None:
        point = replicated_point(bench)
        bench.control.fault(TARGET, "/volumes$", method="POST", status=502, after=True)
        bench.target.promote(point, "vol1", key="0123-e1")
        assert len([n for n in bench.volumes_on_target() if "0123-e1" in n]) == 1

    def test_a_busy_array_is_given_the_time_it_asks_for(self, bench: SimulatorBench) -> None:
        point = replicated_point(bench)
        bench.target.call_budget = 5
        bench.control.fault(TARGET, "/volumes$", method="POST", status=429, retry_after=1)
        started = time.monotonic()
        bench.target.promote(point, "vol1", key="0123-e1")
        assert 1 <= time.monotonic() - started < 4

    @pytest.mark.parametrize("path", ["/volumes$", "/login$"])
    @pytest.mark.parametrize("status", [429, 503])
    def test_nobody_waits_longer_than_the_budget(
        self, arrays: SimulatedArrays, bench: SimulatorBench, path: str, status: int
    ) -> None:
        driver = FlashArrayDriver(TARGET, arrays.purity(TARGET), call_budget=BUDGET)
        bench.control.fault(
            TARGET, path, status=status, error="Server is busy", retry_after=60, count=0
        )
        started = time.monotonic()
        with pytest.raises(errors.ArrayBusy, match=f"{status}: Server is busy"):
            driver.promoted("0123-e1")
        assert time.monotonic() - started < 3

    @pytest.mark.parametrize("rule", [{"status": 503}, {"action": "drop"}], ids=["503", "drop"])
    def test_a_renaming_whose_answer_is_lost_is_looked_for(
        self, bench: SimulatorBench, rule: dict[str, object]
    ) -> None:
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.rename_on_target(made.name, "volume-x-cinder")
        bench.control.fault(TARGET, "/volumes$", method="PATCH", after=True, **rule)
        bench.target.reclaim(made.id, key="0123-e1")
        assert bench.target.promoted("0123-e1") == made

    def test_a_rename_whose_answer_is_lost_does_not_stop_discarding(
        self, bench: SimulatorBench
    ) -> None:
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.control.fault(TARGET, "/volumes$", method="PATCH", action="drop", after=True)
        bench.target.discard(made.id)
        assert bench.target.promoted("0123-e1") is None

    def test_a_discarded_volume_can_be_recovered_for_a_day(self, bench: SimulatorBench) -> None:
        made = bench.target.promote(replicated_point(bench), "vol1", key="0123-e1")
        bench.target.discard(made.id)
        (destroyed,) = bench.at_target.ask("get_volumes", ids=[made.id])
        assert destroyed.destroyed

    @pytest.mark.parametrize("rule", [{"status": 503}, {"action": "drop"}], ids=["503", "drop"])
    def test_a_safety_snapshot_whose_answer_is_lost_is_taken_once(
        self, bench: SimulatorBench, rule: dict[str, object]
    ) -> None:
        original = with_original(bench)
        bench.control.fault(TARGET, "/volume-snapshots$", method="POST", after=True, **rule)
        bench.target.save(original.id, key="e1")
        (snapshot,) = bench.at_target.ask("get_volume_snapshots", source_names=["original"])
        assert snapshot.name == "original.protector-saved-e1"

    def test_the_name_of_a_safety_snapshot_is_short_enough(self, bench: SimulatorBench) -> None:
        name = "volume-01234567-89ab-cdef-0123-456789abcdef-cinder"
        bench.add_on_target(name)
        volume = bench.target.volume(name)
        assert volume is not None
        bench.target.save(volume.id, key="0123456789ab" * 2)
        (snapshot,) = bench.at_target.ask("get_volume_snapshots", source_names=[name])
        assert len(snapshot.name) <= 96

    def test_the_session_may_expire(self, bench: SimulatorBench) -> None:
        bench.target.check()
        bench.control.expire_sessions(TARGET)
        bench.target.check()

    def test_an_array_that_hangs_is_given_up_in_time(
        self, arrays: SimulatedArrays, bench: SimulatorBench
    ) -> None:
        hasty = FlashArrayDriver(TARGET, arrays.purity(TARGET, timeout=0.3), call_budget=BUDGET)
        hasty.check()
        bench.control.fault(TARGET, "/protection-group-snapshots", action="hang", count=0)
        started = time.monotonic()
        with pytest.raises(errors.ArrayUnreachable, match="Connection timeout"):
            hasty.points(ReplicaGroup(SOURCE, WEB))
        assert time.monotonic() - started < 3
        bench.control.clear_faults()

    def test_another_array_at_the_address_is_named(
        self, arrays: SimulatedArrays, bench: SimulatorBench
    ) -> None:
        with pytest.raises(errors.StorageError, match=r"is array-b\. Check \[flasharray\] name"):
            FlashArrayDriver("array-x", arrays.purity(TARGET), call_budget=BUDGET).check()

    def test_a_wrong_token_is_named(self, arrays: SimulatedArrays, bench: SimulatorBench) -> None:
        purity = arrays.purity(TARGET, api_token="wrong")
        with pytest.raises(errors.StorageError, match=r"Check \[flasharray\] api_token"):
            FlashArrayDriver(TARGET, purity, call_budget=BUDGET).check()

    def test_a_certificate_that_is_not_trusted_is_named(
        self, arrays: SimulatedArrays, bench: SimulatorBench
    ) -> None:
        purity = arrays.purity(TARGET, ca_file=None)
        with pytest.raises(errors.StorageError, match=r"not trusted.*\[flasharray\] ca_file"):
            FlashArrayDriver(TARGET, purity, call_budget=BUDGET).check()

    def test_it_is_loaded_as_configured(
        self, arrays: SimulatedArrays, bench: SimulatorBench, tmp_path: pathlib.Path
    ) -> None:
        (file := tmp_path / "protector.conf").write_text(
            "[DEFAULT]\nsite_name = site-b\n[storage]\ndriver = flasharray\n[flasharray]\n"
            f"name = {TARGET}\ntarget = 127.0.0.1:{arrays.ports[TARGET]}\n"
            f"api_token = {TOKEN}\nca_file = {arrays.ca_file}\n"
        )
        options = cfg.ConfigOpts()
        conf.register(options)
        options(["--config-file", str(file)])
        driver = storage.load(options)
        driver.check()
        assert driver.array == TARGET

    def test_a_point_whose_answer_is_lost_is_taken_once(self, bench: SimulatorBench) -> None:
        bench.make_group(WEB, "vol1")
        replica = replicate(bench)
        bench.control.fault(
            SOURCE, "/protection-group-snapshots$", method="POST", action="drop", after=True
        )
        name = bench.source.take_point(WEB, key="op-0123")
        bench.await_point(name)
        assert [one.name for one in bench.target.points(replica)] == [name]

    def test_a_point_taken_on_demand_holds_the_last_write(self, bench: SimulatorBench) -> None:
        bench.make_group(WEB, "vol1")
        replica = replicate(bench)
        bench.control.write(SOURCE, "vol1", "last")
        bench.await_point(bench.source.take_point(WEB, key="op-0123"))
        made = bench.target.promote(bench.target.points(replica)[0], "vol1", key="0123-e1")
        assert bench.control.markers(TARGET, made.name) == ["last"]


class EagerDriver(FlashArrayDriver):
    """Breaks the contract: makes a volume without looking whether it is there."""

    def promote(self, point: Point, volume: str, *, key: str) -> ArrayVolume:
        name = f"{key}-{len(self._purity.ask('get_volumes'))}"
        source = flasharray.Reference(name=point.volumes[volume])
        new = flasharray.VolumePost(source=source)
        (made,) = self._purity.ask("post_volumes", names=[name], volume=new)
        return ArrayVolume(made.id, made.name, made.provisioned)


def test_the_suite_catches_a_driver_that_looks_for_nothing(
    arrays: SimulatedArrays, bench: SimulatorBench
) -> None:
    bench.target = EagerDriver(TARGET, arrays.purity(TARGET), call_budget=BUDGET)
    with pytest.raises(AssertionError):
        StorageDriverContract().test_promoting_twice_is_promoting_once(bench)
