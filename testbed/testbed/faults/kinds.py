# SPDX-License-Identifier: Apache-2.0
"""What can become of a request to a service of OpenStack."""

import dataclasses
import json

from testbed.relay import Answer, Silence


@dataclasses.dataclass(frozen=True)
class Fault:
    """``passed_on``: whether the service hears of it, and does it, before things go wrong.

    ``reply``: what the client hears; None: nothing, for as long as it waits.
    """

    name: str
    passed_on: bool
    reply: Answer | Silence | None


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
        Fault("500-before", passed_on=False, reply=_said(500, "Internal Server Error")),
        Fault("500-after", passed_on=True, reply=_said(500, "Internal Server Error")),
        Fault("cut-after", passed_on=True, reply=Silence.CUT),
        Fault("reset-before", passed_on=False, reply=Silence.RESET),
        Fault("hang-before", passed_on=False, reply=None),
        Fault("hang-after", passed_on=True, reply=None),
        Fault("429", passed_on=False, reply=_said(429, "Too Many Requests", ("Retry-After", "1"))),
        Fault("401", passed_on=False, reply=_said(401, "Unauthorized")),
    )
}
