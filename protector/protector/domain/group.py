# SPDX-License-Identifier: Apache-2.0
"""The states of a protection group: one table, nothing beside it."""

import dataclasses
import enum

from protector import errors
from protector.domain.operation import Kind


class Status(enum.StrEnum):
    CREATING = "creating"
    ACTIVE = "active"
    TESTING = "testing"
    FAILING_OVER = "failing_over"
    FAILED_OVER = "failed_over"
    FAILED_OVER_PARTIAL = "failed_over_partial"
    REPROTECTING = "reprotecting"
    FAILING_BACK = "failing_back"
    HANDING_OVER = "handing_over"
    DELETING = "deleting"
    ERROR = "error"


class Event(enum.StrEnum):
    CREATE = "be created"
    EDIT = "be changed"
    FAIL_OVER = "fail over"
    RETRY_FAILOVER = "go on with its failover"
    REPROTECT = "be protected by its other site"
    FAIL_BACK = "fail back"
    RETRY_FAILBACK = "go on with its failback"
    HAND_OVER = "be handed over to its other site"
    HAND_BACK = "be handed back"
    TEST = "be tested"
    CLEAN_UP = "have its test cleaned up"
    RETURN_TO_ACTIVE = "return to active"
    RETURN_TO_FAILED_OVER = "return to failed_over"
    RETURN_TO_PARTIAL = "return to failed_over_partial"
    BREAK = "break"
    DELETE = "be deleted"


# Read a row as: a group in STATUS, on EVENT, becomes STATUS.
TRANSITIONS: dict[Status, dict[Event, Status]] = {
    Status.CREATING: {
        Event.CREATE: Status.ACTIVE,
        Event.BREAK: Status.ERROR,
    },
    Status.ACTIVE: {
        Event.EDIT: Status.ACTIVE,
        Event.FAIL_OVER: Status.FAILING_OVER,
        Event.RETRY_FAILOVER: Status.FAILING_OVER,
        Event.HAND_OVER: Status.HANDING_OVER,
        Event.TEST: Status.TESTING,
        Event.CLEAN_UP: Status.ACTIVE,
        Event.DELETE: Status.DELETING,
        Event.BREAK: Status.ERROR,
    },
    # While a test runs, and until it is cleaned up. It does not stand in a disaster's way.
    Status.TESTING: {
        Event.FAIL_OVER: Status.FAILING_OVER,
        Event.RETRY_FAILOVER: Status.FAILING_OVER,
        Event.CLEAN_UP: Status.TESTING,
        Event.RETURN_TO_ACTIVE: Status.ACTIVE,
    },
    Status.FAILING_OVER: {
        Event.RETURN_TO_ACTIVE: Status.ACTIVE,
        Event.RETURN_TO_PARTIAL: Status.FAILED_OVER_PARTIAL,
        Event.BREAK: Status.ERROR,
    },
    Status.FAILED_OVER: {
        Event.EDIT: Status.FAILED_OVER,
        Event.REPROTECT: Status.REPROTECTING,
        Event.FAIL_BACK: Status.FAILING_BACK,
        Event.RETRY_FAILBACK: Status.FAILING_BACK,
        Event.HAND_OVER: Status.HANDING_OVER,
        Event.CLEAN_UP: Status.FAILED_OVER,
    },
    Status.FAILED_OVER_PARTIAL: {
        Event.EDIT: Status.FAILED_OVER_PARTIAL,
        Event.CLEAN_UP: Status.FAILED_OVER_PARTIAL,
        Event.FAIL_OVER: Status.FAILING_OVER,
        Event.RETRY_FAILOVER: Status.FAILING_OVER,
        Event.REPROTECT: Status.REPROTECTING,
        Event.FAIL_BACK: Status.FAILING_BACK,
        Event.RETRY_FAILBACK: Status.FAILING_BACK,
        Event.HAND_OVER: Status.HANDING_OVER,
    },
    Status.REPROTECTING: {
        Event.RETURN_TO_FAILED_OVER: Status.FAILED_OVER,
        Event.RETURN_TO_PARTIAL: Status.FAILED_OVER_PARTIAL,
        Event.BREAK: Status.ERROR,
    },
    Status.FAILING_BACK: {
        Event.RETURN_TO_FAILED_OVER: Status.FAILED_OVER,
        Event.RETURN_TO_PARTIAL: Status.FAILED_OVER_PARTIAL,
        Event.BREAK: Status.ERROR,
    },
    Status.HANDING_OVER: {
        Event.HAND_BACK: Status.HANDING_OVER,
        Event.RETURN_TO_ACTIVE: Status.ACTIVE,
        Event.RETURN_TO_FAILED_OVER: Status.FAILED_OVER,
        Event.RETURN_TO_PARTIAL: Status.FAILED_OVER_PARTIAL,
        Event.BREAK: Status.ERROR,
    },
    Status.DELETING: {
        Event.RETURN_TO_ACTIVE: Status.ACTIVE,
        Event.BREAK: Status.ERROR,
    },
    Status.ERROR: {
        Event.RETRY_FAILOVER: Status.FAILING_OVER,
        Event.RETRY_FAILBACK: Status.FAILING_BACK,
        Event.CLEAN_UP: Status.ERROR,
        Event.DELETE: Status.DELETING,
    },
}

# How a group that was busy comes back to what its document says: by the document's status.
RETURN: dict[str, Event] = {
    Status.ACTIVE: Event.RETURN_TO_ACTIVE,
    Status.FAILED_OVER: Event.RETURN_TO_FAILED_OVER,
    Status.FAILED_OVER_PARTIAL: Event.RETURN_TO_PARTIAL,
}


@dataclasses.dataclass(frozen=True)
class Course:
    """What an operation is to its group.

    ``begin``: with this it begins, ``again``: when one that failed is continued (None: it cannot
    be). ``busy``: the group's status meanwhile. ``cancellable``: else it only goes forward.
    """

    begin: Event
    again: Event | None
    busy: Status
    cancellable: bool = True


COURSES: dict[Kind, Course] = {
    Kind.FAILOVER: Course(Event.FAIL_OVER, Event.RETRY_FAILOVER, Status.FAILING_OVER),
    Kind.REPROTECT: Course(Event.REPROTECT, Event.REPROTECT, Status.REPROTECTING),
    Kind.FAILBACK: Course(Event.FAIL_BACK, Event.RETRY_FAILBACK, Status.FAILING_BACK),
    Kind.HAND_OVER: Course(Event.HAND_OVER, None, Status.HANDING_OVER),
    Kind.HAND_BACK: Course(Event.HAND_BACK, None, Status.HANDING_OVER),
    Kind.TEST_FAILOVER: Course(Event.TEST, None, Status.TESTING),
    Kind.TEST_CLEANUP: Course(Event.CLEAN_UP, Event.CLEAN_UP, Status.TESTING, cancellable=False),
}

# What to type to leave a state in which the wanted event is refused.
WAY_OUT: dict[Status, str] = {
    Status.CREATING: "Wait until it is active: openstack protector protection-group show {name}",
    Status.ACTIVE: "See what it is: openstack protector protection-group show {name}",
    Status.TESTING: (
        "Follow its test: openstack protector operation list --protection-group {name}. When it has"
        " ended, remove it: openstack protector protection-group test-cleanup {name}"
    ),
    Status.FAILING_OVER: (
        "Follow the operation: openstack protector operation list --protection-group {name}. If no"
        " engine works on it any more:"
        " openstack protector protection-group reset-state {name} --state active"
    ),
    Status.FAILED_OVER: (
        "It runs on its current primary site already:"
        " openstack protector protection-group show {name}"
    ),
    Status.FAILED_OVER_PARTIAL: (
        "See which VMs are missing: openstack protector operation list --protection-group {name}."
        " Then go on with corrected mappings: openstack protector operation retry <operation>"
    ),
    Status.REPROTECTING: (
        "Follow the operation: openstack protector operation list --protection-group {name}. If no"
        " engine works on it any more:"
        " openstack protector protection-group reset-state {name} --state failed_over"
    ),
    Status.FAILING_BACK: (
        "Follow the operation: openstack protector operation list --protection-group {name}. If no"
        " engine works on it any more:"
        " openstack protector protection-group reset-state {name} --state failed_over"
    ),
    Status.HANDING_OVER: (
        "Its other site takes it over; follow the operation there: openstack protector operation"
        " list --protection-group {name}. If that site is lost and will not go on: openstack"
        " protector protection-group reset-state {name} --state active, then start its VMs:"
        " openstack server start <vm>"
    ),
    Status.DELETING: "Wait until it is gone: openstack protector protection-group list",
    Status.ERROR: (
        "See the last operation: openstack protector operation list --protection-group {name}."
        " Then go on with it: openstack protector operation retry <operation>, or:"
        " openstack protector protection-group reset-state {name} --state active"
    ),
}


def after(status: Status, event: Event, *, name: str) -> Status:
    """Return the status that follows.

    :param name: the group's name, for the refusal.
    :raises errors.WrongStatus: the table has no such transition.
    """
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        raise refusal(status, event.value, name=name) from None


def refusal(status: Status, event: str, *, name: str) -> errors.WrongStatus:
    """Return the sentence that a group in this status cannot do that, and how to leave it."""
    return errors.WrongStatus(
        group=name,
        status=status.value,
        event=event,
        way_out=WAY_OUT[status].format(name=name),
    )
