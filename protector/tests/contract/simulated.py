# SPDX-License-Identifier: Apache-2.0
"""Two simulated arrays, and what happens to them without Protector."""

import itertools
import pathlib
import socket

from contract.mirrored import POD, VOL1, MirrorBench
from contract.storage import Bench
from pypureclient import flasharray

from flasharray_simulator.control import Control
from flasharray_simulator.settings import ArraySettings, ControlSettings, Settings
from flasharray_simulator.simulator import Simulator
from protector.storage.flasharray import FlashArrayDriver
from protector.storage.purity import Purity

GIB = 1024**3
SOURCE, TARGET = "array-a", "array-b"
TOKEN = "a-token"
# Seconds for which a call is repeated.
BUDGET = 1.0
# Bytes a second, and what is written before a point that is not to be complete.
SLOW, MUCH = 1024**2, 100 * 1024**2
# Seconds after which it is decided who goes on with a pod.
DECIDED = 3


class SimulatedArrays:
    """Two arrays in this process, joined for pods and all else; ``ports`` by name of the array."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.ports = {SOURCE: free_port(), TARGET: free_port()}
        control_port = free_port()
        self.ca_file = str(folder / "ca.pem")
        self.simulator = Simulator(
            Settings(
                state_dir=folder,
                arrays=tuple(
                    ArraySettings(
                        name, "127.0.0.1", TOKEN, port, sync_peers=tuple({*self.ports} - {name})
                    )
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
            "parallel_requests": 2,
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

    def await_point(self, name: str) -> None:
        self.control.wait_replicated(TARGET, name)

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

    def add_on_target(self, volume: str, size_gb: int = 1) -> None:
        new = flasharray.VolumePost(provisioned=size_gb * GIB)
        self.at_target.ask("post_volumes", names=[volume], volume=new)

    def write_on_target(self, volume: str, mark: str) -> None:
        self.control.write(TARGET, volume, mark)

    def newest_on_target(self, volume: str) -> str:
        return str(self.control.markers(TARGET, volume)[-1])

    def cut_off_target(self) -> None:
        self.control.array_down(TARGET)


class SimulatorMirrorBench(SimulatorBench, MirrorBench):
    def make_mirrored(self, group: str, *volumes: str) -> None:
        self.make_single(group, *volumes)
        pod = group.partition("::")[0]
        self.at_source.ask("post_pods_arrays", group_names=[pod], member_names=[TARGET])
        self.control.wait_pod(TARGET, pod, "online")

    def make_single(self, group: str, *volumes: str) -> None:
        pod = group.partition("::")[0]
        self.at_source.ask("post_pods", names=[pod], pod=flasharray.PodPost())
        self.make_group(group, *volumes)

    def take_own(self, group: str) -> None:
        self.at_source.ask("post_protection_group_snapshots", source_names=[group])

    def write_on_source(self, volume: str, mark: str) -> None:
        self.control.write(SOURCE, volume, mark)

    def newest_on_source(self, volume: str) -> str:
        return str(self.control.markers(SOURCE, volume)[-1])

    def prefer_source(self) -> None:
        preferred = flasharray.PodPatch(failover_preferences=[flasharray.Reference(name=SOURCE)])
        self.at_source.ask("patch_pods", names=[POD], pod=preferred)

    def unmediate_target(self) -> None:
        self.control.mediator_down(TARGET)

    def suspend(self) -> None:
        self.control.freeze()
        self.control.link_down()

    def part(self) -> None:
        self.suspend()
        self.control.advance(DECIDED)

    def meet(self) -> None:
        self.control.write(SOURCE, VOL1, "meanwhile", 4 * SLOW)
        self.control.set_link(SOURCE, TARGET, bandwidth=SLOW)
        self.control.link_up()
        self.control.advance(1)

    def lose_source(self) -> None:
        self.control.freeze()
        self.control.array_down(SOURCE)
        self.control.advance(DECIDED)
