# SPDX-License-Identifier: Apache-2.0
"""The FlashArray driver over HTTPS, on two simulated arrays."""

import itertools
import pathlib
import socket
import time
from collections.abc import Iterator

import pytest
from contract.storage import DAY, WEB, Bench, StorageDriverContract, replicate, replicated_point
from oslo_config import cfg
from pypureclient import flasharray

from flasharray_simulator.control import Control
from flasharray_simulator.settings import ArraySettings, ControlSettings, Settings
from flasharray_simulator.simulator import Simulator
from protector import conf, errors, storage
from protector.storage.base import ArrayVolume, Point, ReplicaGroup
from protector.storage.flasharray import FlashArrayDriver
from protector.storage.purity import Purity

GIB = 1024**3
SOURCE, TARGET = "array-a", "array-b"
TOKEN = "a-token"
# Seconds for which a call is repeated.
BUDGET = 1.0
# Bytes a second, and what is written before a point that is not to be complete.
SLOW, MUCH = 1024**2, 100 * 1024**2


class SimulatedArrays:
    """Two arrays in this process, joined; ``ports`` by name of the array."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.ports = {SOURCE: free_port(), TARGET: free_port()}
        control_port = free_port()
        self.ca_file = str(folder / "ca.pem")
        self.simulator = Simulator(
            Settings(
                state_dir=folder,
                arrays=tuple(
                    ArraySettings(name, "127.0.0.1", TOKEN, port, tuple({*self.ports} - {name}))
                    for name, port in self.ports.items()
                ),
                control=ControlSettings(port=control_port),
            )
        )
        self.control = Control(port=control_port)

    def purity(self, array: str, **changes: object) -> Purity:
        options = {
            "target": f"127.0.0.1:{self.ports[array]}",
            "api_token": TOKEN,
            "ca_file": self.ca_file,
            "connect_timeout": 2,
            "timeout": 10,
        }
        return Purity(array, **(options | changes))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class SimulatorBench(Bench):
    def __init__(self, arrays: SimulatedArrays) -> None:
        self.control = arrays.control
        self.at_source, self.at_target = arrays.purity(SOURCE), arrays.purity(TARGET)
        self.source = FlashArrayDriver(SOURCE, self.at_source, call_budget=BUDGET)
        self.target = FlashArrayDriver(TARGET, self.at_target, call_budget=BUDGET)
        self._marks = itertools.count()

    def make_group(self, group: str, *volumes: str) -> None:
        self.at_source.ask("post_protection_groups", names=[group])
        for volume in volumes:
            new = flasharray.VolumePost(provisioned=GIB)
            self.at_source.ask("post_volumes", names=[volume], volume=new)
            self.at_source.ask(
                "post_protection_groups_volumes", group_names=[group], member_names=[volume]
            )

    def take_point(self, group: str) -> None:
        suffix = self.control.replicate(SOURCE, group)
        self.control.wait_replicated(TARGET, f"{SOURCE}:{group}.{suffix}")

    def begin_point(self, group: str) -> None:
        self.control.write(SOURCE, "vol1", f"mark{next(self._marks)}", MUCH)
        self.control.set_link(SOURCE, TARGET, bandwidth=SLOW)
        suffix = self.control.replicate(SOURCE, group)
        self.control.wait_replicating(TARGET, f"{SOURCE}:{group}.{suffix}")

    def volumes_on_target(self) -> list[str]:
        volumes = self.control.volumes(TARGET)
        return sorted(volume["name"] for volume in volumes if not volume["destroyed"])

    def rename_on_target(self, volume: str, new_name: str) -> None:
        renamed = flasharray.VolumePatch(name=new_name)
        self.at_target.ask("patch_volumes", names=[volume], volume=renamed)

    def attach_on_target(self, volume: str) -> None:
        host = flasharray.HostPost(iqns=["iqn.2026-01.example:host1"])
        self.at_target.ask("post_hosts", names=["host1"], host=host)
        self.at_target.ask("post_connections", host_names=["host1"], volume_names=[volume])

    def cut_off_target(self) -> None:
        self.control.array_down(TARGET)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedArrays]:
    arrays = SimulatedArrays(tmp_path_factory.mktemp("arrays"))
    arrays.simulator.start()
    yield arrays
    arrays.simulator.stop()


@pytest.fixture
def bench(arrays: SimulatedArrays) -> Iterator[SimulatorBench]:
    arrays.control.array_up(TARGET)
    arrays.control.clear_faults()
    arrays.control.reset()
    return SimulatorBench(arrays)


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
