# SPDX-License-Identifier: Apache-2.0
"""Waiting for what others do: it may take any time, as long as it comes on."""

import functools
import time
from collections.abc import Callable
from typing import TypeVar

from protector import errors
from protector.engine.step import Step

T = TypeVar("T")


class WatchingStep(Step):
    def watch(
        self, look: Callable[[], T], done: Callable[[T], bool], told: Callable[[T], str]
    ) -> T:
        """Look until it is done, and tell how far it is.

        :raises OperationCancelled: it is cancelled meanwhile.
        :raises StandsStill: what is told has been the same for too long.
        """
        said, since = "", time.monotonic()
        while True:
            seen = self.patiently(look)
            self.came_on()
            if done(seen):
                return seen
            if told(seen) != said:
                said, since = told(seen), time.monotonic()
                self.patiently(functools.partial(self.tell, said))
            self._must_come_on(said, time.monotonic() - since)
            self.pause()

    def pause(self) -> None:
        """Wait a moment; then see that it is still ours to go on."""
        time.sleep(self.work.equipment.conf.engine.watch_interval)
        self.patiently(self.work.must_be_ours)

    # -- inside -------------------------------------------------------------------------------

    def _must_come_on(self, said: str, seconds: float) -> None:
        if self.stops_for(self.patiently(self.work.cancelled)):
            raise errors.OperationCancelled(operation=self.work.claim.operation_id)
        limit: float = self.work.equipment.conf.engine.standstill_timeout
        if seconds > limit:
            raise errors.StandsStill(what=said, seconds=f"{limit:g}")
