# SPDX-License-Identifier: Apache-2.0
"""Two arrays in memory, and what happens to them without Protector."""

import datetime

from contract.mirrored import POD, MirrorBench
from contract.storage import Bench

from protector.storage.fake import GIB, FakeArray


class FakeBench(Bench):
    def __init__(self, array_type: type[FakeArray] = FakeArray) -> None:
        self.source: FakeArray = array_type("array-a")
        self.target: FakeArray = array_type("array-b")
        self.source.connect(self.target)

    def make_group(self, group: str, *volumes: str) -> None:
        self.source.create_group(group)
        for volume in volumes:
            self.source.create_volume(volume)
            self.source.add_to_group(group, volume)

    def take_point(self, group: str) -> None:
        self.source.send_point(group)

    def begin_point(self, group: str) -> None:
        self.source.send_point(group, progress=0.4)

    def await_point(self, name: str) -> None:
        """It is there at once."""

    def volumes_on_target(self) -> list[str]:
        return sorted(volume.name for volume in self.target.volumes.values())

    def rename_on_target(self, volume: str, new_name: str) -> None:
        self.target.rename_volume(volume, new_name)

    def attach_on_target(self, volume: str) -> None:
        self.target.hosts |= {v.id for v in self.target.volumes.values() if v.name == volume}

    def add_on_target(self, volume: str, size_gb: int = 1) -> None:
        self.target.create_volume(volume, size_gb * GIB)

    def write_on_target(self, volume: str, mark: str) -> None:
        self.target.write(volume, mark)

    def newest_on_target(self, volume: str) -> str:
        return self.target.read(volume)

    def cut_off_target(self) -> None:
        self.target.down = True


class FakeMirrorBench(FakeBench, MirrorBench):
    def make_mirrored(self, group: str, *volumes: str) -> None:
        self.source.create_pod(group.partition("::")[0], stretched_to=self.target)
        self.make_group(group, *volumes)

    def make_single(self, group: str, *volumes: str) -> None:
        self.source.create_pod(group.partition("::")[0])
        self.make_group(group, *volumes)

    def take_own(self, group: str) -> None:
        self.source.send_point(group)

    def write_on_source(self, volume: str, mark: str) -> None:
        self.source.write(volume, mark)

    def newest_on_source(self, volume: str) -> str:
        return self.source.read(volume)

    def prefer_source(self) -> None:
        for array in (self.source, self.target):
            array.pods[POD].preferred = self.source.array

    def unmediate_target(self) -> None:
        self.target.pods[POD].mediated = False

    def suspend(self) -> None:
        for array in (self.source, self.target):
            array.pods[POD].here = "suspended"

    def part(self) -> None:
        self.target.pods[POD].here = "offline"
        self.target.pods[POD].as_of = datetime.datetime.now(datetime.UTC)

    def meet(self) -> None:
        self.target.pods[POD].here = "resyncing"
        self.target.pods[POD].progress = 0.4

    def lose_source(self) -> None:
        self.source.down = True
