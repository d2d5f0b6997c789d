# SPDX-License-Identifier: Apache-2.0
"""In front of all of a site's OpenStack services, for whoever signs in through it.

Keystone's answers have the catalog, the services' own answers have links, and each mention of a
service in them is turned into one of its place here. So a client stays on this way of itself, and
all others know nothing of it.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping

from testbed.faults.calls import Call, call
from testbed.faults.kinds import Fault
from testbed.relay import Answer, Relay, Reply, Request, Silence


@dataclasses.dataclass
class Strike:
    """From the ``nth`` such call on, the fault happens, as often as it does.

    ``fault`` is None: the call is carried on as ever. ``act`` is done when a call is struck.
    ``seen``: how many such calls have come; ``over`` ends what hangs.
    """

    call: Call
    fault: Fault | None
    nth: int = 1
    act: Callable[[], None] | None = None
    seen: int = 0
    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    @property
    def struck(self) -> bool:
        return self.seen >= self.nth

    def falls_on(self, call: Call) -> bool:
        """Count a call if it is meant, and tell whether it is struck."""
        if call != self.call:
            return False
        self.seen += 1
        times = self.fault.times if self.fault else 1
        return self.struck and (not times or self.seen < self.nth + times)


class Proxy:
    def __init__(self, services: Mapping[str, str]) -> None:
        """:param services: name -> URL, of scheme, host and port."""
        self._names = {url: name for name, url in services.items()}
        self._relays = {name: Relay(url, self._handle) for name, url in services.items()}
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._strike: Strike | None = None

    def url(self, service: str) -> str:
        return self._relays[service].url

    @contextlib.contextmanager
    def open(self) -> Iterator["Proxy"]:
        with contextlib.ExitStack() as opened:
            for relay in self._relays.values():
                opened.enter_context(relay.open())
            yield self
            self.clear()

    def strike(self, strike: Strike) -> None:
        """Let calls be struck, and none by what was set before."""
        self.clear()
        with self._lock:
            self._strike = strike

    def clear(self) -> None:
        """Carry everything on from now; what hangs is cut."""
        with self._lock:
            if self._strike:
                self._strike.over.set()
            self._strike = None

    def recorded(self) -> list[Call]:
        """Return the calls that have come since this was last asked, in order."""
        with self._lock:
            calls, self._calls = self._calls, []
        return calls

    # -- inside -------------------------------------------------------------------------------

    def _handle(self, relay: Relay, request: Request) -> Reply:
        kind = call(self._names[relay.service], request.method, request.path, request.body)
        with self._lock:
            self._calls.append(kind)
            strike = self._strike if self._strike and self._strike.falls_on(kind) else None
        if strike and strike.act:
            strike.act()
        if strike and strike.fault:
            return self._struck(relay, request, strike, strike.fault)
        return self._passed_on(relay, request)

    def _struck(self, relay: Relay, request: Request, strike: Strike, fault: Fault) -> Reply:
        if fault.passed_on:
            relay.pass_on(request)
        if fault.reply is not None:
            return fault.reply
        strike.over.wait()
        return Silence.CUT

    def _passed_on(self, relay: Relay, request: Request) -> Reply:
        reply = relay.pass_on(request)
        if not isinstance(reply, Answer):
            return reply
        headers = [(name, self._leading_here(value)) for name, value in reply.headers]
        body = self._leading_here(reply.body.decode("latin-1")).encode("latin-1")
        return Answer(reply.status, headers, body)

    def _leading_here(self, text: str) -> str:
        for relay in self._relays.values():
            text = text.replace(relay.service, relay.url)
        return text
