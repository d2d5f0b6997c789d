# SPDX-License-Identifier: Apache-2.0
import pytest

from protector import errors
from protector.domain.group import TRANSITIONS, WAY_OUT, Event, Status, after

ILLEGAL = [
    (status, event) for status in Status for event in Event if event not in TRANSITIONS[status]
]


@pytest.mark.parametrize(("status", "event"), ILLEGAL)
def test_everything_not_in_the_table_is_refused_with_a_way_out(
    status: Status, event: Event
) -> None:
    with pytest.raises(errors.WrongStatus) as refused:
        after(status, event, name="web")
    text = refused.value.text
    assert text.startswith(f"Protection group web is {status} and cannot {event} now. ")
    assert WAY_OUT[status].format(name="web") in text


@pytest.mark.parametrize("status", [Status.CREATING, Status.FAILING_OVER, Status.DELETING])
def test_every_busy_state_can_break(status: Status) -> None:
    assert after(status, Event.BREAK, name="web") is Status.ERROR


def test_a_failover_that_does_not_go_through_ends_where_it_began_or_in_error() -> None:
    ends = {after(Status.FAILING_OVER, event, name="web") for event in TRANSITIONS["failing_over"]}
    assert ends == {Status.ACTIVE, Status.FAILED_OVER_PARTIAL, Status.ERROR}


def test_what_failed_in_part_is_resumed() -> None:
    resumed = after(Status.FAILED_OVER_PARTIAL, Event.FAIL_OVER, name="web")
    assert resumed is Status.FAILING_OVER
