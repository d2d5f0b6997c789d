# SPDX-License-Identifier: Apache-2.0
"""The control port: ``POST /<command>`` with the command's arguments as a JSON object."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from flasharray_simulator import clock, replication, snapshots
from flasharray_simulator.errors import BadSettings, Refusal
from flasharray_simulator.faults import Fault, Faults
from flasharray_simulator.frontend import Frontend
from flasharray_simulator.journal import Journal
from flasharray_simulator.listener import Listener, Request, Response
from flasharray_simulator.model import content
from flasharray_simulator.model.pods import Pod
from flasharray_simulator.model.tables import (
    Group,
    Transfer,
    Volume,
    VolumeSnapshot,
)
from flasharray_simulator.rest import pods as rest_pods
from flasharray_simulator.rest import volumes as rest_volumes
from flasharray_simulator.settings import Settings
from flasharray_simulator.store import Store

DEFAULT_WRITE = 1024**2


class Commands:
    """What the control port can be told; each public method is a command."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        faults: Faults,
        journal: Journal,
        listeners: Mapping[str, Listener],
        frontends: Mapping[str, Frontend],
    ) -> None:
        self._settings = settings
        self._store = store
        self._faults = faults
        self._journal = journal
        self._listeners = listeners
        self._frontends = frontends

    def __call__(self, request: Request) -> Response:
        try:
            answer = self._run(request)
        except (Refusal, BadSettings) as error:
            return _json({"error": str(error)}, 400)
        return _json(answer)

    def _run(self, request: Request) -> Any:
        command = self._command(request.path.strip("/"))
        try:
            arguments = json.loads(request.body or b"{}")
            inspect.signature(command).bind(**arguments)
        except ValueError:
            raise BadSettings("the request's body is not JSON") from None
        except TypeError as error:
            raise BadSettings(f"{request.path.strip('/')}: {error}") from None
        return command(**arguments)

    def _command(self, name: str) -> Callable[..., Any]:
        command = None if name.startswith("_") else getattr(self, name, None)
        if command is None:
            known = ", ".join(sorted(n for n in vars(type(self)) if not n.startswith("_")))
            raise BadSettings(f"there is no command {name}; there are {known}")
        return command

    # -- content ------------------------------------------------------------------------------

    def write(
        self, array: str, volume: str, marker: str, bytes: int = DEFAULT_WRITE
    ) -> dict[str, Any]:
        """Write a marker, which stands for so many bytes, to a volume."""
        with self._store.transaction() as world:
            written = world.live(Volume, world.array(array).name, volume)
            if written.promotion == "demoted":
                raise Refusal(f"Volume {volume} is demoted, so it is read-only.")
            if not world.array(array).up:
                raise Refusal(f"Array {array} is down; nothing can be written to it.")
            written.content = content.written(written.content, marker, world.now, bytes)
            return written.content[-1]

    def writes(self, array: str, name: str) -> list[dict[str, Any]]:
        """Return what was written to a volume, or was when a snapshot froze it."""
        with self._store.transaction() as world:
            name_of_array = world.array(array).name
            found = world.get(Volume, name_of_array, name) or world.find(
                VolumeSnapshot, name_of_array, name
            )
            pod = world.pod(found)
            if pod and isinstance(found, Volume):
                return pod.side(name_of_array).content(found.serial, found.content)
            return found.content

    def volumes(self, array: str) -> list[dict[str, Any]]:
        with self._store.transaction() as world:
            name = world.array(array).name
            return [rest_volumes.item(volume, world, name) for volume in world.all(Volume, name)]

    # -- arrays and links ---------------------------------------------------------------------

    def array_down(self, array: str) -> None:
        """Break the array's connections and close its port; it stops replicating."""
        self._listener(array).close()
        self._set_up(array, False)

    def array_up(self, array: str) -> None:
        listener = self._listener(array)
        try:
            listener.open()
        except OSError as error:
            raise BadSettings(f"{array} cannot listen at its address: {error}") from None
        self._set_up(array, True)

    def set_link(
        self,
        arrays: list[str] | None = None,
        up: bool | None = None,
        bandwidth: float | None = None,
        lag: float | None = None,
    ) -> None:
        """Change what is given of the link of two arrays, or of every link.

        Bandwidth is in bytes per second, lag in seconds.
        """
        given = {"up": up, "bandwidth": bandwidth, "lag": lag}
        with self._store.transaction() as world:
            for link in world.every_link if not arrays else [world.link(*arrays)]:
                for field, value in given.items():
                    if value is not None:
                        setattr(link, field, value)

    def set_mediator(self, array: str, up: bool) -> None:
        """Let the array reach the mediator of its pods, or not."""
        with self._store.transaction() as world:
            world.array(array).mediator = up

    def pods(self, array: str) -> list[dict[str, Any]]:
        """Return the pods as this array sees them, and so do its clients."""
        with self._store.transaction() as world:
            name = world.array(array).name
            return [rest_pods.item(pod, world, name) for pod in world.all(Pod, name)]

    def expire_sessions(self, array: str) -> None:
        self._frontends[self._listener_name(array)].expire_sessions()

    # -- replication --------------------------------------------------------------------------

    def replicate(self, array: str, group: str) -> dict[str, Any]:
        """Take a snapshot of a group and send it, as its schedule would."""
        with self._store.transaction() as world:
            found = world.live(Group, world.array(array).name, group)
            snapshot = snapshots.take_group(world, found, None, kept=False)
            replication.queue(world, snapshot, urgent=True)
            return {"name": snapshot.name, "suffix": snapshot.suffix}

    def transfers(self, array: str) -> list[dict[str, Any]]:
        """Return what this array receives and has received, first come first."""
        with self._store.transaction() as world:
            found = world.session.query(Transfer).filter_by(target=array).order_by(Transfer.id)
            return [_transfer(transfer) for transfer in found]

    # -- time ---------------------------------------------------------------------------------

    def time(self) -> float:
        """Return world time, in seconds."""
        with self._store.transaction() as world:
            return world.now / 1000

    def advance(self, seconds: float) -> None:
        """Let time jump; all that is due in between happens, each thing at its moment."""
        if seconds < 0:
            raise BadSettings("time does not go back; give seconds that are not negative")
        with self._store.transaction() as world:
            clock.advance(world.session, seconds)
        self._store.pass_time()

    def freeze(self) -> None:
        self.set_speed(0)

    def resume(self) -> None:
        self.set_speed(1)

    def set_speed(self, speed: float) -> None:
        if speed < 0:
            raise BadSettings("time does not go back; give a speed that is not negative")
        with self._store.transaction() as world:
            clock.set_speed(world.session, speed)

    # -- faults and the journal ---------------------------------------------------------------

    def fault(self, **rule: Any) -> None:
        """Make requests fail; the rule's fields are Fault's."""
        try:
            self._faults.add(Fault(**rule))
        except TypeError as error:
            raise BadSettings(str(error).split("() ")[-1]) from None

    def clear_faults(self) -> None:
        self._faults.clear()

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        return self._journal.read(since)

    def reset(self) -> None:
        """Forget everything: all arrays are up, new and empty. Who was logged in remains so."""
        self._faults.clear()
        self._store.reset()
        self._journal.clear()
        for listener in self._listeners.values():
            listener.open()

    # -- inside -------------------------------------------------------------------------------

    def _listener_name(self, array: str) -> str:
        with self._store.transaction() as world:
            return world.array(array).name

    def _listener(self, array: str) -> Listener:
        return self._listeners[self._listener_name(array)]

    def _set_up(self, array: str, up: bool) -> None:
        with self._store.transaction() as world:
            world.array(array).up = up


def _transfer(transfer: Transfer) -> dict[str, Any]:
    shown = transfer.replica or transfer.sent
    return {
        "snapshot": shown.name if shown else None,
        "source": transfer.source,
        "queued": transfer.queued,
        "started": transfer.started,
        "completed": transfer.completed,
        "total": transfer.total,
        "done": int(transfer.done),
        "progress": transfer.progress,
    }


def _json(answer: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})
