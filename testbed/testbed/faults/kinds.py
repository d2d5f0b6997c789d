# SPDX-License-Identifier: Apache-2.0
"""What can become of a request, to a service of OpenStack or to an array."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from testbed.relay import Answer, Silence


@dataclasses.dataclass(frozen=True)
class Fault:
    """``passed_on``: whether the service hears of it, and does it, before things go wrong.

    ``reply``: what the client hears; None: nothing, for as long as it waits. ``times``: how often
    it happens; 0: each time.
    """

    name: str
    passed_on: bool
    reply: Answer | Silence | None
    times: int = 1


def _said(status: int, title: str, *headers: tuple[str, str]) -> Answer:
    error = {"error": {"code": status, "title": title, "message": title}}
    kind = ("Content-Type", "application/json")
    return Answer(status, [kind, *headers], json.dumps(error).encode())


# What a load balancer says when it has no server to ask.
UNAVAILABLE = Answer(
    503,
    [("Content-Type", "text/html")],
    b"<html><body><h1>503 Service Unavailable</h1>\n"
    b"No server is available to handle this request.\n</body></html>\n",
)
FAULTS = {
    fault.name: fault
    for fault in (
        Fault("503-before", passed_on=False, reply=UNAVAILABLE),
        Fault("503-after", passed_on=True, reply=UNAVAILABLE),
        Fault("503-lasting", passed_on=False, reply=UNAVAILABLE, times=0),
        Fault("500-before", passed_on=False, reply=_said(500, "Internal Server Error")),
        Fault("500-after", passed_on=True, reply=_said(500, "Internal Server Error")),
        Fault("cut-after", passed_on=True, reply=Silence.CUT),
        Fault("reset-before", passed_on=False, reply=Silence.RESET),
        Fault("hang-before", passed_on=False, reply=None),
        Fault("hang-after", passed_on=True, reply=None),
        Fault("hang-lasting", passed_on=False, reply=None, times=0),
        Fault("429", passed_on=False, reply=_said(429, "Too Many Requests", ("Retry-After", "1"))),
        Fault("401", passed_on=False, reply=_said(401, "Unauthorized")),
    )
}

# The same for an array, as rules of the simulator's.
ARRAY_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "500-before": {"status": 500},
    "500-after": {"status": 500, "after": True},
    "500-lasting": {"status": 500, "count": 0},
    "cut-after": {"action": "drop", "after": True},
    "cut-lasting": {"action": "drop", "count": 0},
    "reset-before": {"action": "reset"},
    "hang-before": {"action": "hang"},
    "hang-after": {"action": "hang", "after": True},
    # Seconds: shorter than Protector waits here.
    "slow": {"action": "delay", "seconds": 2},
    "busy": {"status": 503, "error": "Busy", "retry_after": 1, "count": 3},
    "401": {"status": 401, "error": "Log in first"},
}
