# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, once for each call: the cases of a run."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence

from testbed.faults.calls import ARRAY, Call
from testbed.faults.kinds import ARRAY_FAULTS, FAULTS

RESTART = "restart"
RESTARTED = ("mariadb", "rabbitmq")
# In the middle: when the first volume is given to Cinder, and when the first server is made.
MIDDLES = (
    Call("cinder", "POST", "/v3/manageable_volumes"),
    Call("nova", "POST", "/v2.1/servers"),
)
# When no others are asked for: one of each kind.
USUAL = ("503-before", "503-after", "503-lasting", "hang-after", "429")
USUAL_OF_ARRAY = ("500-before", "500-after", "500-lasting", "cut-after", "slow", "busy")
# Of a call that changes nothing they are the same as before.
ERRORS_AFTER = ("500-after", "503-after")


@dataclasses.dataclass(frozen=True)
class Case:
    """``service``: whose fault it is; ``call``: at which call it happens."""

    service: str
    call: Call
    fault: str


def cases(
    calls: Iterable[Call], *, services: Collection[str] = (), words: Sequence[str] = ()
) -> Iterator[Case]:
    """Yield every case of these calls.

    :param services: only theirs. :param words: faults with one of them in their name, usual or not.
    """
    for case in _all(sorted(set(calls)), words):
        if not services or case.service in services:
            yield case


def _all(calls: Sequence[Call], words: Sequence[str]) -> Iterator[Case]:
    for call in calls:
        of_array = call.service == ARRAY
        known = ARRAY_FAULTS if of_array else FAULTS
        usual = USUAL_OF_ARRAY if of_array else USUAL
        for fault in _chosen(known, words) if words else usual:
            if call.changes or fault not in ERRORS_AFTER:
                yield Case(call.service, call, fault)
    if not words or any(word in RESTART for word in words):
        yield from (
            Case(service, call, RESTART)
            for service in RESTARTED
            for call in MIDDLES
            if call in calls
        )


def _chosen(known: Iterable[str], words: Sequence[str]) -> Iterator[str]:
    return (name for name in known if any(word in name for word in words))
