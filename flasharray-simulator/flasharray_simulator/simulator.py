# SPDX-License-Identifier: Apache-2.0
"""The process: every array at its address, the control port, and the passing of time."""

import logging
import threading

from flasharray_simulator import certificates
from flasharray_simulator.commands import Commands
from flasharray_simulator.faults import Faults
from flasharray_simulator.frontend import Frontend
from flasharray_simulator.journal import Journal
from flasharray_simulator.listener import Listener
from flasharray_simulator.settings import Settings
from flasharray_simulator.store import Store

LOG = logging.getLogger(__name__)
# Seconds between looks at what has become due; each request looks too.
TICK = 1.0


class Simulator:
    def __init__(self, settings: Settings) -> None:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._store = Store(settings)
        self._ended = threading.Event()
        faults, journal = Faults(), Journal(settings.state_dir)
        tls = certificates.server_context(
            settings.state_dir, sorted({array.address for array in settings.arrays})
        )
        frontends = {
            array.name: Frontend(array, self._store, faults, journal) for array in settings.arrays
        }
        self._listeners = {
            array.name: Listener(array.address, array.port, frontends[array.name], tls)
            for array in settings.arrays
        }
        commands = Commands(settings, self._store, faults, journal, self._listeners, frontends)
        self._control = Listener(settings.control.address, settings.control.port, commands)
        self._ticking = threading.Thread(target=self._tick, daemon=True)

    def start(self) -> None:
        """Answer at every address; an array that was down remains down."""
        with self._store.transaction() as world:
            up = [name for name in self._listeners if world.array(name).up]
        for name in up:
            self._listeners[name].open()
        self._control.open()
        self._ticking.start()
        for array in self._settings.arrays:
            state = "answers" if array.name in up else "is down"
            LOG.info("%s %s at https://%s:%s", array.name, state, array.address, array.port)

    def stop(self) -> None:
        self._ended.set()
        for listener in (self._control, *self._listeners.values()):
            listener.close()
        self._ticking.join()
        self._store.close()

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            try:
                self._store.pass_time()
            except Exception:
                LOG.exception("time does not pass as it should")
