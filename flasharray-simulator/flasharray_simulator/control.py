# SPDX-License-Identifier: Apache-2.0
"""The control port's client, for tests: what happens to arrays that their users cannot ask for."""

import dataclasses
import http.client
import json
import time
from collections.abc import Callable
from typing import Any


class ControlError(Exception):
    """The simulator cannot be reached, or does not do what it was told."""


@dataclasses.dataclass(frozen=True)
class Write:
    """One write to a volume; ``at`` is world time in seconds since the epoch."""

    marker: str
    at: float
    bytes: int


class Control:
    """May be shared by threads: every call has a connection of its own."""

    def __init__(self, host: str = "127.0.0.1", port: int = 8440, timeout: float = 30.0) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout

    def call(self, command: str, **arguments: Any) -> Any:
        """Run a command of the control port.

        :raises ControlError: it was refused, or there was no answer.
        """
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request("POST", f"/{command}", json.dumps(arguments))
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(
                f"The simulator does not answer at {self._host}:{self._port}: {error}. "
                "Start it with: flasharray-simulator serve --config FILE"
            ) from None
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(answer["error"])
        return answer

    # -- content ------------------------------------------------------------------------------

    def write(self, array: str, volume: str, marker: str, bytes: int | None = None) -> Write:
        """Write a marker to a volume; it stands for so many bytes."""
        given = {} if bytes is None else {"bytes": bytes}
        return _write(self.call("write", array=array, volume=volume, marker=marker, **given))

    def writes(self, array: str, name: str) -> list[Write]:
        """Return what is on a volume or in a snapshot, oldest first."""
        return [_write(found) for found in self.call("writes", array=array, name=name)]

    def markers(self, array: str, name: str) -> list[str]:
        return [write.marker for write in self.writes(array, name)]

    def volumes(self, array: str) -> list[dict[str, Any]]:
        """Return the volumes as the array's own API would."""
        return self.call("volumes", array=array)

    def live_volumes(self, array: str) -> list[str]:
        """Return the names of the volumes that are not destroyed."""
        return [volume["name"] for volume in self.volumes(array) if not volume["destroyed"]]

    # -- arrays and links ---------------------------------------------------------------------

    def array_down(self, array: str) -> None:
        self.call("array_down", array=array)

    def array_up(self, array: str) -> None:
        self.call("array_up", array=array)

    def link_down(self, *arrays: str) -> None:
        """Cut the link of two arrays, or every link."""
        self.call("set_link", arrays=arrays, up=False)

    def link_up(self, *arrays: str) -> None:
        self.call("set_link", arrays=arrays, up=True)

    def set_link(
        self, *arrays: str, bandwidth: float | None = None, lag: float | None = None
    ) -> None:
        """Change what is given: bandwidth in bytes per second, lag in seconds."""
        self.call("set_link", arrays=arrays, bandwidth=bandwidth, lag=lag)

    def mediator_down(self, *arrays: str) -> None:
        """Let these arrays not reach the mediator."""
        for array in arrays:
            self.call("set_mediator", array=array, up=False)

    def mediator_up(self, *arrays: str) -> None:
        for array in arrays:
            self.call("set_mediator", array=array, up=True)

    def expire_sessions(self, array: str) -> None:
        self.call("expire_sessions", array=array)

    # -- replication --------------------------------------------------------------------------

    def replicate(self, array: str, group: str) -> str:
        """Take a snapshot of the group, as its schedule would; return its suffix."""
        return self.call("replicate", array=array, group=group)["suffix"]

    def transfers(self, array: str) -> list[dict[str, Any]]:
        """Return what the array receives and has received."""
        return self.call("transfers", array=array)

    def wait_replicated(self, array: str, snapshot: str, timeout: float = 30.0) -> None:
        """Wait until the snapshot, by its name at the target, is complete there."""
        self._wait(
            lambda: any(
                transfer["snapshot"] == snapshot and transfer["completed"]
                for transfer in self.transfers(array)
            ),
            f"{snapshot} is not complete on {array}",
            timeout,
        )

    def wait_replicating(self, array: str, snapshot: str, timeout: float = 30.0) -> None:
        """Wait until some of the snapshot is at the target, but not all."""
        self._wait(
            lambda: any(
                transfer["snapshot"] == snapshot and 0 < transfer["progress"] < 1
                for transfer in self.transfers(array)
            ),
            f"{snapshot} is not under way to {array}",
            timeout,
        )

    # -- pods ---------------------------------------------------------------------------------

    def pods(self, array: str) -> list[dict[str, Any]]:
        """Return the pods as the array's own API would."""
        return self.call("pods", array=array)

    def pod(self, array: str, name: str) -> dict[str, str]:
        """Return each array of a pod -> its status, as this array sees it."""
        for pod in self.pods(array):
            if pod["name"] == name:
                return {side["name"]: side["status"] for side in pod["arrays"]}
        raise ControlError(f"There is no pod {name} on {array}.")

    def wait_pod(self, array: str, name: str, status: str, timeout: float = 30.0) -> None:
        """Wait until the pod has this status on this array."""
        self._wait(
            lambda: self.pod(array, name)[array] == status,
            f"Pod {name} is not {status} on {array}",
            timeout,
        )

    # -- time ---------------------------------------------------------------------------------

    def time(self) -> float:
        return self.call("time")

    def advance(self, seconds: float) -> None:
        self.call("advance", seconds=seconds)

    def freeze(self) -> None:
        self.call("freeze")

    def resume(self) -> None:
        self.call("resume")

    def set_speed(self, speed: float) -> None:
        self.call("set_speed", speed=speed)

    # -- faults and the journal ---------------------------------------------------------------

    def fault(self, array: str, path: str, **rule: Any) -> None:
        """Make requests fail: flasharray_simulator.faults.Fault says what a rule can be."""
        self.call("fault", array=array, path=path, **rule)

    def slow(self, array: str, path: str, *, seconds: float) -> None:
        """Let all requests to such paths take so long, until faults are cleared."""
        self.fault(array, path, action="delay", seconds=seconds, count=0)

    def clear_faults(self) -> None:
        self.call("clear_faults")

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        return self.call("journal", since=since)

    def reset(self) -> None:
        self.call("reset")

    # -- inside -------------------------------------------------------------------------------

    def _wait(self, condition: Callable[[], bool], otherwise: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise ControlError(f"{otherwise} after {timeout:g} seconds.")
            time.sleep(0.1)


def _write(found: dict[str, Any]) -> Write:
    return Write(marker=found["marker"], at=found["at"] / 1000, bytes=found["bytes"])
