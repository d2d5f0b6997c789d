# SPDX-License-Identifier: Apache-2.0
"""One case: the operation meets a fault, and whoever asked for it does what a message says."""

import contextlib
import dataclasses
import re
import time
from typing import Any

from openstack.exceptions import HttpException, SDKException

from testbed.census import Count
from testbed.faults.calls import ARRAY
from testbed.faults.cases import Case
from testbed.faults.scene import Scene

# Seconds.
END = 150
# What an engine tidies up after the end, it does at its next look.
TIDY = 5
PAUSE = 0.2
# A trust whose id nobody came to know is given some minutes, before it is taken for nobody's.
TIDY_TRUSTS = 420
PAUSE_FOR_TRUSTS = 10
ENDLESS = "does not end"
UNSTRUCK = ", and nothing went wrong"
ATTEMPTS = 3
# How people call them.
NAMES = {
    "keystone": "Keystone",
    "nova": "Nova",
    "neutron": "Neutron",
    "cinder": "Cinder",
    "glance": "Glance",
    "placement": "Placement",
    "mariadb": "database",
    "rabbitmq": "message queue",
}
# What a person can do, or look at.
REMEDY = re.compile(r"openstack |systemctl |\b[Cc]heck\b|\b[Rr]etry\b|\bagain\b|\bSee\b|\bRun\b")
# What nobody should have to read.
NOISE = re.compile(r"Traceback|<html|object at 0x|Exception|\bNone\b")
GOOD = ("completed", "failed_then_completed", "refused_then_completed")


@dataclasses.dataclass(frozen=True)
class Result:
    """``message``: what was said of the fault, when the operation did not complete at once."""

    service: str
    call: str
    fault: str
    outcome: str
    message: str
    doubles: list[str]
    orphans: list[str]
    missing: list[str]
    seconds: float

    @property
    def is_good(self) -> bool:
        return self.outcome in GOOD and not (self.doubles or self.orphans or self.missing)


def run(scene: Scene, case: Case) -> Result:
    """Try a case from the beginning; anew, if the call did not come.

    An engine makes some by the clock, as when it looks for trusts that nobody needs.
    """
    began = time.monotonic()
    for _ in range(ATTEMPTS):
        scene.put_back()
        message, ending = _tried(scene, case)
        if not ending.endswith(UNSTRUCK):
            break
    count = _count(scene)
    return Result(
        service=case.service,
        call=str(case.call),
        fault=case.fault,
        outcome=ending,
        message=message,
        **dataclasses.asdict(count),
        seconds=round(time.monotonic() - began, 1),
    )


def undisturbed(scene: Scene) -> None:
    """Let the operation be done without any fault.

    :raises SystemExit: even so it does not end well.
    """
    scene.put_back()
    how, message = _ended(scene, scene.drill.ask(scene.testbed))
    count = _count(scene)
    if how != "completed" or count:
        raise SystemExit(f"undisturbed, it ended {how}: {message} {'; '.join(count)}")


def lacking(message: str, *, cause: str) -> list[str]:
    """Return what a message about the cause lacks to be of use."""
    lacking = []
    if cause.lower() not in message.lower():
        lacking.append(f"does not name {cause}")
    if not REMEDY.search(message):
        lacking.append("has no remedy")
    if NOISE.search(message):
        lacking.append("is not for people")
    return lacking


def _tried(scene: Scene, case: Case) -> tuple[str, str]:
    """Return what was said of the fault, and how it all ended."""
    with scene.going_wrong(case) as gone_wrong:
        operation_id = None
        try:
            operation_id = scene.drill.ask(scene.testbed)
            first, message = _ended(scene, operation_id)
        except HttpException as error:
            first, message = "refused", str(error.details)
        if not gone_wrong():
            return message, f"{first}{UNSTRUCK}"
    if first in ("completed", ENDLESS):
        return message, first
    cause = scene.array if case.service == ARRAY else NAMES[case.service]
    if faults := lacking(message, cause=cause):
        first = f"{first} ({', '.join(faults)})"
    return message, f"{first}_then_{_again(scene, operation_id)}"


def _again(scene: Scene, operation_id: str | None) -> str:
    """Retry the operation, or ask for it when it was refused; return how that ended."""
    try:
        if operation_id:
            again = str(scene.protector.retry_operation(operation_id).operation_id)
        else:
            again = scene.drill.ask(scene.testbed)
        how, message = _ended(scene, again)
    except HttpException as error:
        return f"refused: {error.details}"
    return how if how == "completed" else f"{how}: {message}"


def _ended(scene: Scene, operation_id: str) -> tuple[str, str]:
    """Return how the operation ended, and with what message."""
    deadline = time.monotonic() + END
    while time.monotonic() < deadline:
        with contextlib.suppress(SDKException):  # the site itself may be ill
            shown: Any = scene.protector.get_operation(operation_id)
            if shown.has_ended:
                return str(shown.status), str(shown.error_message or "")
        time.sleep(PAUSE)
    return ENDLESS, ""


def _count(scene: Scene) -> Count:
    """Count the world, once all is tidied up or should be."""
    began = time.monotonic()
    while True:
        found = scene.drill.count(scene.testbed)
        only_trusts = all(sentence.startswith("Trust ") for sentence in found)
        if not found or time.monotonic() > began + (TIDY_TRUSTS if only_trusts else TIDY):
            return found
        # Each look takes connections, of which the services hold only so many.
        time.sleep(PAUSE_FOR_TRUSTS if only_trusts else PAUSE)
