# SPDX-License-Identifier: Apache-2.0
"""The line to a site's protector-api, with somebody on it who can strike at a message.

Whoever looks Protector up in the site's catalog comes here, and is passed on. A strike happens when
the message has arrived and was not passed on yet, or when the site has done what it asks and the
answer is on its way back.
"""

import contextlib
import dataclasses
import re
import threading
from collections.abc import Callable, Iterator
from typing import Literal

from testbed.relay import Relay, Reply, Request, Silence
from testbed.testbed import Testbed

PORT = 8788

When = Literal["before", "after"]


@dataclasses.dataclass(frozen=True)
class Message:
    """``path``: an expression that the whole of it matches."""

    name: str
    method: str
    path: str

    def is_meant(self, method: str, path: str) -> bool:
        return method == self.method and re.fullmatch(self.path, path) is not None


# What an edit says to the peer, in this order.
PREPARE = Message("prepare", "PUT", "/v1/peer/documents/[^/]+/prepared")
COMMIT = Message("commit", "POST", "/v1/peer/documents/[^/]+/commit")
EDIT = (PREPARE, COMMIT)
# What the creation of a group says besides.
ALLOW = Message("allow replication", "POST", "/v1/peer/replicated-groups")


@dataclasses.dataclass
class Strike:
    """Done once, at the first such message; ``over`` is set when that message is dealt with."""

    message: Message
    when: When
    act: Callable[[], None]
    answer_is_lost: bool
    struck: bool = False
    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    def fall(self) -> None:
        self.struck = True
        self.act()


class Line:
    """Carries every message to where it is meant to go; those of a strike as that wants it."""

    def __init__(self, address: str) -> None:
        self._strike: Strike | None = None
        self._relay = Relay(f"http://{address}:{PORT}", self._carry)
        self.url = self._relay.url

    def strike_at(
        self, message: Message, when: When, act: Callable[[], None], *, answer_is_lost: bool
    ) -> Strike:
        self._strike = Strike(message, when, act, answer_is_lost)
        return self._strike

    @contextlib.contextmanager
    def open(self) -> Iterator["Line"]:
        with self._relay.open():
            yield self

    def _carry(self, relay: Relay, request: Request) -> Reply:
        """Return the site's answer, unless there is none or it is lost."""
        strike, path = self._strike, request.path.split("?")[0]
        if not strike or strike.struck or not strike.message.is_meant(request.method, path):
            return relay.pass_on(request)
        try:
            if strike.when == "before":
                strike.fall()
            answer = relay.pass_on(request)
            if strike.when == "after":
                strike.fall()
            return Silence.CUT if strike.answer_is_lost else answer
        finally:
            strike.over.set()


@contextlib.contextmanager
def line_to(testbed: Testbed, site: str) -> Iterator[Line]:
    """Put a line into the site's catalog for a while.

    Protector looks there when it signs in, so both are started again.
    """
    admin = testbed.cloud(f"{site}-admin")
    service = admin.identity.find_service("protector", ignore_missing=False)
    (public,) = admin.identity.endpoints(service_id=service.id, interface="public")
    own_url = public.url
    with Line(testbed.address(site)).open() as line:
        try:
            admin.identity.update_endpoint(public, url=line.url)
            _start_again(testbed)
            yield line
        finally:
            admin.identity.update_endpoint(public, url=own_url)
            _start_again(testbed)


def _start_again(testbed: Testbed) -> None:
    with contextlib.ExitStack() as stopped:
        for site in testbed.sites:
            stopped.enter_context(testbed.protector_stopped(site))
