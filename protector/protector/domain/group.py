# SPDX-License-Identifier: Apache-2.0
"""The states of a protection group: one table, nothing beside it."""

import enum

from protector import errors


class Status(enum.StrEnum):
    CREATING = "creating"
    ACTIVE = "active"
    FAILING_OVER = "failing_over"
    FAILED_OVER = "failed_over"
    FAILED_OVER_PARTIAL = "failed_over_partial"
    DELETING = "deleting"
    ERROR = "error"


class Event(enum.StrEnum):
    CREATE = "be created"
    EDIT = "be changed"
    FAIL_OVER = "fail over"
    RETRY = "go on with its last operation"
    FINISH = "finish"
    FINISH_PARTLY = "finish in part"
    UNDO = "return to where it was"
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
        Event.RETRY: Status.FAILING_OVER,
        Event.DELETE: Status.DELETING,
        Event.BREAK: Status.ERROR,
    },
    Status.FAILING_OVER: {
        Event.FINISH: Status.FAILED_OVER,
        Event.FINISH_PARTLY: Status.FAILED_OVER_PARTIAL,
        Event.UNDO: Status.ACTIVE,
        Event.BREAK: Status.ERROR,
    },
    Status.FAILED_OVER: {
        Event.EDIT: Status.FAILED_OVER,
    },
    Status.FAILED_OVER_PARTIAL: {
        Event.EDIT: Status.FAILED_OVER_PARTIAL,
        Event.FAIL_OVER: Status.FAILING_OVER,
        Event.RETRY: Status.FAILING_OVER,
    },
    Status.DELETING: {
        Event.BREAK: Status.ERROR,
    },
    Status.ERROR: {
        Event.RETRY: Status.FAILING_OVER,
        Event.DELETE: Status.DELETING,
    },
}

# What to type to leave a state in which the wanted event is refused.
WAY_OUT: dict[Status, str] = {
    Status.CREATING: "Wait until it is active: openstack protector protection-group show {name}",
    Status.ACTIVE: "See what it is: openstack protector protection-group show {name}",
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
